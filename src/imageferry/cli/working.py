"""`imageferry work`: a worker for jobs that a gateway elsewhere accepted."""

from contextlib import ExitStack
from functools import partial

from imageferry.bootstrap import make_bounds, open_stages
from imageferry.cli.exits import Exit
from imageferry.cli.sweeping import sweeper_beside
from imageferry.engine.celery.app import KINDS, Role, make_app
from imageferry.engine.celery.health import Health
from imageferry.engine.celery.worker import run_worker
from imageferry.errors import FatalError, Reason, UsageError
from imageferry.settings import Settings


def work_for(settings: Settings, *, roles: str) -> Exit:
    """Work until SIGTERM or Ctrl-C."""
    served = _roles(roles)
    if settings.celery_broker_url is None:
        message = "A worker needs a broker: set CELERY_BROKER_URL to amqp://user:password@host// or redis://host."
        raise FatalError(Reason.MISCONFIGURED, message)
    with ExitStack() as beside:
        if Role.RECORD in served:
            beside.enter_context(sweeper_beside(settings))
        health = Health(roles=served, host=settings.host, port=settings.health_port)
        run_worker(
            make_app(settings.celery_broker_url.get_secret_value(), prefix=settings.queue_prefix),
            roles=served,
            processes=settings.worker_processes,
            open_stages=partial(open_stages, settings, kinds=[KINDS[role] for role in served]),
            make_bounds=partial(make_bounds, settings),
            log_level=settings.log_level,
            health=health,
        )
    return Exit.DONE


def _roles(text: str) -> list[Role]:
    try:
        return [Role(name.strip()) for name in text.split(",") if name.strip()]
    except ValueError as exc:
        raise UsageError(Reason.MISCONFIGURED, f"{exc}: name any of crawl, transfer, record, with commas.") from exc
