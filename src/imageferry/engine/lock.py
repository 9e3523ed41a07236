"""One local engine a catalog: a lock that ends with the process, however it ends."""

from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout


class NoLock:
    """The right to work that everybody has at once: many engines may send from one catalog through a broker."""

    held = True

    def acquire(self) -> bool:
        """Always ours."""
        return True

    def release(self) -> None:
        """Nothing to give up."""


class EngineLock:
    """The right to work on a catalog, on this machine."""

    def __init__(self, home: Path, *, catalog_url: str) -> None:
        name = sha256(catalog_url.encode()).hexdigest()[:16]
        self._lock = FileLock(home / f"engine-{name}.lock")

    def acquire(self) -> bool:
        """Take it if nobody has it; True when it is ours."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    @property
    def held(self) -> bool:
        """True: it is ours."""
        return self._lock.is_locked

    def release(self) -> None:
        """Give it up; idempotent."""
        self._lock.release()
