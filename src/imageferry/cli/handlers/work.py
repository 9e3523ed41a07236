"""`imageferry work`: a worker for jobs that a gateway elsewhere accepted."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import partial
from pathlib import Path

from imageferry.bootstrap.components import make_bounds, open_stages
from imageferry.cli.exit_codes import Exit
from imageferry.cli.handlers.worker_sweeper import sweeper_beside
from imageferry.engine.base import Stages
from imageferry.engine.celery.app import KINDS, Role, make_app
from imageferry.engine.celery.health_server import Health
from imageferry.engine.celery.worker import run_worker
from imageferry.errors import FatalError, Reason, UsageError
from imageferry.pipeline.transfer.limits import Bounds
from imageferry.settings import Settings
from imageferry.telemetry.metrics import CONTENT_TYPE
from imageferry.telemetry.multiprocess_metrics import exposition, metrics_folder, metrics_of_child


def work_for(settings: Settings, *, roles: str) -> Exit:
    """Work until SIGTERM or Ctrl-C."""
    served = _roles(roles)
    if settings.celery_broker_url is None:
        message = "A worker needs a broker: set CELERY_BROKER_URL to amqp://user:password@host// or redis://host."
        raise FatalError(Reason.MISCONFIGURED, message)
    app = make_app(settings.celery_broker_url.reveal(), prefix=settings.queue_prefix)
    with ExitStack() as beside:
        if Role.RECORD in served:
            beside.enter_context(sweeper_beside(settings))
        folder = beside.enter_context(metrics_folder())
        port = settings.health_port
        health = Health(app, roles=served, host=settings.host, port=port, metrics=partial(_metrics, folder))
        run_worker(
            app,
            roles=served,
            processes=settings.worker_processes,
            open_stages=partial(_open_stages, settings, served, folder),
            make_bounds=partial(make_bounds, settings),
            log_level=settings.log_level,
            health=health,
        )
    return Exit.DONE


def _open_stages(
    settings: Settings, served: Collection[Role], folder: Path, *, bounds: Bounds, seat: int
) -> AbstractAsyncContextManager[Stages]:
    metrics = metrics_of_child(folder, seat=seat)
    return open_stages(settings, kinds=[KINDS[role] for role in served], bounds=bounds, metrics=metrics)


def _metrics(folder: Path, queued: Mapping[str, int]) -> tuple[str, bytes]:
    return CONTENT_TYPE, exposition(folder, queued=queued)


def _roles(text: str) -> list[Role]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        return [Role(name) for name in names or [text]]
    except ValueError as exc:
        raise UsageError(Reason.MISCONFIGURED, f"{exc}: name any of crawl, transfer, record, with commas.") from exc
