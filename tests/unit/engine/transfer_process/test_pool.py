"""The pool of transfer processes: which process gets a batch, and its share of the limits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from imageferry.bootstrap.external_services import ExternalConfig
from imageferry.bootstrap.limits import Limits
from imageferry.bootstrap.transfer_process_config import TransferProcessConfig
from imageferry.engine.transfer_process.pool import TransferProcessPool
from imageferry.engine.transfer_process.supervisor import TransferProcess
from imageferry.model import Record, Transfer, TransferItem
from imageferry.pipeline.stop_signal import StopSignals
from imageferry.settings import Settings

ITEM = TransferItem(item_id=1, file_id="f", name="a.jpg", object_key="k", mime_type="image/jpeg")
FOUR, TWO = (Transfer(job_id="j", source="s", batch_id=n, items=(ITEM,) * n) for n in (4, 2))


class BlockedProcess(TransferProcess):
    """Completes its batches once `release` is set."""

    def __init__(self) -> None:
        super().__init__("no.such.module", config={}, stop_signals=StopSignals(), silence_s_max=60)
        self.batches: list[int] = []
        self.release = asyncio.Event()
        self.closed = asyncio.Event()

    async def transfer(self, message: Transfer) -> AsyncIterator[Record]:
        self.batches.append(message.batch_id)
        await self.release.wait()
        yield message.empty_final_record()

    async def close(self) -> None:
        self.closed.set()


async def transfer(pool: TransferProcessPool, message: Transfer) -> list[Record]:
    return [record async for record in pool.transfer(message)]


async def test_a_batch_goes_to_the_process_with_the_fewest_files() -> None:
    first, second = BlockedProcess(), BlockedProcess()
    pool = TransferProcessPool([first, second], isolation=BlockedProcess())
    tasks = []
    for message in (FOUR, TWO, TWO, TWO):
        tasks.append(asyncio.create_task(transfer(pool, message)))
        await asyncio.sleep(0)
    assert (first.batches, second.batches) == ([4, 2], [2, 2])

    first.release.set()
    await asyncio.gather(tasks[0], tasks[3])
    tasks.append(asyncio.create_task(transfer(pool, FOUR)))
    await asyncio.sleep(0)
    assert first.batches == [4, 2, 4]

    second.release.set()
    assert [record.batch_id for records in await asyncio.gather(*tasks) for record in records] == [4, 2, 2, 2, 4]
    await pool.close()


async def test_isolated_batches_have_a_process_of_their_own_one_at_a_time() -> None:
    usual, isolation = BlockedProcess(), BlockedProcess()
    pool = TransferProcessPool([usual], isolation=isolation, idle_s=0)
    isolated = [Transfer(job_id="j", source="s", batch_id=n, items=(ITEM,), isolated=True) for n in (7, 8)]
    tasks = [asyncio.create_task(transfer(pool, message)) for message in isolated]
    await asyncio.sleep(0)
    assert (usual.batches, isolation.batches) == ([], [7])

    isolation.release.set()
    await asyncio.gather(*tasks)
    await asyncio.wait_for(isolation.closed.wait(), 60)
    assert (usual.batches, isolation.batches) == ([], [7, 8])


def test_transfer_processes_share_the_limits_of_the_settings() -> None:
    settings = Settings(transfer_processes=4, concurrency=32, transfer_memory_bytes=48 << 20, downloads_per_s_max=80)
    config = _config(settings)
    assert (config.files_at_once, config.bytes_at_once) == (8, 12 << 20)
    assert config.external.quota.byte_calls_per_s_max == 20


def test_a_quota_counted_in_redis_is_not_divided() -> None:
    config = _config(Settings(transfer_processes=4, downloads_per_s_max=80))
    counted = replace(config.external.quota, counter_url="redis://127.0.0.1", byte_calls_per_s_max=80)
    assert counted.divided_by(4) == counted


def test_a_configuration_does_not_show_the_password_of_redis() -> None:
    config = _config(Settings.load(quota_url="redis://:hidden@cache"))
    assert config.external.quota.counter_url == "redis://:hidden@cache"
    assert "hidden" not in repr(config)


def test_there_are_no_more_transfer_processes_than_files_at_once() -> None:
    settings = Settings(transfer_processes=8, concurrency=3)
    assert settings.transfer_processes == 3
    assert _config(settings).files_at_once == 1


def _config(settings: Settings) -> TransferProcessConfig:
    limits = Limits.from_settings(settings)
    return TransferProcessConfig.from_settings(
        settings, limits, ExternalConfig.from_settings(settings, limits), has_metrics=False
    )
