"""The Celery engine's far end: a worker whose child processes each serve the stages of its roles."""

import asyncio
import multiprocessing
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Protocol

import structlog
from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown, worker_shutting_down
from kombu.exceptions import KombuError

from imageferry.engine.base import Stages
from imageferry.engine.celery.app import Role, publish, queue, received
from imageferry.model import Message, Record
from imageferry.pipeline.bounds import Bounds

LOOK_EVERY_S = 0.2
# How long files that are under way have to come to their end when the worker stops.
GRACE_S = 3.0
# An outcome is told again so often, with a rest, when the broker does not take it: the work is not lost by then.
TELL_TRIES_MAX = 20
REST_S = 3.0


class OpenStages(Protocol):
    """Opens the stages and what they lean on, within a child process."""

    def __call__(self, *, bounds: Bounds) -> AbstractAsyncContextManager[Stages]:
        """The stages, while the context lasts."""
        ...


log = structlog.get_logger()


def run_worker(
    app: Celery,
    *,
    roles: Collection[Role],
    processes: int,
    open_stages: OpenStages,
    make_bounds: Callable[[], Bounds],
    log_level: str,
) -> None:
    """Serve the roles with so many child processes until SIGTERM or SIGINT; what is under way is given back then."""
    stopping = multiprocessing.get_context("fork").Event()
    child = _Child(app, open_stages=open_stages, make_bounds=make_bounds, stopping=stopping)
    for role in roles:
        app.task(_task(child, role), name=queue(app, role), bind=False)
    worker_process_init.connect(child.begin, weak=False)
    worker_process_shutdown.connect(child.end, weak=False)
    worker_shutting_down.connect(lambda **_: stopping.set(), weak=False)
    app.worker_main(
        [
            "worker",
            "--pool=prefork",
            f"--concurrency={processes}",
            f"--queues={','.join(queue(app, role) for role in roles)}",
            f"--loglevel={log_level}",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


def _task(child: "_Child", role: Role) -> Callable[[Any], None]:
    def serve(body: Any) -> None:  # noqa: ANN401 - it comes from outside, and is checked by `received`
        child.deliver(received(role, body))

    return serve


class _Child:
    """What a child process keeps from task to task: one event loop, and what its stages lean on.

    All of it is made after the fork: neither connections nor loops survive one.
    """

    def __init__(
        self,
        app: Celery,
        *,
        open_stages: OpenStages,
        make_bounds: Callable[[], Bounds],
        stopping: Any,  # noqa: ANN401 - multiprocessing's Event has no public type
    ) -> None:
        self._app = app
        self._open_stages = open_stages
        self._make_bounds = make_bounds
        self._stopping = stopping

    def begin(self, **_: object) -> None:
        """Make the loop and open the stages."""
        self._runner = asyncio.Runner()
        self._bounds = self._make_bounds()
        self._open = AsyncExitStack()
        self._stages: Stages = self._runner.run(self._enter())

    def end(self, **_: object) -> None:
        """Let go of all of it."""
        self._runner.run(self._open.aclose())
        self._runner.close()

    def deliver(self, message: Message) -> None:
        """Give a message to its stage, and send on what follows."""
        self._runner.run(self._deliver(message))

    async def _enter(self) -> Stages:
        return await self._open.enter_async_context(self._open_stages(bounds=self._bounds))

    async def _deliver(self, message: Message) -> None:
        watching = asyncio.create_task(self._watch())
        try:
            async for following in self._stages[type(message)](message):
                await self._publish(following)
        finally:
            watching.cancel()

    async def _publish(self, message: Message) -> None:
        for _ in range(TELL_TRIES_MAX):
            try:
                return await asyncio.to_thread(publish, self._app, message)
            except (KombuError, OSError) as exc:
                log.warning("broker.away", detail=str(exc))
                if not isinstance(message, Record):
                    return None  # it is in flight in the catalog: the sweep gives it out again
            await asyncio.sleep(REST_S)
        return None

    async def _watch(self) -> None:
        """Pass on the wish to stop, which the parent tells by a flag."""
        while not self._stopping.is_set():  # noqa: ASYNC110 - the parent is another process
            await asyncio.sleep(LOOK_EVERY_S)
        self._bounds.stopping.set()
        await asyncio.sleep(GRACE_S)
        self._bounds.break_off()
