"""Previews of an import: the check of a link, and the dry run."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from imageferry.errors import Reason, TransientError
from imageferry.gateway.dependencies import GatewayDep, rate_limited
from imageferry.gateway.presenters.jobs import reason_counts
from imageferry.gateway.routes.preview_thumbnails import thumbnail_url
from imageferry.gateway.schemas.fields import LINK_LENGTH_MAX
from imageferry.gateway.schemas.imports import ImportRequest
from imageferry.gateway.schemas.previews import FileTypeCount, LinkCheck, Preview, PreviewFile
from imageferry.gateway.security.rate_limits import LimitedAction
from imageferry.pipeline.dry_run import plan_import
from imageferry.sources.registry import parse_folder_url

# Short, because a person is waiting.
LISTING_TIMEOUT_S = 8.0
RESPONSE_TIMEOUT_S = 12.0

router = APIRouter(prefix="/import", tags=["imports"])


@router.get("/check")
async def check_link(url: Annotated[str, Query(min_length=1, max_length=LINK_LENGTH_MAX)]) -> LinkCheck:
    """Check by its format whether a link is a folder link; nothing is requested from the source. 400 if it isn't."""
    folder_ref = parse_folder_url(url)
    return LinkCheck(source=folder_ref.source, folder_id=folder_ref.folder_id, resource_key=folder_ref.resource_key)


@router.post("/preview", dependencies=[Depends(rate_limited(LimitedAction.PREVIEW))])
async def preview_import(import_request: ImportRequest, gateway: GatewayDep) -> Preview:
    """Return what an import would do, without importing anything.

    The answer takes a few seconds. If listing the folder takes longer, `complete` is false and the counts cover what
    was listed so far.
    """
    folder_ref = parse_folder_url(import_request.url)
    source = gateway.components.sources[folder_ref.source]
    # Fail early when the catalog is unavailable: the dry run would wait for it until its time limit, and then report
    # that it found nothing.
    await gateway.read(lambda _: None)
    try:
        async with asyncio.timeout(RESPONSE_TIMEOUT_S), gateway.preview_slots:
            folder = await source.resolve(folder_ref)
            plan = await plan_import(
                folder,
                source=source,
                catalog=gateway.components.catalog,
                store_url=gateway.components.store.url,
                options=import_request.options,
                limit_s=LISTING_TIMEOUT_S,
            )
    except TimeoutError as exc:
        message = "Listing the folder takes too long for a preview. Try again in a moment, or start the import."
        raise TransientError(Reason.SOURCE_UNAVAILABLE, message, retry_after_s=5) from exc
    return Preview(
        source=folder_ref.source,
        folder_id=plan.folder.id,
        folder_name=plan.folder.name,
        complete=plan.is_complete,
        folders=plan.folders,
        files=plan.files,
        to_store=plan.to_store,
        changed=plan.changed,
        unchanged=plan.unchanged,
        bytes_to_store=plan.bytes_to_store,
        types=[FileTypeCount(mime_type=mime_type, count=count) for mime_type, count in plan.types.most_common()],
        skips=reason_counts(plan.skipped),
        failures=reason_counts(plan.failing),
        samples=[
            PreviewFile(
                id=file.id,
                name=file.name,
                mime_type=file.mime_type,
                size=file.size_bytes,
                thumbnail_url=thumbnail_url(file, source=folder_ref.source, cursors=gateway.cursors),
            )
            for file in plan.samples
        ],
    )
