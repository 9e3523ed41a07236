"""Movers beside one another: which of them brings what."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from imageferry.bootstrap.external_services import Outside
from imageferry.bootstrap.limits import Limits
from imageferry.bootstrap.transfer_process_config import Outfit
from imageferry.engine.transfer_process.pool import Movers
from imageferry.engine.transfer_process.supervisor import Mover
from imageferry.model import Record, Transfer, TransferItem
from imageferry.pipeline.stop_signal import Halts
from imageferry.settings import Settings

PARCEL = TransferItem(item_id=1, file_id="f", name="a.jpg", key="k", mime_type="image/jpeg")
FOUR, TWO = (Transfer(job_id="j", source="s", batch_id=n, parcels=(PARCEL,) * n) for n in (4, 2))


class Patient(Mover):
    """Brings a batch when it may."""

    def __init__(self) -> None:
        super().__init__("nobody", outfit={}, halts=Halts())
        self.batches: list[int] = []
        self.may = asyncio.Event()

    async def transfer(self, message: Transfer) -> AsyncIterator[Record]:
        self.batches.append(message.batch_id)
        await self.may.wait()
        yield message.given_back()


async def bring(movers: Movers, message: Transfer) -> list[Record]:
    return [record async for record in movers.transfer(message)]


async def test_a_batch_is_brought_by_who_has_the_fewest_files() -> None:
    first, second = Patient(), Patient()
    movers = Movers([first, second])
    under_way = []
    for message in (FOUR, TWO, TWO, TWO):
        under_way.append(asyncio.create_task(bring(movers, message)))
        await asyncio.sleep(0)
    assert (first.batches, second.batches) == ([4, 2], [2, 2])

    first.may.set()
    await asyncio.gather(under_way[0], under_way[3])
    under_way.append(asyncio.create_task(bring(movers, FOUR)))
    await asyncio.sleep(0)
    assert first.batches == [4, 2, 4]

    second.may.set()
    assert [record.batch_id for told in await asyncio.gather(*under_way) for record in told] == [4, 2, 2, 2, 4]
    await movers.close()


def test_movers_share_the_bounds_of_the_process() -> None:
    settings = Settings(movers=4, concurrency=32, memory_bytes_max=48 << 20, download_calls_s_max=80)
    outfit = _outfit(settings)
    assert (outfit.files_at_once, outfit.bytes_at_once) == (8, 12 << 20)
    assert outfit.outside.quota.byte_calls_s_max == 20


def test_a_quota_that_is_counted_for_all_is_everybodys() -> None:
    outfit = _outfit(Settings(movers=4, download_calls_s_max=80))
    counted = replace(outfit.outside.quota, counter_url="redis://127.0.0.1", byte_calls_s_max=80)
    assert counted.shared_by(4) == counted


def test_an_outfit_shows_nobody_the_password_of_who_counts() -> None:
    outfit = _outfit(Settings.load(quota_url="redis://:hidden@cache"))
    assert outfit.outside.quota.counter_url == "redis://:hidden@cache"
    assert "hidden" not in repr(outfit)


def test_there_are_no_more_movers_than_files_at_once() -> None:
    settings = Settings(movers=8, concurrency=3)
    assert settings.movers == 3
    assert _outfit(settings).files_at_once == 1


def _outfit(settings: Settings) -> Outfit:
    limits = Limits.of(settings)
    return Outfit.of(settings, limits, Outside.of(settings, limits), metered=False)
