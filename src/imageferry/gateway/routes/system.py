"""The gateway itself: health checks, metrics, configuration, and the demo import."""

from fastapi import APIRouter, HTTPException, Request, Response, status

from imageferry.catalog.jobs import jobs
from imageferry.catalog.jobs.backlog import backlog
from imageferry.gateway.dependencies import GatewayDep
from imageferry.gateway.protocol.streaming import text_responses
from imageferry.gateway.routes.imports import IMPORT_RATE_LIMIT, accept_import
from imageferry.gateway.schemas.health import Health
from imageferry.gateway.schemas.imports import ImportAccepted, ImportRequest
from imageferry.gateway.schemas.system import Demo, System
from imageferry.telemetry.metrics import CONTENT_TYPE
from imageferry.version import __version__

# Public because they reveal only that the gateway runs.
PUBLIC_PATHS = frozenset({"/health", "/api/health", "/healthz", "/readyz"})

router = APIRouter(tags=["system"])
health_router = APIRouter(tags=["health"])  # under /api and, for older systems' clients, at the root
probes_router = APIRouter(tags=["health"])  # at the root


@router.get("/system", summary="Get system information")
async def system(gateway: GatewayDep) -> System:
    """Return the version and configuration of this gateway."""
    settings = gateway.components.settings
    return System(
        version=__version__,
        store=gateway.components.store.url,
        catalog=settings.catalog_url.partition(":")[0].partition("+")[0],
        engine="local" if settings.celery_broker_url is None else "celery",
        auth=settings.api_token is not None,
        demo=Demo(available=gateway.demo_folder_url is not None),
    )


@router.post("/demo", status_code=status.HTTP_202_ACCEPTED, dependencies=[IMPORT_RATE_LIMIT])
async def start_demo_import(request: Request, response: Response, gateway: GatewayDep) -> ImportAccepted:
    """Start to import the sample folder of `imageferry demo`; 404 when this gateway is not part of a demo."""
    if gateway.demo_folder_url is None:
        raise HTTPException(404, "Sample images are only available with `imageferry demo`.")
    import_request = ImportRequest.model_validate({"folder_url": gateway.demo_folder_url})
    return await accept_import(import_request, request, response, gateway)


@health_router.get("/health", summary="Check that the gateway runs")
@probes_router.get("/healthz", summary="Check that the gateway runs")
async def health() -> Health:
    """Check that the process answers."""
    return Health()


@probes_router.get("/readyz", summary="Check that the gateway is ready")
async def ready(gateway: GatewayDep) -> Health:
    """Check that the catalog answers and the engine is running.

    `degraded`: a process that transfers files does not respond. It is replaced soon, and everything else is served.
    """
    await gateway.read(lambda tx: jobs.newest(tx, limit=1))
    if gateway.engine_task.done():
        raise HTTPException(503, "The import engine has stopped. Restart the gateway to continue imports.")
    processes = gateway.components.transfer_processes
    return Health(status="healthy" if processes is None or processes.is_responding else "degraded")


@probes_router.get(
    "/metrics", summary="Get Prometheus metrics", response_class=Response, responses=text_responses("text/plain")
)
async def metrics(gateway: GatewayDep) -> Response:
    """Return the metrics of this process, and the pending work in the catalog, in Prometheus's text format."""
    gateway.metrics.set_workers(gateway.engine.workers)
    gateway.metrics.set_pending_work(await gateway.read(lambda tx: list(backlog(tx))))
    return Response(gateway.metrics.exposition(), media_type=CONTENT_TYPE)
