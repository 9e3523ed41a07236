"""A process that runs the sweep loop beside a recording worker, so that jobs continue while no gateway runs."""

import asyncio
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess, parent_process

from imageferry.bootstrap.components import open_components
from imageferry.engine.base import Engine
from imageferry.engine.cleanup_loop import periodic_cleanup
from imageferry.errors import ImageferryError
from imageferry.log import log
from imageferry.runtime import loop_factory
from imageferry.settings import Settings
from imageferry.subprocess_protocol.parent_death import end_with_parent
from imageferry.telemetry.logs import configure_logging

# The pause after the sweep loop failed.
RETRY_PAUSE_S = 5.0
EXIT_TIMEOUT_S = 5.0


@contextmanager
def sweeper_process(settings: Settings) -> Iterator[None]:
    """Run the sweep loop in a process until the context ends, or until this process exits for any reason."""
    # Spawned, not forked: it must inherit neither connections nor threads.
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(settings,), daemon=True)
    process.start()
    try:
        yield
    finally:
        _stop(process)


def _stop(process: BaseProcess) -> None:
    process.terminate()
    process.join(EXIT_TIMEOUT_S)
    if process.exitcode is None:
        process.kill()


def _main(settings: Settings) -> None:
    end_with_parent()
    configure_logging(level=settings.log_level, form=settings.log_format)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_sweep_until_stopped(settings))


async def _sweep_until_stopped(settings: Settings) -> None:
    stop = asyncio.Event()
    _set_on_exit(stop)
    while not stop.is_set():
        try:
            async with (
                open_components(settings) as components,
                periodic_cleanup(catalog=components.catalog, store=components.store),
            ):
                await _run(components.engine(), stop=stop)
        except ImageferryError as exc:
            log.warning("sweep_loop.unavailable", detail=exc.message)
            await _pause(stop)
        except Exception:  # without the sweep loop, a job whose message is lost would never continue
            log.exception("sweep_loop.failed")
            await _pause(stop)


async def _run(engine: Engine, *, stop: asyncio.Event) -> None:
    engine_task, stop_task = asyncio.create_task(engine.run()), asyncio.create_task(stop.wait())
    await asyncio.wait([engine_task, stop_task], return_when=asyncio.FIRST_COMPLETED)
    stop_task.cancel()
    engine.stop()
    await engine_task


async def _pause(stop: asyncio.Event) -> None:
    """Wait for RETRY_PAUSE_S, or until the process has to stop."""
    stop_task = asyncio.create_task(stop.wait())
    await asyncio.wait([stop_task], timeout=RETRY_PAUSE_S)
    stop_task.cancel()


def _set_on_exit(stop: asyncio.Event) -> None:
    """Set the event on SIGINT or SIGTERM, or when the worker that started this process exits."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    worker = parent_process()
    if worker is not None:
        loop.add_reader(worker.sentinel, stop.set)
