"""Several transfer processes side by side, and one for files that may hang their process."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from imageferry.engine.transfer_process.supervisor import TransferProcess
from imageferry.model import Record, Transfer

# How long the process for isolated batches is kept without one.
ISOLATION_IDLE_S = 10.0


class TransferProcessPool:
    """The transfer stage over several processes: each batch goes to the process with the fewest files in progress.

    Isolated batches go to `isolation`, one at a time. It starts for the first of them, and ends when it is idle.
    """

    def __init__(
        self, processes: Iterable[TransferProcess], *, isolation: TransferProcess, idle_s: float = ISOLATION_IDLE_S
    ) -> None:
        self._files_in_progress = dict.fromkeys(processes, 0)
        self._isolation = isolation
        self._isolation_turn = asyncio.Lock()
        self._isolation_idle_s = idle_s
        self._ending_isolation: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start every process; see TransferProcess.start."""
        for process in self._files_in_progress:
            await process.start()

    async def transfer(self, message: Transfer) -> AsyncIterator[Record]:
        """See TransferProcess.transfer."""
        stage = self._transfer_isolated if message.isolated else self._transfer
        async for record in stage(message):
            yield record

    @property
    def is_responding(self) -> bool:
        """False while a process does not respond; it is replaced soon."""
        return all(process.is_responding for process in (*self._files_in_progress, self._isolation))

    async def close(self) -> None:
        """End all processes at the same time; idempotent."""
        self._keep_isolation()
        await asyncio.gather(*(process.close() for process in (*self._files_in_progress, self._isolation)))

    async def _transfer(self, message: Transfer) -> AsyncIterator[Record]:
        process = min(self._files_in_progress, key=self._files_in_progress.__getitem__)
        self._files_in_progress[process] += len(message.items)
        try:
            async for record in process.transfer(message):
                yield record
        finally:
            self._files_in_progress[process] -= len(message.items)

    async def _transfer_isolated(self, message: Transfer) -> AsyncIterator[Record]:
        async with self._isolation_turn:
            self._keep_isolation()
            try:
                async for record in self._isolation.transfer(message):
                    yield record
            finally:
                self._ending_isolation = asyncio.create_task(self._end_idle_isolation())

    def _keep_isolation(self) -> None:
        if self._ending_isolation is not None:
            self._ending_isolation.cancel()

    async def _end_idle_isolation(self) -> None:
        await asyncio.sleep(self._isolation_idle_s)
        await self._isolation.close()
