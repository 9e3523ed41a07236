"""The application: its routes, and the engine that works behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.middleware import Middleware
from fastapi.middleware.cors import CORSMiddleware

from imageferry import __version__
from imageferry.bootstrap.components import open_ferry, open_thumbnails
from imageferry.engine.background import at_work
from imageferry.engine.cleanup_loop import tidying
from imageferry.gateway.dependencies import Gateway
from imageferry.gateway.event_stream.broadcaster import feeding
from imageferry.gateway.openapi.document import describe
from imageferry.gateway.protocol import problems
from imageferry.gateway.protocol.cursors import Cursors
from imageferry.gateway.routes import (
    api_docs,
    archives,
    deletions,
    events,
    facets,
    health,
    image_content,
    images,
    imports,
    items,
    job_actions,
    jobs,
    legacy_clients,
    manifests,
    metrics,
    preview_thumbnails,
    previews,
    system,
    thumbnails,
    web_page,
)
from imageferry.gateway.security import login
from imageferry.gateway.security.authentication import Access
from imageferry.gateway.security.host_origin_guard import Gate
from imageferry.gateway.security.rate_limits import Dear, Rations
from imageferry.gateway.security.request_bodies import Bodies
from imageferry.gateway.security.sessions import Sessions
from imageferry.settings import Settings
from imageferry.telemetry.metrics import Metrics
from imageferry.webhooks.deliverer import delivering

# What pages of the sites in CORS_ORIGINS may send, and may see of answers.
_TAKEN_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
]
_SHOWN_HEADERS = ["Content-Disposition", "Content-Range", "ETag", "Link", "Location", "Retry-After"]


def create_app(settings: Settings, *, demo_folder_url: str | None = None) -> FastAPI:
    """The gateway; while its lifespan lasts, a local engine works on every job of the catalog.

    Entering the lifespan raises FatalError or BlockedError, in one sentence, when the process cannot work as it is
    configured. `demo_folder_url` is a folder of sample pictures, where there is a stand-in that shares one.
    """
    token = settings.api_token
    sessions = None if token is None else Sessions(token.reveal())
    rations = Rations()
    app = FastAPI(
        title="imageferry",
        version=__version__,
        summary="Carries every image of a Google Drive folder into your own object store, verified.",
        lifespan=_lifespan,
        middleware=[
            Middleware(Gate, host=settings.host, other_hosts=settings.allowed_hosts, origins=settings.cors_origins),
            Middleware(problems.Net),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                # With a session's cookie only for sites that are named.
                allow_credentials=sessions is not None and "*" not in settings.cors_origins,
                allow_methods=problems.METHODS,
                allow_headers=_TAKEN_HEADERS,
                expose_headers=_SHOWN_HEADERS,
            ),
            Middleware(Access, sessions=sessions, guesses=rations[Dear.GUESS], is_open=_is_open),
            Middleware(Bodies),
        ],
        responses=problems.RESPONSES,
        docs_url=None,  # as reference.py has it
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.demo_folder_url = demo_folder_url
    app.state.sessions = sessions
    app.state.rations = rations
    problems.install(app)
    for room in _rooms():
        app.include_router(room)
    describe(app, is_open=_is_open)
    return app


def _rooms() -> list[APIRouter]:
    """Ours under /api, then the root paths that the older systems' clients know, then what is no API."""
    ours, root = APIRouter(prefix="/api"), APIRouter()
    pictures = (facets, archives, images, deletions, image_content, thumbnails)
    for room in (
        imports,
        previews,
        preview_thumbnails,
        jobs,
        job_actions,
        items,
        manifests,
        events,
        *pictures,
        system,
        health,
    ):
        ours.include_router(room.router)
    for room in (imports, legacy_clients, health):
        root.include_router(room.router)
    return [ours, root, health.probes, metrics.router, login.router, api_docs.router, web_page.router]


def _is_open(method: str, path: str) -> bool:
    """True: answered without the token."""
    reads = method in {"GET", "HEAD"}
    return path in login.PATHS or (reads and (path in health.PATHS or web_page.is_open(path)))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.metrics = Metrics()
    async with open_ferry(app.state.settings, metrics=app.state.metrics) as ferry:
        engine = ferry.engine()
        cursors = await Cursors.of(ferry.catalog)
        async with (
            feeding(ferry.catalog) as app.state.feed,
            open_thumbnails(ferry) as (made, seen),
            delivering(ferry.deliverer()),
            tidying(catalog=ferry.catalog, store=ferry.store),
            at_work(engine, lock=ferry.lock) as working,
        ):
            app.state.gateway = Gateway(
                ferry=ferry,
                engine=engine,
                working=working,
                cursors=cursors,
                thumbnails=made,
                glimpses=seen,
                demo_folder_url=app.state.demo_folder_url,
            )
            yield
