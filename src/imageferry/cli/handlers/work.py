"""`imageferry work`: run a worker for jobs that a remote gateway accepted."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import partial
from pathlib import Path

from imageferry.bootstrap.components import make_transfer_limits, open_stages
from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.handlers.worker_sweeper import sweeper_process
from imageferry.engine.base import Stages
from imageferry.engine.celery.app import MESSAGE_TYPES, Role, make_app
from imageferry.engine.celery.health_server import HealthServer
from imageferry.engine.celery.worker import run_worker
from imageferry.errors import FatalError, Reason, UsageError
from imageferry.pipeline.transfer.limits import TransferLimits
from imageferry.runtime import forbid_inspection
from imageferry.settings import Settings
from imageferry.telemetry.metrics import CONTENT_TYPE
from imageferry.telemetry.multiprocess_metrics import exposition, metrics_folder, metrics_of_slot


def run_worker_until_stopped(settings: Settings, *, roles: str) -> ExitCode:
    """Run a worker until SIGTERM or Ctrl-C. `roles` are names of Role, separated by commas."""
    worker_roles = _parse_roles(roles)
    if settings.celery_broker_url is None:
        message = "A worker needs a broker. Set CELERY_BROKER_URL to amqp://user:password@host// or redis://host."
        raise FatalError(Reason.MISCONFIGURED, message)
    forbid_inspection()
    app = make_app(settings.celery_broker_url.reveal(), prefix=settings.queue_prefix)
    with ExitStack() as stack:
        if Role.RECORD in worker_roles:
            stack.enter_context(sweeper_process(settings))
        folder = stack.enter_context(metrics_folder())
        health = HealthServer(
            app,
            roles=worker_roles,
            host=settings.host,
            port=settings.health_port,
            metrics=partial(_metrics, folder),
        )
        run_worker(
            app,
            roles=worker_roles,
            processes=settings.worker_processes,
            open_stages=partial(_open_stages, settings, worker_roles, folder),
            make_transfer_limits=partial(make_transfer_limits, settings),
            silence_s_max=settings.hang_s,
            log_level=settings.log_level,
            health=health,
        )
    return ExitCode.SUCCESS


def _open_stages(
    settings: Settings, roles: Collection[Role], folder: Path, *, transfer_limits: TransferLimits, slot: int
) -> AbstractAsyncContextManager[Stages]:
    metrics = metrics_of_slot(folder, slot=slot)
    message_types = [MESSAGE_TYPES[role] for role in roles]
    return open_stages(settings, message_types=message_types, transfer_limits=transfer_limits, metrics=metrics)


def _metrics(folder: Path, queue_messages: Mapping[str, int]) -> tuple[str, bytes]:
    return CONTENT_TYPE, exposition(folder, queue_messages=queue_messages)


def _parse_roles(text: str) -> list[Role]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        return [Role(name) for name in names or [text]]
    except ValueError as exc:
        message = f"{exc}: use crawl, transfer, record, or several of them separated by commas."
        raise UsageError(Reason.MISCONFIGURED, message) from exc
