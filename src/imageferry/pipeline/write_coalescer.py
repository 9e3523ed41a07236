"""Writes that come at about the same time: they go into the catalog in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from imageferry.errors import TransientError
from imageferry.model import Crawl, Transfer

# A transaction is held no longer than it takes to write so many files.
FILES_MAX = 2_000

T = TypeVar("T")


class Together(Generic[T]):
    """Writes what it is given, one transaction at a time, each with all that waits by then for the same job.

    Before each it lingers for others to come: much in one transaction costs a fraction of what each costs by itself.
    How many wait is bounded by what the ledger gives out.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[Sequence[Crawl | Transfer]]],
        *,
        linger: Callable[[], Awaitable[None]],
    ) -> None:
        self._write = write
        self._linger = linger
        self._turn = asyncio.Lock()
        self._waiting: list[_Waiting[T]] = []

    async def add(self, what: T, *, job_id: str, files: int) -> Sequence[Crawl | Transfer]:
        """Write it; its part of what the job may begin now."""
        one = _Waiting(what=what, job_id=job_id, files=files)
        self._waiting.append(one)
        try:
            async with self._turn:
                if one.error is not None:
                    raise one.error
                if not one.written:
                    await self._write_with_others(one)
                return one.following
        finally:
            self._waiting.remove(one)

    async def _write_with_others(self, one: "_Waiting[T]") -> None:
        await self._linger()
        together = self._together(one)
        try:
            following = await self._write([each.what for each in together])
        except TransientError as exc:
            for each in together:
                each.error = exc
            raise
        except Exception:
            if len(together) == 1:
                raise
            # One that we cannot cope with must not take others along.
            for each in together:
                each.alone = True
            together, following = [one], await self._write([one.what])
        for each in together:
            each.written = True
        # None to those that were called off meanwhile: they would pass nothing on.
        there = [each for each in together if each in self._waiting]
        for number, each in enumerate(there):
            each.following = following[number :: len(there)]

    def _together(self, one: "_Waiting[T]") -> list["_Waiting[T]"]:
        """One and those of its job that wait with it, as far as they fit a transaction."""
        together, files = [one], one.files
        for other in self._waiting:
            if other is one or other.written or one.alone or other.alone:
                continue
            if other.job_id == one.job_id and files + other.files <= FILES_MAX:
                files += other.files
                together.append(other)
        return together


class _Waiting(Struct, Generic[T], kw_only=True, eq=False):
    """What waits for its turn, and what became of it."""

    what: T
    job_id: str
    files: int
    written: bool = False
    alone: bool = False  # it is not to be written along with others any more
    error: TransientError | None = None  # of whoever tried to write it along
    following: Sequence[Crawl | Transfer] = ()
