"""The older systems' spellings: what their clients expect at the root paths, where it is not what we say."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from imageferry.gateway.dependencies import Here
from imageferry.gateway.routes import images
from imageferry.gateway.schemas.images import Image
from imageferry.gateway.schemas.imports import ImportRequest

router = APIRouter(tags=["older systems"])


@router.get("/images", response_model=list[Image])
async def bare_array(gateway: Here) -> StreamingResponse:
    """Every record, as one array of any length."""
    return await images.all_images(gateway)


def greeting(asked: ImportRequest, *, path: str) -> str:
    """The message that an import is answered with: the client's spelling and path tell which system it was made for."""
    is_older = asked.folder_url is not None and not path.startswith("/api/")
    return "Folder import started" if is_older else "Import started"
