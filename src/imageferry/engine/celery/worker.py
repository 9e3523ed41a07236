"""The Celery engine's far end: a worker whose child processes each serve the stages of its roles."""

import logging
import os
from collections.abc import Callable, Collection
from secrets import token_hex
from typing import Any

import msgspec
from celery import Celery, Task
from celery.signals import worker_process_init, worker_process_shutdown, worker_ready, worker_shutting_down
from celery.worker.consumer import Consumer

from imageferry.engine.celery.app import Role, check, queue, received
from imageferry.engine.celery.celery_logging import tell_as_events
from imageferry.engine.celery.health_server import Health
from imageferry.engine.celery.stop_signals import Board
from imageferry.engine.celery.worker_process import Child, Flag, OpenStages
from imageferry.errors import FatalError, Reason
from imageferry.log import log
from imageferry.model import Transfer
from imageferry.pipeline.transfer.limits import Bounds


def run_worker(
    app: Celery,
    *,
    roles: Collection[Role],
    processes: int,
    open_stages: OpenStages,
    make_bounds: Callable[[], Bounds],
    log_level: str,
    health: Health,
) -> None:
    """Serve the roles with so many child processes until SIGTERM or SIGINT; what is under way is given back then.

    Raises FatalError when it ends by itself: the broker has refused it, for one.
    """
    tell_as_events(level=log_level)
    stopping, board = Flag(), Board()
    board.listen()
    child = Child(app, open_stages=open_stages, make_bounds=make_bounds, stopping=stopping, board=board)
    for role in roles:
        # What killed a child is not for the next one: the ledger counts how often that happens. A batch is given
        # back to it at once, for the rest it waits until the lease runs out.
        comes_again = role is Role.TRANSFER
        app.task(_task(child, role), name=queue(app, role), bind=True, reject_on_worker_lost=comes_again)
    worker_process_init.connect(child.begin, weak=False)
    worker_process_shutdown.connect(child.end, weak=False)
    worker_ready.connect(lambda sender, **_: _ready(health, sender, roles=roles), weak=False)
    worker_shutting_down.connect(lambda **_: stopping.up(), weak=False)
    worker = app.Worker(
        hostname=f"{os.getpid()}-{token_hex(4)}@%h",  # each has a mailbox of its own
        pool="prefork",
        concurrency=processes,
        queues=[queue(app, role) for role in roles],
        loglevel=log_level.upper(),
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    if worker.exitcode:
        check(app)
        raise FatalError(Reason.BROKER_UNAVAILABLE, "The worker ended by itself: its log says why. Start it again.")


def _ready(health: Health, consumer: Consumer, *, roles: Collection[Role]) -> None:
    health.begin(consumer)
    log.info("worker.ready", roles=",".join(roles))


def _task(child: Child, role: Role) -> Callable[[Task, Any], None]:
    def serve(task: Task, body: Any) -> None:  # noqa: ANN401 - it comes from outside, and is checked by `received`
        try:
            message = received(role, body)
        except msgspec.ValidationError as exc:
            # It would be none the next time either. If it was one of ours, its lease brings its work back.
            log.tell(logging.ERROR, "message.dropped", role=role, detail=str(exc))
            return
        if isinstance(message, Transfer) and task.request.delivery_info.get("redelivered"):
            child.give_back(message)
        else:
            child.deliver(message)

    return serve
