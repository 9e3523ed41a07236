"""The byte budget."""

import asyncio

from imageferry.pipeline.bounds import ByteBudget
from imageferry.pipeline.halt import Halt


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


async def _hold(budget: ByteBudget, size_bytes: int) -> None:
    async with budget.hold(size_bytes, halt=Halt()):
        pass
