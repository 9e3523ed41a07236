"""The application: its routes, and the engine that works behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.middleware import Middleware
from fastapi.middleware.cors import CORSMiddleware

from imageferry import __version__
from imageferry.bootstrap import open_ferry
from imageferry.engine.worker import at_work
from imageferry.gateway import contents, dialects, health, images, imports, jobs, manifests, page, problems
from imageferry.gateway.gateway import Gateway
from imageferry.gateway.security import Gate
from imageferry.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The gateway; while its lifespan lasts, a local engine works on every job of the catalog.

    Entering the lifespan raises FatalError or BlockedError, in one sentence, when the process cannot work as it is
    configured.
    """
    app = FastAPI(
        title="imageferry",
        version=__version__,
        summary="Carries every image of a Google Drive folder into your own object store, verified.",
        lifespan=_lifespan,
        middleware=[
            Middleware(problems.Net),
            Middleware(Gate, host=settings.host, origins=settings.cors_origins),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["Content-Type"],
                expose_headers=["ETag", "Location", "Retry-After"],
            ),
        ],
        responses=problems.RESPONSES,
    )
    app.state.settings = settings
    problems.install(app)
    for room in _rooms():
        app.include_router(room)
    return app


def _rooms() -> list[APIRouter]:
    """Ours under /api, then the root paths that the older systems' clients know, then what is no API."""
    ours, root = APIRouter(prefix="/api"), APIRouter()
    for room in (imports, jobs, manifests, images, contents, health):
        ours.include_router(room.router)
    for room in (imports, dialects, health):
        root.include_router(room.router)
    return [ours, root, health.probes, page.router]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with open_ferry(app.state.settings) as ferry:
        engine = ferry.engine()
        async with at_work(engine, lock=ferry.lock) as working:
            app.state.gateway = Gateway(ferry=ferry, engine=engine, working=working)
            yield
