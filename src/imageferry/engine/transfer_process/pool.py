"""Several transfer processes side by side."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from imageferry.engine.transfer_process.supervisor import TransferProcess
from imageferry.model import Record, Transfer


class TransferProcessPool:
    """The transfer stage over several processes: each batch goes to the process with the fewest files in progress."""

    def __init__(self, processes: Iterable[TransferProcess]) -> None:
        self._files_in_progress = dict.fromkeys(processes, 0)

    async def start(self) -> None:
        """Start every process; see TransferProcess.start."""
        for process in self._files_in_progress:
            await process.start()

    async def transfer(self, message: Transfer) -> AsyncIterator[Record]:
        """See TransferProcess.transfer."""
        process = min(self._files_in_progress, key=self._files_in_progress.__getitem__)
        self._files_in_progress[process] += len(message.items)
        try:
            async for record in process.transfer(message):
                yield record
        finally:
            self._files_in_progress[process] -= len(message.items)

    async def close(self) -> None:
        """End all processes at the same time; idempotent."""
        await asyncio.gather(*(process.close() for process in self._files_in_progress))
