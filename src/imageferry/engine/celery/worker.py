"""A worker of the Celery engine, whose processes each run the stages of its roles."""

import logging
import os
from collections.abc import Callable, Collection
from secrets import token_hex
from typing import Any

import msgspec
from celery import Celery, Task
from celery.signals import worker_process_init, worker_process_shutdown, worker_ready, worker_shutting_down
from celery.worker.consumer import Consumer

from imageferry.engine.celery.app import Role, check_broker, decode_message, queue_name
from imageferry.engine.celery.celery_logging import log_celery_as_events
from imageferry.engine.celery.health_server import HealthServer
from imageferry.engine.celery.stop_signals import StopFlag, StopList
from imageferry.engine.celery.watchdog import Watchdog
from imageferry.engine.celery.worker_process import MakeTransferLimits, OpenStages, WorkerProcess
from imageferry.errors import FatalError, Reason
from imageferry.log import log
from imageferry.model import Transfer
from imageferry.subprocess_protocol.heartbeat import Heartbeat


def run_worker(
    app: Celery,
    *,
    roles: Collection[Role],
    processes: int,
    open_stages: OpenStages,
    make_transfer_limits: MakeTransferLimits,
    silence_s_max: float,
    log_level: str,
    health: HealthServer,
) -> None:
    """Run the stages of these roles in `processes` processes until SIGTERM or SIGINT, then requeue what is in progress.

    A process whose event loop does not run for `silence_s_max` seconds is killed and replaced.
    Raises FatalError when the worker ends by itself, for example because the broker refused it.
    """
    log_celery_as_events(level=log_level)
    stop_flag, stop_list, heartbeats = StopFlag(), StopList(), [Heartbeat() for _ in range(processes)]
    stop_list.subscribe()
    process = WorkerProcess(
        app,
        open_stages=open_stages,
        make_transfer_limits=make_transfer_limits,
        stop_flag=stop_flag,
        stop_list=stop_list,
        heartbeats=heartbeats,
    )
    watchdog = Watchdog(app, heartbeats=heartbeats, silence_s_max=silence_s_max, stop_flag=stop_flag)
    for role in roles:
        # A message that killed its process must not simply go to the next one: the ledger counts how often that
        # happens. A batch is redelivered, and requeued in the ledger at once; other messages wait for their lease.
        is_redelivered = role is Role.TRANSFER
        app.task(_make_task(process, role), name=queue_name(app, role), bind=True, reject_on_worker_lost=is_redelivered)
    worker_process_init.connect(process.open, weak=False)
    worker_process_shutdown.connect(process.close, weak=False)
    worker_ready.connect(lambda sender, **_: _ready(sender, health=health, watchdog=watchdog, roles=roles), weak=False)
    worker_shutting_down.connect(lambda **_: stop_flag.set(), weak=False)
    worker = app.Worker(
        hostname=f"{os.getpid()}-{token_hex(4)}@%h",  # each worker has its own mailbox
        pool="prefork",
        concurrency=processes,
        queues=[queue_name(app, role) for role in roles],
        loglevel=log_level.upper(),
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    if worker.exitcode:
        check_broker(app)
        raise FatalError(Reason.BROKER_UNAVAILABLE, "The worker ended unexpectedly. Its log says why. Start it again.")


def _ready(consumer: Consumer, *, health: HealthServer, watchdog: Watchdog, roles: Collection[Role]) -> None:
    watchdog.watch(consumer)
    health.serve(consumer, watchdog=watchdog)
    log.info("worker.ready", roles=",".join(roles))


def _make_task(process: WorkerProcess, role: Role) -> Callable[[Task, Any], None]:
    def run(task: Task, body: Any) -> None:  # noqa: ANN401 - untrusted, and validated by decode_message
        try:
            message = decode_message(role, body)
        except msgspec.ValidationError as exc:
            # It would not be valid next time either. If it was one of ours, its lease expires and its work is requeued.
            log.log(logging.ERROR, "message.dropped", role=role, detail=str(exc))
            return
        if isinstance(message, Transfer) and task.request.delivery_info.get("redelivered"):
            process.requeue(message)
        else:
            process.deliver(message)

    return run
