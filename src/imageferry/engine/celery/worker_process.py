"""A child process of a worker: it gives messages to their stages, and sends on what follows."""

import asyncio
import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from multiprocessing.sharedctypes import RawValue
from typing import Protocol

from billiard import current_process
from celery import Celery
from celery.exceptions import Reject

from imageferry.engine.base import Stages, about
from imageferry.engine.celery.app import publish
from imageferry.engine.celery.stop_signals import Board
from imageferry.errors import ImageferryError, TransientError
from imageferry.log import log
from imageferry.model import Crawl, Message, Record, Transfer
from imageferry.pipeline.transfer.limits import Bounds
from imageferry.runtime import keep_memory, loop_factory

LOOK_EVERY_S = 0.2
# How long work that is under way has to come to its end when the worker stops; then downloads are broken off, and
# what is on its way into the store, or to the broker, has the last of it.
GRACE_S = 3.0
LAST_GRACE_S = 4.0
# A child that is told to end, and has not in this time, is ended: the worker starts no other in its seat before.
END_WITHIN_S = 10.0
# What follows is sent so often, with a rest, when the broker does not take it.
SEND_TRIES_MAX = 20
REST_S = 3.0


class OpenStages(Protocol):
    """Opens the stages and what they lean on, within a child process.

    The seat tells the children of a worker apart, from 0 on; whoever replaces one that ended has its seat.
    """

    def __call__(self, *, bounds: Bounds, seat: int) -> AbstractAsyncContextManager[Stages]:
        """The stages, while the context lasts."""
        ...


class Flag:
    """A wish that a parent tells its children. It takes no lock: a child that is killed would keep it."""

    def __init__(self) -> None:
        self._raised = RawValue(ctypes.c_bool, False)  # noqa: FBT003 - a C value's first value

    def up(self) -> None:
        """Tell it."""
        self._raised.value = True

    @property
    def is_up(self) -> bool:
        """True: it was told."""
        return bool(self._raised.value)


class Child:
    """What a child process keeps from message to message: one event loop, and what its stages lean on.

    All of it is made after the fork: neither connections nor loops survive one.
    """

    def __init__(
        self, app: Celery, *, open_stages: OpenStages, make_bounds: Callable[[], Bounds], stopping: Flag, board: Board
    ) -> None:
        self._app = app
        self._open_stages = open_stages
        self._make_bounds = make_bounds
        self._stopping = stopping
        self._board = board

    def begin(self, **_: object) -> None:
        """Make the loop and open the stages, however long what they lean on is away: no message is taken before."""
        keep_memory()
        self._runner = asyncio.Runner(loop_factory=loop_factory())
        self._bounds = self._make_bounds()
        self._open = AsyncExitStack()
        self._stages: Stages = self._runner.run(self._enter())

    def end(self, **_: object) -> None:
        """Let go of all of it, in the midst of a message too: Celery ends children when it has lost the broker."""
        in_the_end = threading.Timer(END_WITHIN_S, os._exit, [1])
        in_the_end.daemon = True
        in_the_end.start()
        self._runner.run(self._leave())
        self._runner.close()

    def deliver(self, message: Message) -> None:
        """Give a message to its stage, and send on what follows; raises Reject when others are to have it."""
        try:
            self._runner.run(self._until_stopped(message))
        except TransientError as exc:
            log.warning("catalog.away", detail=exc.message, **about(message))
            raise Reject(exc.message, requeue=True) from exc
        except asyncio.CancelledError as exc:
            raise Reject("The worker stops.", requeue=True) from exc
        except Exception:
            # Its work stays in flight; when its lease runs out it is given out again, a bounded number of times.
            log.exception("stage.failed", message_kind=type(message).__name__, **about(message))

    def give_back(self, message: Transfer) -> None:
        """Let the ledger give out again what somebody had who was lost: it counts that, for it may be the reason."""
        log.info("batch.given_back", **about(message))
        self._runner.run(self._send(message.given_back(lost=True)))

    async def _enter(self) -> Stages:
        seat: int = current_process().index
        while not self._stopping.is_up:
            try:
                return await self._open.enter_async_context(self._open_stages(bounds=self._bounds, seat=seat))
            except ImageferryError as exc:
                log.warning("worker.waits", detail=exc.message)
            except Exception:  # Celery would go on with a child that has no stages, and lose what it is given
                log.exception("worker.waits")
            await asyncio.sleep(REST_S)
        raise SystemExit

    async def _leave(self) -> None:
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._open.aclose()

    async def _until_stopped(self, message: Message) -> None:
        stage = asyncio.create_task(self._serve(message))
        watching = asyncio.create_task(self._watch(stage, gives_back=isinstance(message, Transfer)))
        halting = asyncio.create_task(self._halt(stage, message))
        try:
            await stage
        except asyncio.CancelledError:
            if not (isinstance(message, Crawl) and halting.done()):
                raise
        finally:
            watching.cancel()
            halting.cancel()

    async def _serve(self, message: Message) -> None:
        async for following in self._stages[type(message)](message):
            if isinstance(following, Record) and Record in self._stages:
                await self._record(following)
            else:
                await self._send(following)

    async def _record(self, message: Record) -> None:
        """Write outcomes where they came to be; the broker keeps them while the catalog is away."""
        try:
            await self._serve(message)
        except TransientError as exc:
            log.warning("catalog.away", detail=exc.message, **about(message))
            await self._send(message)

    async def _send(self, message: Message) -> None:
        for tries in range(1, SEND_TRIES_MAX + 1):
            try:
                return await asyncio.to_thread(publish, self._app, message)
            except TransientError as exc:
                log.warning("broker.away", detail=exc.message, tries=tries, **about(message))
            await asyncio.sleep(REST_S)
        return None  # it is in flight in the catalog: the sweep gives it out again

    async def _halt(self, stage: "asyncio.Task[None]", message: Message) -> None:
        """Stop a stage once its job is to stop; what a page would have brought is listed again later."""
        while isinstance(message, Record) or not self._board.names(message.job_id):  # noqa: ASYNC110 - the same
            await asyncio.sleep(LOOK_EVERY_S)
        if isinstance(message, Transfer):
            self._bounds.halts.stop([message.job_id])
        else:
            stage.cancel()

    async def _watch(self, stage: "asyncio.Task[None]", *, gives_back: bool) -> None:
        """Stop a stage once the parent wishes it; one that can give back what it has not done tells so itself."""
        while not self._stopping.is_up:  # noqa: ASYNC110 - the parent is another process
            await asyncio.sleep(LOOK_EVERY_S)
        self._bounds.halts.stop_all()
        await asyncio.sleep(GRACE_S)
        if gives_back:
            self._bounds.halts.break_off()
            await asyncio.sleep(LAST_GRACE_S)
        stage.cancel()
