"""FairSlots and ByteBudget."""

import asyncio
from collections import Counter

import pytest

from imageferry.pipeline.stop_signal import StoppedError, StopSignal
from imageferry.pipeline.transfer.limits import ByteBudget, FairSlots


async def test_the_batches_of_a_job_start_their_files_one_batch_after_the_other() -> None:
    started = await _start_order(FairSlots(3), {("job", 2): 5, ("job", 1): 5, ("job", 3): 5})
    # Batch 2 was enqueued first, with three slots free.
    assert started == [("job", 2)] * 3 + [("job", 1)] * 5 + [("job", 2)] * 2 + [("job", 3)] * 5


async def test_jobs_take_turns_weighted_by_their_waiting_batches() -> None:
    started = await _start_order(FairSlots(1), {("large", 1): 6, ("large", 2): 6, ("small", 3): 3})
    assert Counter(started[1:7]) == {("large", 1): 4, ("small", 3): 2}


async def test_a_stopped_wait_leaves_its_slots_to_others() -> None:
    slots, stop_signal = FairSlots(2), StopSignal()
    with slots.enqueue(job_id="a", batch_id=1, files=2) as first:
        await first.acquire(stop_signal=StopSignal())  # the second slot is granted, and never acquired
        with slots.enqueue(job_id="b", batch_id=2, files=1) as stopped:
            waiting = asyncio.create_task(stopped.acquire(stop_signal=stop_signal))
            await asyncio.sleep(0)
            stop_signal.request_stop()
            with pytest.raises(StoppedError):
                await waiting
        slots.release()
    with slots.enqueue(job_id="c", batch_id=3, files=2) as last:
        for _ in range(2):
            await last.acquire(stop_signal=StopSignal())


async def _start_order(slots: FairSlots, batches: dict[tuple[str, int], int]) -> list[tuple[str, int]]:
    """Run batches whose files each take a moment. Return each file's batch, in the order of their starts."""
    started: list[tuple[str, int]] = []

    async def transfer() -> None:
        await asyncio.sleep(0)
        slots.release()

    async def run(job_id: str, batch_id: int, files: int) -> None:
        async with asyncio.TaskGroup() as transfers:
            with slots.enqueue(job_id=job_id, batch_id=batch_id, files=files) as queue:
                for _ in range(files):
                    await queue.acquire(stop_signal=StopSignal())
                    started.append((job_id, batch_id))
                    transfers.create_task(transfer())

    await asyncio.gather(*(run(*batch, files) for batch, files in batches.items()))
    return started


async def test_a_large_request_is_not_overtaken_by_a_small_one() -> None:
    budget, order = ByteBudget(10), []

    async def use(name: str, size_bytes: int) -> None:
        async with budget.reserve(size_bytes, stop_signal=StopSignal()):
            order.append(name)
            await asyncio.sleep(0.01)

    await asyncio.gather(use("a", 8), use("b", 8), use("c", 1))
    assert order == ["a", "b", "c"]  # c would fit next to a, but b was first


async def test_a_request_above_the_limit_reserves_all_of_it() -> None:
    budget = ByteBudget(10)
    async with budget.reserve(1000, stop_signal=StopSignal()):
        waiting = asyncio.create_task(_reserve(budget, 1))
        await asyncio.sleep(0.01)
        assert not waiting.done()
    await waiting


async def test_a_cancelled_wait_reserves_nothing() -> None:
    budget = ByteBudget(10)
    async with budget.reserve(10, stop_signal=StopSignal()):
        waiting = asyncio.create_task(_reserve(budget, 5))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await _reserve(budget, 10)


async def test_a_wait_that_is_cancelled_while_bytes_are_released_does_not_block_others() -> None:
    budget = ByteBudget(10)
    async with budget.reserve(6, stop_signal=StopSignal()):
        first = asyncio.create_task(_reserve(budget, 10))
        second = asyncio.create_task(_reserve(budget, 4))
        await asyncio.sleep(0)
        first.cancel()
        budget.release(0)
        with pytest.raises(asyncio.CancelledError):
            await first
        await second
    await _reserve(budget, 10)


async def _reserve(budget: ByteBudget, size_bytes: int) -> None:
    async with budget.reserve(size_bytes, stop_signal=StopSignal()):
        pass
