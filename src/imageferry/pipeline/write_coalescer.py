"""Group commit: writes that arrive at about the same time share one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from imageferry.errors import TransientError
from imageferry.model import Crawl, Transfer

# Bounds how long a transaction takes.
FILES_MAX = 2_000

T = TypeVar("T")


class WriteCoalescer(Generic[T]):
    """Coalesces concurrent writes of one job into a transaction of at most FILES_MAX files, one transaction at a time.

    `write` writes a group and returns the messages that the job may send now. `wait_for_more` is awaited before each
    transaction: many writes in one transaction cost a fraction of what each costs alone. The ledger's window bounds how
    many writes wait.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[Crawl | Transfer]]],
        *,
        wait_for_more: Callable[[], Awaitable[None]],
    ) -> None:
        self._write = write
        self._wait_for_more = wait_for_more
        self._lock = asyncio.Lock()
        self._pending: list[_PendingWrite[T]] = []

    async def add(self, value: T, *, job_id: str, files: int) -> Sequence[Crawl | Transfer]:
        """Write a value. Return its share of the group's messages.

        A TransientError fails the whole group. After any other error each write of the group is made alone, so that it
        fails only the write that causes it.
        """
        pending = _PendingWrite(value=value, job_id=job_id, files=files)
        self._pending.append(pending)
        try:
            async with self._lock:
                if pending.error is not None:
                    raise pending.error
                if not pending.is_written:
                    await self._write_group(pending)
                return pending.next_messages
        finally:
            self._pending.remove(pending)

    async def _write_group(self, first: "_PendingWrite[T]") -> None:
        await self._wait_for_more()
        group = self._group_of(first)
        try:
            next_messages = await self._write([each.value for each in group])
        except TransientError as exc:
            for each in group:
                each.error = exc
            raise
        except Exception:
            if len(group) == 1:
                raise
            for each in group:
                each.is_isolated = True
            group, next_messages = [first], await self._write([first.value])
        for each in group:
            each.is_written = True
        # A caller that was cancelled during the write would not send its messages.
        waiting = [each for each in group if each in self._pending]
        for index, each in enumerate(waiting):
            each.next_messages = next_messages[index :: len(waiting)]

    def _group_of(self, first: "_PendingWrite[T]") -> list["_PendingWrite[T]"]:
        """Return a write and the other pending ones of its job that fit a transaction with it."""
        group, files = [first], first.files
        for other in self._pending:
            if other is first or other.is_written or first.is_isolated or other.is_isolated:
                continue
            if other.job_id == first.job_id and files + other.files <= FILES_MAX:
                files += other.files
                group.append(other)
        return group


class _PendingWrite(Struct, Generic[T], kw_only=True, eq=False):
    """A write that waits for its transaction, and its result."""

    value: T
    job_id: str
    files: int
    is_written: bool = False
    is_isolated: bool = False  # not to be grouped with others again
    error: TransientError | None = None  # of the group that it was in
    next_messages: Sequence[Crawl | Transfer] = ()
