"""`imageferry doctor`: is everything that an import leans on there, and what to mend where it is not."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from msgspec import Struct

from imageferry import __version__
from imageferry.bootstrap.components import open_catalog
from imageferry.bootstrap.external_services import Outside
from imageferry.bootstrap.limits import Limits
from imageferry.catalog.images.counter_rebuild import fits
from imageferry.cli.exit_codes import Exit, of_error
from imageferry.cli.output.console import People
from imageferry.cli.output.json_output import answer
from imageferry.errors import FatalError, ImageferryError, NotFoundError, Reason, TransientError
from imageferry.model import FolderRef
from imageferry.settings import Settings

# A folder that nobody has: whoever may ask for it is told that it is not there.
NO_FOLDER = "0" * 33
ANSWER_WITHIN_S = 20


class Finding(Struct, frozen=True, kw_only=True):
    """What an examination of one part found."""

    part: str
    told: str  # where it is, or what is wrong with it and how to mend that
    error: ImageferryError | None = None


async def examine(settings: Settings, *, people: People, as_json: bool) -> Exit:
    """Try each part, and tell of each; the code is that of the first that is not well."""
    findings = await (_here(settings) if settings.server_url is None else _elsewhere(settings, settings.server_url))
    for finding in findings:
        people.tell(f"{'✗' if finding.error else '✓'} {finding.part:8} {finding.told}")
    if as_json:
        answer({"parts": [_as_json(finding) for finding in findings]})
    return next((of_error(finding.error) for finding in findings if finding.error), Exit.DONE)


async def _here(settings: Settings) -> list[Finding]:
    outside = Outside.of(settings, Limits.of(settings))
    findings = [
        await _try("catalog", lambda: _catalog(settings)),
        await _try("store", lambda: _store(outside)),
        await _try("source", lambda: _source(settings, outside)),
    ]
    if (broker_url := settings.celery_broker_url) is not None:
        url, prefix = broker_url.reveal(), settings.queue_prefix
        findings.append(await _try("broker", lambda: _broker(url, prefix=prefix)))
    return findings


async def _elsewhere(settings: Settings, url: str) -> list[Finding]:
    """What a gateway tells of itself; where none answers, nothing else is asked."""
    from imageferry.cli.clients.http_api import open_calls  # noqa: PLC0415 - the HTTP client is for this alone

    async def health() -> str:
        service = (await calls.call("GET", "/healthz"))["service"]
        return f"{url} ({service})"

    async def readiness() -> str:
        await calls.call("GET", "/readyz")
        return "its catalog answers, and its engine is at work"

    async def access() -> str:
        told = await calls.call("GET", "/api/system")
        if not told["auth"]:
            return "none is asked for: whoever reaches the gateway may do everything"
        return "IMAGEFERRY_API_TOKEN is the gateway's"

    async def version() -> str:
        told = (await calls.call("GET", "/api/system"))["version"]
        return f"{told}, as here" if told == __version__ else f"{told}; this is {__version__}"

    async with open_calls(url, token=settings.api_token) as calls:
        findings = [await _try("gateway", health)]
        for part, examination in (("ready", readiness), ("token", access), ("version", version)):
            if findings[0].error is None and findings[-1].error is None:
                findings.append(await _try(part, examination))
    return findings


async def _try(part: str, examination: Callable[[], Awaitable[str]]) -> Finding:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return Finding(part=part, told=await examination())
    except ImageferryError as exc:
        return Finding(part=part, told=exc.message, error=exc)
    except TimeoutError:
        error = TransientError(Reason.SOURCE_UNAVAILABLE, f"The {part} did not answer within {ANSWER_WITHIN_S} s.")
        return Finding(part=part, told=error.message, error=error)


async def _catalog(settings: Settings) -> str:
    async with open_catalog(settings) as catalog:
        if not await catalog.read(fits):
            message = "The catalog's numbers do not fit its images: `imageferry migrate --recount` counts them anew."
            raise FatalError(Reason.MISCONFIGURED, message)
        return catalog.url.render_as_string(hide_password=True)


async def _store(outside: Outside) -> str:
    async with outside.opened_store() as store:
        await store.check()
        return f"{store.url} (an object was written and removed)"


async def _source(settings: Settings, outside: Outside) -> str:
    async with outside.sources(watches=[]) as sources:
        with suppress(NotFoundError):  # then it answers, and takes us for somebody who may ask
            await sources["google_drive"].resolve(FolderRef(source="google_drive", folder_id=NO_FOLDER))
    if settings.google_application_credentials is not None:
        return "Google Drive, with a service account"
    if settings.google_api_key is not None:
        return "Google Drive, with an API key"
    return "Google Drive's public pages: slow, and without digests; set GOOGLE_API_KEY for the rest"


async def _broker(url: str, *, prefix: str) -> str:
    from imageferry.engine.celery.app import check, make_app  # noqa: PLC0415 - Celery takes long to import

    return await asyncio.to_thread(check, make_app(url, prefix=prefix))


def _as_json(finding: Finding) -> dict[str, Any]:
    error = finding.error
    return {
        "part": finding.part,
        "well": error is None,
        "detail": finding.told,
        "reason": None if error is None else error.reason,
    }
