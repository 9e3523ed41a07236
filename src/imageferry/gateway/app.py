"""The ASGI application: routes, middleware, and the engine that runs in its lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import APIRouter, FastAPI
from fastapi.middleware import Middleware
from fastapi.middleware.cors import CORSMiddleware

from imageferry.bootstrap.components import open_components, open_thumbnails
from imageferry.engine.background import running
from imageferry.engine.cleanup_loop import periodic_cleanup
from imageferry.gateway.dependencies import Gateway, attach_gateway
from imageferry.gateway.event_stream.broadcaster import open_broadcaster
from imageferry.gateway.openapi.document import install_openapi
from imageferry.gateway.protocol import problems
from imageferry.gateway.protocol.cursors import CursorCodec
from imageferry.gateway.protocol.request_metrics import RequestMetricsMiddleware
from imageferry.gateway.routes import (
    api_docs,
    archives,
    deletions,
    events,
    facets,
    image_content,
    images,
    imports,
    items,
    job_actions,
    jobs,
    legacy_clients,
    login,
    manifests,
    preview_thumbnails,
    previews,
    system,
    thumbnails,
    web_page,
)
from imageferry.gateway.security.authentication import AuthenticationMiddleware
from imageferry.gateway.security.ended_sessions import following_ended_sessions
from imageferry.gateway.security.host_origin_guard import HostOriginGuard
from imageferry.gateway.security.rate_limits import RateLimits
from imageferry.gateway.security.request_bodies import RequestBodyMiddleware
from imageferry.gateway.security.sessions import Sessions
from imageferry.settings import Settings
from imageferry.telemetry.metrics import Metrics
from imageferry.version import __version__
from imageferry.webhooks.deliverer import delivering

# Headers that pages of the sites in CORS_ORIGINS may send, and may read.
_REQUEST_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
]
_RESPONSE_HEADERS = ["Content-Disposition", "Content-Range", "ETag", "Link", "Location", "Retry-After"]


def create_app(settings: Settings, *, demo_folder_url: str | None = None) -> FastAPI:
    """Return the gateway's app. During its lifespan a local engine runs the catalog's jobs.

    Entering the lifespan raises FatalError or BlockedError, with a one-sentence message, when the configuration
    doesn't work. `demo_folder_url` is a folder of sample images on a test Drive server, if there is one.
    """
    token = settings.api_token
    sessions = None if token is None else Sessions(token.reveal())
    rate_limits, metrics = RateLimits(imports_per_minute=settings.imports_per_minute), Metrics()
    app = FastAPI(
        title="imageferry",
        version=__version__,
        summary="Copies every image of a Google Drive folder into your own object storage and verifies each one.",
        lifespan=partial(
            _lifespan,
            settings=settings,
            sessions=sessions,
            rate_limits=rate_limits,
            metrics=metrics,
            demo_folder_url=demo_folder_url,
        ),
        middleware=[
            Middleware(RequestMetricsMiddleware, observe=metrics.observe_request),
            Middleware(
                HostOriginGuard,
                host=settings.host,
                other_hosts=settings.allowed_hosts,
                origins=settings.cors_origins,
            ),
            Middleware(problems.CatchAllMiddleware),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                # Session cookies are accepted only from sites that are listed by name.
                allow_credentials=sessions is not None and "*" not in settings.cors_origins,
                allow_methods=problems.METHODS,
                allow_headers=_REQUEST_HEADERS,
                expose_headers=_RESPONSE_HEADERS,
            ),
            Middleware(
                AuthenticationMiddleware,
                sessions=sessions,
                rate_limits=rate_limits,
                is_public=_is_public,
            ),
            Middleware(RequestBodyMiddleware),
        ],
        responses=problems.RESPONSES,
        docs_url=None,  # routes/api_docs.py serves them
        redoc_url=None,
    )
    problems.install_error_handlers(app)
    for router in _routers():
        app.include_router(router)
    install_openapi(app, is_public=_is_public)
    return app


def _routers() -> list[APIRouter]:
    """Return the routers: our API under /api, the root paths of older systems' clients, and what is not an API."""
    api, root = APIRouter(prefix="/api"), APIRouter()
    for module in (
        imports,
        previews,
        preview_thumbnails,
        jobs,
        job_actions,
        items,
        manifests,
        events,
        # Fixed paths before /images/{image_id}.
        facets,
        archives,
        images,
        deletions,
        image_content,
        thumbnails,
        system,
    ):
        api.include_router(module.router)
    api.include_router(system.health_router)
    for router in (imports.router, legacy_clients.router, system.health_router, system.probes_router):
        root.include_router(router)
    return [api, root, login.router, api_docs.router, web_page.router]


def _is_public(method: str, path: str) -> bool:
    """Return whether a request needs no token."""
    is_read = method in {"GET", "HEAD"}
    return path in login.PUBLIC_PATHS or (is_read and (path in system.PUBLIC_PATHS or web_page.is_public(path)))


@asynccontextmanager
async def _lifespan(
    app: FastAPI,
    *,
    settings: Settings,
    sessions: Sessions | None,
    rate_limits: RateLimits,
    metrics: Metrics,
    demo_folder_url: str | None,
) -> AsyncIterator[None]:
    async with open_components(settings, metrics=metrics) as components:
        engine = components.engine()
        cursors = await CursorCodec.for_catalog(components.catalog)
        async with (
            following_ended_sessions(sessions, components.catalog),
            open_broadcaster(components.catalog) as broadcaster,
            open_thumbnails(components) as (image_thumbnails, source_thumbnails),
            delivering(components.webhook_deliverer()),
            periodic_cleanup(catalog=components.catalog, store=components.store),
            running(engine, lock=components.lock) as engine_task,
        ):
            gateway = Gateway(
                components=components,
                engine=engine,
                engine_task=engine_task,
                thumbnails=image_thumbnails,
                source_thumbnails=source_thumbnails,
                cursors=cursors,
                broadcaster=broadcaster,
                metrics=metrics,
                sessions=sessions,
                rate_limits=rate_limits,
                demo_folder_url=demo_folder_url,
            )
            attach_gateway(app, gateway)
            yield
