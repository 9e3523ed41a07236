"""Answers that the older systems' clients expect at the root paths, where they differ from the API's."""

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from imageferry.gateway.dependencies import GatewayDep
from imageferry.gateway.routes.images import stream_all_images
from imageferry.gateway.schemas.images import Image
from imageferry.gateway.schemas.imports import ImportRequest

router = APIRouter(tags=["legacy clients"])


@router.get("/images", summary="List all images", response_model=list[Image])
async def list_images_as_array(request: Request, gateway: GatewayDep) -> StreamingResponse:
    """Return every image as one JSON array of any length, streamed."""
    return await stream_all_images(request, gateway)


def import_message(import_request: ImportRequest, *, path: str) -> str:
    """Return the `message` of an accepted import.

    The client's spelling of the folder link, and the path, show which system the client was written for.
    """
    is_legacy = import_request.folder_url is not None and not path.startswith("/api/")
    return "Folder import started" if is_legacy else "Import started"
