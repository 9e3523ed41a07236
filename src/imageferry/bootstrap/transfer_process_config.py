"""What a transfer process needs to open the sources and the store itself, and no more."""

from typing import TYPE_CHECKING, Self

from msgspec import Struct
from msgspec.structs import replace

from imageferry.bootstrap.external_services import ExternalConfig

if TYPE_CHECKING:
    from imageferry.bootstrap.limits import Limits
    from imageferry.settings import Settings


class TransferProcessConfig(Struct, frozen=True, kw_only=True):
    """Configuration sent to a transfer process over its socket: source, store, its share of the limits.

    Contains credentials: never log it or pass it by argv or environment.
    """

    external: ExternalConfig
    files_at_once: int
    bytes_at_once: int
    heartbeat_interval_s: float
    log_level: str
    log_format: str
    has_metrics: bool

    @classmethod
    def from_settings(
        cls, settings: "Settings", limits: "Limits", external: ExternalConfig, *, has_metrics: bool
    ) -> Self:
        """Return the configuration of each transfer process: all of them together keep the limits of the settings."""
        processes = settings.transfer_processes
        return cls(
            external=replace(external, quota=external.quota.divided_by(processes)),
            files_at_once=settings.concurrency // processes,
            bytes_at_once=settings.transfer_memory_bytes // processes,
            heartbeat_interval_s=limits.lease_policy.heartbeat_interval_s,
            log_level=settings.log_level,
            log_format=settings.log_format,
            has_metrics=has_metrics,
        )
