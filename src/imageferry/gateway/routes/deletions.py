"""Deletion of images: one, several, or all that match a filter."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, status

from imageferry.catalog.search.filters import Filter
from imageferry.gateway.dependencies import GatewayDep
from imageferry.gateway.routes.images import ImageId
from imageferry.gateway.schemas.image_query import filter_from_body
from imageferry.gateway.schemas.images import DeletionFailure, DeletionRequest, DeletionResult
from imageferry.pipeline.delete_images import delete_with_objects

router = APIRouter(prefix="/images", tags=["images"])
_FAILURES_MAX = 1000


@router.delete("/{image_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_image(image_id: ImageId, gateway: GatewayDep) -> None:
    """Delete an image: its record, its object and its thumbnails. Deleting it again is not an error.

    Importing its folder again imports the file again.
    """
    result = await delete_with_objects([image_id], catalog=gateway, store=gateway.components.store)
    if image_id in result.failed:
        raise HTTPException(status.HTTP_409_CONFLICT, result.failed[image_id])


@router.post("/delete")
async def delete_images(deletion_request: DeletionRequest, gateway: GatewayDep) -> DeletionResult:
    """Delete these images, or all that currently match a filter.

    An object that the store can't delete now is reported in `failed`, and deleted as soon as the store allows it.
    """
    if (deletion_request.ids is None) == (deletion_request.filter is None):
        raise HTTPException(400, "Give either `ids` or `filter`.")
    selection: Filter | Sequence[int]
    if deletion_request.filter is None:
        selection = deletion_request.ids or []
    else:
        selection = filter_from_body(deletion_request.filter)
    result = await delete_with_objects(selection, catalog=gateway, store=gateway.components.store)
    failed = list(result.failed.items())[:_FAILURES_MAX]
    return DeletionResult(
        deleted=result.deleted,
        missing=result.missing,
        failed=[DeletionFailure(id=image_id, detail=detail) for image_id, detail in failed],
    )
