"""What an import would do, before it is begun: the verdict on a link, and the plan."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from imageferry.errors import Reason, TransientError
from imageferry.gateway.dependencies import Here
from imageferry.gateway.presenters.jobs import causes
from imageferry.gateway.routes.preview_thumbnails import thumbnail_url
from imageferry.gateway.schemas.fields import LINK_LENGTH_MAX
from imageferry.gateway.schemas.imports import ImportRequest
from imageferry.gateway.schemas.previews import Check, Preview, Sample, TypeCount
from imageferry.gateway.security.rate_limits import Dear, rationed
from imageferry.pipeline.dry_run import plan
from imageferry.sources.registry import recognise

# Somebody looks at the screen.
LISTING_S = 8.0
ANSWER_WITHIN_S = 12.0

router = APIRouter(prefix="/import", tags=["imports"])


@router.get("/check")
async def check_link(url: Annotated[str, Query(min_length=1, max_length=LINK_LENGTH_MAX)]) -> Check:
    """Whether a link names a folder, by its shape alone: nothing is fetched. 400 with a sentence when it does not."""
    locator = recognise(url)
    return Check(source=locator.source, folder_id=locator.folder_id, resource_key=locator.resource_key)


@router.post("/preview", dependencies=[Depends(rationed(Dear.PREVIEW))])
async def preview(asked: ImportRequest, gateway: Here) -> Preview:
    """What an import would do: nothing is moved, and no trace is left.

    It answers within seconds; where the listing takes longer, `complete` is false and it tells what was found so far.
    """
    locator = recognise(asked.url)
    source = gateway.ferry.sources[locator.source]
    # Where it is away, the plan would wait for it as long as it may, and tell that nothing was found.
    await gateway.read(lambda _: None)
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S), gateway.previews:
            folder = await source.resolve(locator)
            found = await plan(
                folder,
                source=source,
                catalog=gateway.ferry.catalog,
                store_url=gateway.ferry.store.url,
                options=asked.options,
                limit_s=LISTING_S,
            )
    except TimeoutError as exc:
        message = "The source takes too long for a preview: try again in a moment, or begin the import."
        raise TransientError(Reason.SOURCE_UNAVAILABLE, message, retry_after_s=5) from exc
    return Preview(
        source=locator.source,
        folder_id=found.folder.id,
        folder_name=found.folder.name,
        complete=found.complete,
        folders=found.folders,
        files=found.files,
        to_store=found.to_store,
        changed=found.changed,
        unchanged=found.unchanged,
        bytes_to_store=found.bytes_to_store,
        types=[TypeCount(mime_type=mime_type, count=count) for mime_type, count in found.types.most_common()],
        skipped=causes(found.skipped),
        failing=causes(found.failing),
        samples=[
            Sample(
                id=file.id,
                name=file.name,
                mime_type=file.mime_type,
                size=file.size_bytes,
                thumbnail_url=thumbnail_url(file, source=locator.source, cursors=gateway.cursors),
            )
            for file in found.samples
        ],
    )
