"""Some movers beside one another."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from imageferry.engine.transfer_process.supervisor import Mover
from imageferry.model import Record, Transfer


class Movers:
    """The transfer stage, in some processes: each batch is brought by the one that has the fewest files to bring."""

    def __init__(self, movers: Iterable[Mover]) -> None:
        self._files_of = dict.fromkeys(movers, 0)

    async def begin(self) -> None:
        """See Mover."""
        for mover in self._files_of:
            await mover.begin()

    async def transfer(self, message: Transfer) -> AsyncIterator[Record]:
        """See Mover."""
        mover = min(self._files_of, key=self._files_of.__getitem__)
        self._files_of[mover] += len(message.parcels)
        try:
            async for record in mover.transfer(message):
                yield record
        finally:
            self._files_of[mover] -= len(message.parcels)

    async def close(self) -> None:
        """End all of them, at the same time; idempotent."""
        await asyncio.gather(*(mover.close() for mover in self._files_of))
