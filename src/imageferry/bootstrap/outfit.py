"""What a mover is given: enough to open sources and the store by itself, and no more."""

from msgspec import Struct

from imageferry.bootstrap.outside import Outside


class Outfit(Struct, frozen=True, kw_only=True):
    """A mover's part of the settings; with secrets, for a pipe alone."""

    outside: Outside
    files_at_once: int
    bytes_at_once: int
    sign_of_life_s: float
    log_level: str
    log_format: str
    metered: bool
