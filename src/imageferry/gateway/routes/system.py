"""The installation itself: what it is made of, and a first import to try it with."""

from fastapi import APIRouter, HTTPException, Request, Response, status

from imageferry import __version__
from imageferry.gateway.dependencies import Here
from imageferry.gateway.routes.imports import begin_import
from imageferry.gateway.schemas.imports import Accepted, ImportRequest
from imageferry.gateway.schemas.system import Demo, System

router = APIRouter(tags=["system"])


@router.get("/system")
async def system(gateway: Here) -> System:
    """What answers here, and what it works with."""
    settings = gateway.ferry.settings
    return System(
        version=__version__,
        store=gateway.ferry.store.url,
        catalog=settings.catalog_url.partition(":")[0].partition("+")[0],
        engine="local" if settings.celery_broker_url is None else "celery",
        auth=settings.api_token is not None,
        demo=Demo(available=gateway.demo_folder_url is not None),
    )


@router.post("/demo", status_code=status.HTTP_202_ACCEPTED)
async def begin_demo(request: Request, response: Response, gateway: Here) -> Accepted:
    """Begin to import the folder of sample pictures that `imageferry demo` shares; 404 anywhere else."""
    if gateway.demo_folder_url is None:
        raise HTTPException(404, "There are sample pictures only beside `imageferry demo`.")
    asked = ImportRequest.model_validate({"folder_url": gateway.demo_folder_url})
    return await begin_import(asked, request, response, gateway)
