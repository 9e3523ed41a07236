"""A sweeper beside a worker's recorders: jobs go on when neither a gateway nor `import` runs."""

import asyncio
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess, parent_process

from imageferry.bootstrap.components import open_ferry
from imageferry.engine.base import Engine
from imageferry.engine.cleanup_loop import tidying
from imageferry.errors import ImageferryError
from imageferry.log import log
from imageferry.runtime import loop_factory
from imageferry.settings import Settings
from imageferry.telemetry.logs import configure_logging

# How long to rest after the sweeper failed.
REST_S = 5.0
END_WITHIN_S = 5.0


@contextmanager
def sweeper_beside(settings: Settings) -> Iterator[None]:
    """A process that sweeps the catalog until the context ends, or this process does, however it ends."""
    # Spawned, not forked: it inherits no connection and no thread.
    process = multiprocessing.get_context("spawn").Process(target=_sweep, args=(settings,), daemon=True)
    process.start()
    try:
        yield
    finally:
        _end(process)


def _end(process: BaseProcess) -> None:
    process.terminate()
    process.join(END_WITHIN_S)
    if process.exitcode is None:
        process.kill()


def _sweep(settings: Settings) -> None:
    configure_logging(level=settings.log_level, form=settings.log_format)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_sweep_until_told(settings))


async def _sweep_until_told(settings: Settings) -> None:
    stopped = asyncio.Event()
    _on_the_end(stopped)
    while not stopped.is_set():
        try:
            async with open_ferry(settings) as ferry, tidying(catalog=ferry.catalog, store=ferry.store):
                await _run(ferry.engine(), until=stopped)
        except ImageferryError as exc:
            log.warning("sweeper.away", detail=exc.message)
            await _rest(stopped)
        except Exception:  # without it jobs would stand still when a message is lost
            log.exception("sweeper.failed")
            await _rest(stopped)


async def _run(engine: Engine, *, until: asyncio.Event) -> None:
    working, told = asyncio.create_task(engine.run()), asyncio.create_task(until.wait())
    await asyncio.wait([working, told], return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    engine.stop()
    await working


async def _rest(until: asyncio.Event) -> None:
    with_a_limit = asyncio.create_task(until.wait())
    await asyncio.wait([with_a_limit], timeout=REST_S)
    with_a_limit.cancel()


def _on_the_end(stopped: asyncio.Event) -> None:
    """Set it when a signal asks to stop, or when the worker is no more."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    worker = parent_process()
    if worker is not None:
        loop.add_reader(worker.sentinel, stopped.set)
