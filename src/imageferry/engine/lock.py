"""One local engine per catalog: a file lock that the system releases when the process ends, however it ends."""

from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout


class NoLock:
    """A lock that is always free: over a broker, many engines may send messages from one catalog."""

    is_held = True

    def acquire(self) -> bool:
        """Return True."""
        return True

    def release(self) -> None:
        """Do nothing."""


class EngineLock:
    """The lock of a catalog on this machine; its holder may run the local engine."""

    def __init__(self, home: Path, *, catalog_url: str) -> None:
        name = sha256(catalog_url.encode()).hexdigest()[:16]
        self._lock = FileLock(home / f"engine-{name}.lock", mode=0o600)

    def acquire(self) -> bool:
        """Try to take the lock, without waiting. Return True if this object holds it."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    @property
    def is_held(self) -> bool:
        """True if this object holds the lock."""
        return self._lock.is_locked

    def release(self) -> None:
        """Release the lock; idempotent."""
        self._lock.release()
