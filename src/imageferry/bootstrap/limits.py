"""How long things may take and how often they are tried."""

from typing import TYPE_CHECKING, Self

from msgspec import Struct, field

from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.engine.sweep_loop import SWEEP_EVERY_S
from imageferry.sources.google_drive.config import Deadlines
from imageferry.sources.retry import Patience

if TYPE_CHECKING:
    from imageferry.settings import Settings

# A job's window, in batches: enough for one process, or for many that share a broker.
WINDOW_LOCAL, WINDOW_SHARED = 8, 16


class Limits(Struct, frozen=True, kw_only=True):
    """How long things may take and how often they are tried."""

    terms: LeasePolicy = field(default_factory=LeasePolicy)  # of the ledger
    sweep_every_s: float = SWEEP_EVERY_S
    patience: Patience = field(default_factory=Patience)  # with one call to a source
    deadlines: Deadlines = field(default_factory=Deadlines)  # of one call to a source
    cool_down_s: float = 60  # the pause when a source takes us for a robot and names no time
    store_timeout_s: float = 120  # of one request, its body included
    store_retry_timeout_s: float = 60  # of one request with its repetitions
    catalog_patience_s: float = 60  # with a catalog that is busy or away

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """The usual limits, and what can be set of them."""
        shared = settings.celery_broker_url is not None
        terms = LeasePolicy(
            batches_in_flight_max=settings.window or (WINDOW_SHARED if shared else WINDOW_LOCAL),
            lease_ms=round(settings.lease_s * 1000),
        )
        return cls(terms=terms)
