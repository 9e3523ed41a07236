"""`imageferry doctor`: check everything that an import needs, and say what to fix."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from msgspec import Struct

from imageferry.bootstrap.components import open_catalog
from imageferry.bootstrap.external_services import ExternalConfig
from imageferry.bootstrap.limits import Limits
from imageferry.catalog.images.counter_rebuild import verify_sample
from imageferry.cli.exit_codes import ExitCode, exit_code_for_error
from imageferry.cli.output.console import Console
from imageferry.cli.output.json_output import print_json
from imageferry.errors import BlockedError, FatalError, ImageferryError, NotFoundError, Reason, TransientError
from imageferry.model import FolderRef
from imageferry.settings import Settings
from imageferry.version import __version__

# The ID of a folder that does not exist: with valid credentials the source answers "not found".
MISSING_FOLDER_ID = "0" * 33
CHECK_TIMEOUT_S = 20


class Check(Struct, frozen=True, kw_only=True):
    """The result of one check."""

    name: str
    detail: str  # what was found, or what is wrong and how to fix it
    error: ImageferryError | None = None


async def run_checks(settings: Settings, *, console: Console, as_json: bool) -> ExitCode:
    """Run and print all checks; return the exit code of the first that failed."""
    checks = await (
        _local_checks(settings) if settings.server_url is None else _gateway_checks(settings, settings.server_url)
    )
    for check in checks:
        console.print(f"{'✗' if check.error else '✓'} {check.name:8} {check.detail}")
    if as_json:
        print_json({"checks": [_as_json(check) for check in checks]})
    return next((exit_code_for_error(check.error) for check in checks if check.error), ExitCode.SUCCESS)


async def _local_checks(settings: Settings) -> list[Check]:
    config = ExternalConfig.from_settings(settings, Limits.from_settings(settings))
    checks = [
        await _run("catalog", lambda: _check_catalog(settings)),
        await _run("storage", lambda: _check_store(config)),
        await _run("source", lambda: _check_source(settings, config)),
    ]
    if (broker_url := settings.celery_broker_url) is not None:
        url, prefix = broker_url.reveal(), settings.queue_prefix
        checks.append(await _run("broker", lambda: _check_broker(url, prefix=prefix)))
        if checks[-1].error is None:
            checks.append(await _run("workers", lambda: _check_workers(url, prefix=prefix)))
    return checks


async def _gateway_checks(settings: Settings, url: str) -> list[Check]:
    """Check a remote gateway, up to the first check that fails."""
    from imageferry.cli.clients.http_api import open_http_api  # noqa: PLC0415 - only remote checks need it

    async def check_gateway() -> str:
        service = (await api.call("GET", "/healthz"))["service"]
        return f"{url} ({service})"

    async def check_readiness() -> str:
        await api.call("GET", "/readyz")
        return "the catalog answers and jobs are processed"

    async def check_token() -> str:
        system = await api.call("GET", "/api/system")
        if not system["auth"]:
            return "not required: anyone who can reach the gateway has full access"
        return "IMAGEFERRY_API_TOKEN is accepted"

    async def check_version() -> str:
        version = (await api.call("GET", "/api/system"))["version"]
        return f"{version}, same as here" if version == __version__ else f"{version}; here it is {__version__}"

    async with open_http_api(url, token=settings.api_token) as api:
        checks = [await _run("gateway", check_gateway)]
        for name, check in (("ready", check_readiness), ("token", check_token), ("version", check_version)):
            if checks[-1].error is None:
                checks.append(await _run(name, check))
    return checks


async def _run(name: str, check: Callable[[], Awaitable[str]]) -> Check:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return Check(name=name, detail=await check())
    except ImageferryError as exc:
        return Check(name=name, detail=exc.message, error=exc)
    except TimeoutError:
        error = TransientError(
            Reason.SOURCE_UNAVAILABLE, f"No answer from the {name} within {CHECK_TIMEOUT_S} seconds."
        )
        return Check(name=name, detail=error.message, error=error)


async def _check_catalog(settings: Settings) -> str:
    async with open_catalog(settings) as catalog:
        if not await catalog.read(verify_sample):
            message = "The catalog's image counts are wrong. Run `imageferry migrate --recount` to fix them."
            raise FatalError(Reason.MISCONFIGURED, message)
        return catalog.url.render_as_string(hide_password=True)


async def _check_store(config: ExternalConfig) -> str:
    async with config.open_store() as store:
        permissions = await store.check(uploads=True)
        credentials = f", with {store.credentials}" if store.credentials else ""
        if sentences := permissions.sentences:
            return " ".join((f"{store.url}{credentials}, takes objects, with limits.", *sentences))
        return f"{store.url}{credentials} (wrote and deleted a test object)"


async def _check_source(settings: Settings, config: ExternalConfig) -> str:
    async with config.open_sources(instruments=[]) as sources:
        with suppress(NotFoundError):  # the expected answer: the source is reachable and accepts the credentials
            await sources["google_drive"].resolve(FolderRef(source="google_drive", folder_id=MISSING_FOLDER_ID))
    if settings.google_application_credentials is not None:
        return "Google Drive, with the account in GOOGLE_APPLICATION_CREDENTIALS"
    if settings.google_api_key is not None:
        return "Google Drive, with an API key"
    return "Google Drive's public web pages: slow, and without checksums. Set GOOGLE_API_KEY to use the API."


async def _check_broker(url: str, *, prefix: str) -> str:
    from imageferry.engine.celery.app import check_broker, make_app  # noqa: PLC0415 - Celery is slow to import

    return await asyncio.to_thread(check_broker, make_app(url, prefix=prefix))


async def _check_workers(url: str, *, prefix: str) -> str:
    from imageferry.engine.celery.app import MESSAGE_TYPES, make_app  # noqa: PLC0415 - Celery is slow to import
    from imageferry.engine.celery.queues import inspect_queues  # noqa: PLC0415 - Celery is slow to import

    queues = await asyncio.to_thread(inspect_queues, make_app(url, prefix=prefix))
    workers = {role: queues[message_type].workers for role, message_type in MESSAGE_TYPES.items()}
    if missing := ",".join(role for role, number in workers.items() if not number):
        message = f"No worker serves {missing}. Start one: imageferry work --role {missing}"
        raise BlockedError(Reason.NO_WORKER, message)
    return ", ".join(f"{number} serve {role}" for role, number in workers.items())


def _as_json(check: Check) -> dict[str, Any]:
    error = check.error
    return {
        "name": check.name,
        "ok": error is None,
        "detail": check.detail,
        "reason": None if error is None else error.reason,
    }
