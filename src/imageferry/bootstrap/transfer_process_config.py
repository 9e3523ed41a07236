"""What a mover is given: enough to open sources and the store by itself, and no more."""

from typing import TYPE_CHECKING, Self

from msgspec import Struct
from msgspec.structs import replace

from imageferry.bootstrap.external_services import Outside

if TYPE_CHECKING:
    from imageferry.bootstrap.limits import Limits
    from imageferry.settings import Settings


class Outfit(Struct, frozen=True, kw_only=True):
    """A mover's part of the settings; with secrets, for a pipe alone."""

    outside: Outside
    files_at_once: int
    bytes_at_once: int
    sign_of_life_s: float
    log_level: str
    log_format: str
    metered: bool

    @classmethod
    def of(cls, settings: "Settings", limits: "Limits", outside: Outside, *, metered: bool) -> Self:
        """As the settings say, whose bounds all movers share."""
        movers = settings.movers
        return cls(
            outside=replace(outside, quota=outside.quota.shared_by(movers)),
            files_at_once=settings.concurrency // movers,
            bytes_at_once=settings.memory_bytes_max // movers,
            sign_of_life_s=limits.terms.sign_of_life_s,
            log_level=settings.log_level,
            log_format=settings.log_format,
            metered=metered,
        )
