"""Images at a remote gateway, through its HTTP API."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Total
from imageferry.cli.clients.http_api import HttpApi, open_http_api
from imageferry.cli.clients.images import DeletedImages, ImageMatches
from imageferry.errors import NotFoundError
from imageferry.gateway.schemas.images import Image, ImageFilter
from imageferry.secret import Secret

PAGE_SIZE_MAX = 1000
# Images deleted by one call: few enough that a slow store finishes within the call's timeout.
DELETE_BATCH = 100


@asynccontextmanager
async def open_remote_images(url: str, *, token: Secret | None) -> "AsyncIterator[RemoteImages]":
    """Open the images of the gateway at a URL."""
    async with open_http_api(url, token=token) as api:
        yield RemoteImages(api)


class RemoteImages:
    """See ImagesClient. A gateway that can't be reached raises TransientError."""

    def __init__(self, api: HttpApi) -> None:
        self._api = api

    async def search(
        self, conditions: ImageFilter, *, sort: Sort, limit: int, cursor: str | None = None
    ) -> ImageMatches:
        """See ImagesClient."""
        images: list[Image] = []
        while True:
            count = min(limit - len(images), PAGE_SIZE_MAX)
            page = await self._list(conditions, sort=sort, cursor=cursor or "", limit=count)
            images += [Image.model_validate(record) for record in page["items"]]
            cursor = page["after"]
            # A page may be short although more follow.
            if cursor is None or len(images) >= limit:
                total = Total(images=page["total"], exact=page["total_exact"])
                return ImageMatches(images=images, total=total, next=cursor)

    async def by_ids(self, ids: Sequence[int]) -> Sequence[Image]:
        """See ImagesClient."""
        found = []
        for image_id in ids:
            with suppress(NotFoundError):
                found.append(Image.model_validate(await self._api.call("GET", f"/api/images/{image_id}")))
        return found

    async def delete(self, selection: ImageFilter | Sequence[int]) -> DeletedImages:
        """See ImagesClient."""
        if not isinstance(selection, ImageFilter):
            return await self._delete(selection)
        deleted, failed = 0, dict[int, str]()
        newest = (await self._list(selection, sort=Sort.CREATED_DESC, page=1, per_page=1))["items"]
        # Images that are stored after this moment are kept.
        newest_id, cursor = (newest[0]["id"], "") if newest else (0, None)
        while cursor is not None:
            page = await self._list(selection, sort=Sort.CREATED, cursor=cursor, limit=DELETE_BATCH)
            ids = [record["id"] for record in page["items"] if record["id"] <= newest_id]
            # A page may be empty although more follow.
            result = await self._delete(ids) if ids else DeletedImages(deleted=0, failed={})
            deleted += result.deleted
            failed |= result.failed
            cursor = None if len(ids) < len(page["items"]) else page["after"]
        return DeletedImages(deleted=deleted, failed=failed)

    async def content(self, image_id: int) -> AsyncGenerator[bytes, None]:
        """See ImagesClient."""
        async with aclosing(self._api.stream(f"/api/images/{image_id}/content")) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _delete(self, ids: Sequence[int]) -> DeletedImages:
        result = await self._api.call("POST", "/api/images/delete", body={"ids": list(ids)})
        failed = {failure["id"]: failure["detail"] for failure in result["failed"]}
        return DeletedImages(deleted=result["deleted"], failed=failed)

    async def _list(self, conditions: ImageFilter, *, sort: Sort, **page: str | int) -> Any:  # noqa: ANN401 - any JSON
        query = conditions.model_dump(mode="json")
        if conditions.has_location is not None:
            query["has_location"] = str(conditions.has_location).lower()
        return await self._api.call("GET", "/api/images", query={**query, "sort": sort, **page})
