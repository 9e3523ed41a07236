"""Signs of life: of the service, of the process, of what it leans on."""

from fastapi import APIRouter, HTTPException

from imageferry.catalog.jobs import jobs
from imageferry.gateway.dependencies import Here
from imageferry.gateway.schemas.health import Health

# Answered to everybody: they tell nothing but that we live.
PATHS = frozenset({"/health", "/api/health", "/healthz", "/readyz"})

router = APIRouter(tags=["health"])
probes = APIRouter(tags=["health"])


@router.get("/health")
@probes.get("/healthz")
async def health() -> Health:
    """The process answers."""
    return Health()


@probes.get("/readyz")
async def ready(gateway: Here) -> Health:
    """The catalog answers too, and the engine is at work."""
    await gateway.read(lambda tx: jobs.latest(tx, limit=1))
    if gateway.working.done():
        raise HTTPException(503, "The engine has ended: imports wait for the next start.")
    return Health()
