"""Deleting images: one, several, or all that a filter leaves."""

from fastapi import APIRouter, HTTPException, status

from imageferry.gateway.dependencies import Here
from imageferry.gateway.presenters.images import ImageId
from imageferry.gateway.routes.image_filters import meant
from imageferry.gateway.schemas.images import Deleted, Deletion, DeletionFailure
from imageferry.pipeline.delete_images import discard

router = APIRouter(prefix="/images", tags=["images"])
_FAILURES_MAX = 1000


@router.delete("/{image_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_image(image_id: ImageId, gateway: Here) -> None:
    """Delete an image: its record, its object and its thumbnails. One that is gone is no error.

    When its folder is imported again, so is the file.
    """
    discarded = await discard([image_id], catalog=gateway, store=gateway.ferry.store)
    if image_id in discarded.failed:
        raise HTTPException(status.HTTP_409_CONFLICT, discarded.failed[image_id])


@router.post("/delete")
async def delete_images(asked: Deletion, gateway: Here) -> Deleted:
    """Delete these images, or all that a filter leaves now.

    An object that the store does not remove at present is told as failed, and removed as soon as the store permits.
    """
    if (asked.ids is None) == (asked.filter is None):
        raise HTTPException(400, "Name the images either by `ids` or by a `filter`.")
    wanted = asked.ids if asked.filter is None else meant(asked.filter)
    discarded = await discard(wanted or [], catalog=gateway, store=gateway.ferry.store)
    failed = list(discarded.failed.items())[:_FAILURES_MAX]
    return Deleted(
        deleted=discarded.deleted,
        missing=discarded.missing,
        failed=[DeletionFailure(id=image_id, detail=detail) for image_id, detail in failed],
    )
