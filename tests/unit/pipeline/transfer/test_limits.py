"""The bounds: places for files, and the byte budget."""

import asyncio
from collections import Counter

import pytest

from imageferry.pipeline.stop_signal import Halt, StoppedError
from imageferry.pipeline.transfer.limits import ByteBudget, Places


async def test_a_jobs_batches_begin_their_files_one_batch_after_the_other() -> None:
    begun = await _begun(Places(3), {("job", 2): 5, ("job", 1): 5, ("job", 3): 5})
    # 2 was alone when it came, with three places free.
    assert begun == [("job", 2)] * 3 + [("job", 1)] * 5 + [("job", 2)] * 2 + [("job", 3)] * 5


async def test_jobs_take_turns_by_how_many_of_their_batches_wait() -> None:
    begun = await _begun(Places(1), {("large", 1): 6, ("large", 2): 6, ("small", 3): 3})
    assert Counter(begun[1:7]) == {("large", 1): 4, ("small", 3): 2}


async def test_whoever_stops_waiting_leaves_its_places_to_others() -> None:
    places, halt = Places(2), Halt()
    with places.line(job_id="a", batch_id=1, files=2) as first:
        await first.take(halt=Halt())  # the second stays ready, and is never taken
        with places.line(job_id="b", batch_id=2, files=1) as stopped:
            waiting = asyncio.create_task(stopped.take(halt=halt))
            await asyncio.sleep(0)
            halt.wish()
            with pytest.raises(StoppedError):
                await waiting
        places.give_back()
    with places.line(job_id="c", batch_id=3, files=2) as last:
        for _ in range(2):
            await asyncio.wait_for(last.take(halt=Halt()), 1)


async def _begun(places: Places, batches: dict[tuple[str, int], int]) -> list[tuple[str, int]]:
    """Whose files began, in this order; each file takes a moment."""
    begun: list[tuple[str, int]] = []

    async def carry() -> None:
        await asyncio.sleep(0)
        places.give_back()

    async def work(job_id: str, batch_id: int, files: int) -> None:
        async with asyncio.TaskGroup() as carrying:
            with places.line(job_id=job_id, batch_id=batch_id, files=files) as line:
                for _ in range(files):
                    await line.take(halt=Halt())
                    begun.append((job_id, batch_id))
                    carrying.create_task(carry())

    await asyncio.gather(*(work(*batch, files) for batch, files in batches.items()))
    return begun


async def test_who_wants_more_than_is_free_waits_until_it_is() -> None:
    budget, order = ByteBudget(10), []

    async def use(name: str, size_bytes: int) -> None:
        async with budget.hold(size_bytes, halt=Halt()):
            order.append(name)
            await asyncio.sleep(0.01)

    await asyncio.gather(use("a", 8), use("b", 8), use("c", 1))
    assert order == ["a", "b", "c"]  # c would fit beside a, but b asked first


async def test_more_than_there_is_takes_all_of_it() -> None:
    budget = ByteBudget(10)
    async with budget.hold(1000, halt=Halt()):
        waiting = asyncio.create_task(_hold(budget, 1))
        await asyncio.sleep(0.01)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 1)


async def test_a_cancelled_wait_holds_nothing() -> None:
    budget = ByteBudget(10)
    async with budget.hold(10, halt=Halt()):
        waiting = asyncio.create_task(_hold(budget, 5))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(_hold(budget, 10), 1)


async def test_a_wait_that_is_cancelled_while_bytes_come_free_is_no_error_and_blocks_nobody() -> None:
    budget = ByteBudget(10)
    async with budget.hold(6, halt=Halt()):
        first = asyncio.create_task(_hold(budget, 10))
        second = asyncio.create_task(_hold(budget, 4))
        await asyncio.sleep(0)
        first.cancel()
        budget.give_back(0)
        with pytest.raises(asyncio.CancelledError):
            await first
        await asyncio.wait_for(second, 1)
    await asyncio.wait_for(_hold(budget, 10), 1)


async def _hold(budget: ByteBudget, size_bytes: int) -> None:
    async with budget.hold(size_bytes, halt=Halt()):
        pass
