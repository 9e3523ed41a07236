"""The timeouts, retry policies and intervals of a process."""

from typing import TYPE_CHECKING, Self

from msgspec import Struct, field

from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.engine.sweep_loop import SWEEP_INTERVAL_S
from imageferry.sources.google_drive.config import Timeouts
from imageferry.sources.retry import RetryPolicy

if TYPE_CHECKING:
    from imageferry.settings import Settings

# How many batches may be in flight: enough for one process, or for several that share a broker.
BATCHES_IN_FLIGHT_LOCAL, BATCHES_IN_FLIGHT_SHARED = 8, 16


class Limits(Struct, frozen=True, kw_only=True):
    """How long operations may take, how often they are retried, and how much work is in flight."""

    lease_policy: LeasePolicy = field(default_factory=LeasePolicy)
    sweep_interval_s: float = SWEEP_INTERVAL_S
    source_retry_policy: RetryPolicy = field(default_factory=RetryPolicy)  # of one call to a source
    source_timeouts: Timeouts = field(default_factory=Timeouts)  # of one call to a source
    block_cooldown_s: float = 60  # how long to make no calls after a source blocks us as a bot without a retry time
    store_timeout_s: float = 120  # of one request, including its body
    store_retry_timeout_s: float = 60  # of one request with its retries
    catalog_retry_timeout_s: float = 60  # of one transaction, while the catalog is busy or unavailable

    @classmethod
    def from_settings(cls, settings: "Settings") -> Self:
        """Return the defaults, changed as the settings say."""
        is_shared = settings.celery_broker_url is not None
        default = BATCHES_IN_FLIGHT_SHARED if is_shared else BATCHES_IN_FLIGHT_LOCAL
        lease_policy = LeasePolicy(
            batches_in_flight_max=settings.batches_in_flight or default,
            lease_ms=round(settings.lease_s * 1000),
        )
        return cls(lease_policy=lease_policy)
