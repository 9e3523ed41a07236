"""The transfer stage: transfers the files of a batch from the source into the store, many at a time."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping

from imageferry.errors import BlockedError, Reason
from imageferry.log import log
from imageferry.model import ItemState, Outcome, Record, Transfer, TransferItem
from imageferry.pipeline.stop_signal import StoppedError, StopSignal
from imageferry.pipeline.transfer.file_transfer import transfer_file
from imageferry.pipeline.transfer.limits import TransferLimits
from imageferry.sources.base import Source
from imageferry.stores.store import Store

# Outcomes are reported this often, so that progress shows and a killed process has little to repeat.
REPORT_INTERVAL_S = 1.0
# After this time a batch starts no more files and returns the rest, so that it doesn't occupy a worker for hours.
TIME_LIMIT_S = 240.0


async def transfer(
    message: Transfer,
    *,
    sources: Mapping[str, Source],
    store: Store,
    limits: TransferLimits,
    heartbeat_interval_s: float,
) -> AsyncIterator[Record]:
    """Transfer the files of a batch into the store. Yield records of outcomes as they are known; the last one is final.

    A batch without a record for longer than its lease would be dispatched again. So the first record, and one in every
    `heartbeat_interval_s` seconds, is sent even if it has no outcomes.

    Files without an outcome in any record are to be dispatched again: the process or the job was stopped, the time
    limit was reached, or no file can be transferred now (`blocked_reason`).
    """
    with limits.stop_signals.register(message.job_id) as stop_signal:
        batch = _Batch(message, source=sources[message.source], store=store, limits=limits, stop_signal=stop_signal)
        running = asyncio.create_task(batch.run())
        try:
            last_record_s = -math.inf
            while not running.done():
                await asyncio.wait([running], timeout=min(REPORT_INTERVAL_S, heartbeat_interval_s))
                if running.done():
                    break
                now_s = time.monotonic()
                if batch.outcomes or now_s - last_record_s > heartbeat_interval_s:
                    last_record_s = now_s
                    yield batch.take_record()
            await running
        finally:
            running.cancel()
    yield batch.take_record(is_final=True)


class _Batch:
    def __init__(
        self, message: Transfer, *, source: Source, store: Store, limits: TransferLimits, stop_signal: StopSignal
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._blocked: BlockedError | None = None
        self._message = message
        self._source = source
        self._store = store
        self._limits = limits
        self._stop_signal = stop_signal

    def take_record(self, *, is_final: bool = False) -> Record:
        """Return a record of the outcomes since the last one."""
        outcomes, self.outcomes = self.outcomes, []
        blocked = self._blocked if is_final else None
        return Record(
            job_id=self._message.job_id,
            batch_id=self._message.batch_id,
            outcomes=tuple(outcomes),
            is_final=is_final,
            blocked_reason=None if blocked is None else blocked.reason,
            blocked_detail=None if blocked is None else blocked.message,
        )

    async def run(self) -> None:
        ends_at_s = time.monotonic() + TIME_LIMIT_S
        job_id, batch_id, items = self._message.job_id, self._message.batch_id, self._message.items
        async with asyncio.TaskGroup() as transfers:
            with self._limits.file_slots.enqueue(job_id=job_id, batch_id=batch_id, files=len(items)) as slots:
                for item in items:
                    try:
                        await slots.acquire(stop_signal=self._stop_signal)
                    except StoppedError:
                        break
                    if self._stop_signal.stop_requested.is_set() or self._blocked or time.monotonic() > ends_at_s:
                        self._limits.file_slots.release()
                        break
                    transfers.create_task(self._transfer(item))

    async def _transfer(self, item: TransferItem) -> None:
        try:
            with self._limits.heartbeat.under_way(item.item_id):
                outcome = await transfer_file(
                    item,
                    source=self._source,
                    store=self._store,
                    limits=self._limits,
                    stop_signal=self._stop_signal,
                    redelivered=self._message.redelivered,
                )
            self.outcomes.append(outcome)
        except BlockedError as exc:
            self._blocked = exc
        except StoppedError:
            pass  # without an outcome it is dispatched again
        except Exception as exc:  # a bug that one file triggers must not fail its batch
            log.exception("file.transfer_failed", file_id=item.file_id)
            self.outcomes.append(
                Outcome(
                    item_id=item.item_id,
                    state=ItemState.PENDING,
                    reason=Reason.CRASHED_WORKER,
                    detail=f"imageferry failed on this file: {exc!r}",
                )
            )
        finally:
            self._limits.file_slots.release()
