"""The transfer stage: the files of a batch, from the source into the store, many at once."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping

from imageferry.errors import BlockedError, Reason
from imageferry.log import log
from imageferry.model import ItemState, Outcome, Record, Transfer, TransferItem
from imageferry.pipeline.stop_signal import Halt, StoppedError
from imageferry.pipeline.transfer.file_transfer import carry
from imageferry.pipeline.transfer.limits import Bounds
from imageferry.sources.base import Source
from imageferry.stores.store import Store

# What is known is told this often, so that progress shows and a killed process has little to repeat.
TELL_EVERY_S = 1.0
# After this time a batch begins no file any more and gives back the rest, so that no worker is held for hours.
TIME_BOX_S = 240.0


async def transfer(
    message: Transfer, *, sources: Mapping[str, Source], store: Store, bounds: Bounds, sign_of_life_s: float
) -> AsyncIterator[Record]:
    """Bring the files of a batch into the store; tells as it goes, the last time with `final` set.

    A batch that tells nothing for longer than its lease would be given out again: soon after its begin, and
    every `sign_of_life_s` seconds, it tells at least that it lives.

    Files without an outcome in any record are to be given out again: the process or the job was asked to stop, the
    time box was up, or nothing can be brought at present (`blocked`).
    """
    with bounds.halts.under(message.job_id) as halt:
        batch = _Batch(message, source=sources[message.source], store=store, bounds=bounds, halt=halt)
        working = asyncio.create_task(batch.work())
        try:
            quiet_since = -math.inf
            while not working.done():
                await asyncio.wait([working], timeout=min(TELL_EVERY_S, sign_of_life_s))
                if working.done():
                    break
                now = time.monotonic()
                if batch.outcomes or now - quiet_since > sign_of_life_s:
                    quiet_since = now
                    yield batch.tell()
            await working
        finally:
            working.cancel()
    yield batch.tell(final=True)


class _Batch:
    def __init__(self, message: Transfer, *, source: Source, store: Store, bounds: Bounds, halt: Halt) -> None:
        self.outcomes: list[Outcome] = []
        self._blocked: BlockedError | None = None
        self._message = message
        self._source = source
        self._store = store
        self._bounds = bounds
        self._halt = halt

    def tell(self, *, final: bool = False) -> Record:
        outcomes, self.outcomes = self.outcomes, []
        blocked = self._blocked if final else None
        return Record(
            job_id=self._message.job_id,
            batch_id=self._message.batch_id,
            outcomes=tuple(outcomes),
            final=final,
            blocked=None if blocked is None else blocked.reason,
            blocked_detail=None if blocked is None else blocked.message,
        )

    async def work(self) -> None:
        ends_at = time.monotonic() + TIME_BOX_S
        job_id, batch_id, parcels = self._message.job_id, self._message.batch_id, self._message.parcels
        async with asyncio.TaskGroup() as files:
            with self._bounds.files.line(job_id=job_id, batch_id=batch_id, files=len(parcels)) as places:
                for parcel in parcels:
                    try:
                        await places.take(halt=self._halt)
                    except StoppedError:
                        break
                    if self._halt.wished.is_set() or self._blocked or time.monotonic() > ends_at:
                        self._bounds.files.give_back()
                        break
                    files.create_task(self._carry(parcel))

    async def _carry(self, parcel: TransferItem) -> None:
        try:
            outcome = await carry(
                parcel,
                source=self._source,
                store=self._store,
                bounds=self._bounds,
                halt=self._halt,
                repeated=self._message.repeated,
            )
            self.outcomes.append(outcome)
        except BlockedError as exc:
            self._blocked = exc
        except StoppedError:
            pass  # it has no outcome, so it is given out again
        except Exception as exc:  # one file that we cannot cope with must not take its batch along
            log.exception("file.poison", file_id=parcel.file_id)
            detail = f"imageferry failed on this file: {exc!r}"
            poison = Outcome(item_id=parcel.item_id, state=ItemState.PENDING, reason=Reason.POISON, detail=detail)
            self.outcomes.append(poison)
        finally:
            self._bounds.files.give_back()
