"""Images at a gateway elsewhere, over its HTTP interface."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Total
from imageferry.cli.clients.http_api import Calls
from imageferry.cli.clients.images import Gone, Shown
from imageferry.errors import NotFoundError
from imageferry.gateway.schemas.images import Image, ImageFilter

# So many are deleted by one call: a store that is slow is given time for each of them.
STEP = 100


class RemoteImages:
    """See ImageDesk. A gateway that does not answer raises TransientError."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def show(self, wanted: ImageFilter, *, sort: Sort, limit: int) -> Shown:
        """See ImageDesk."""
        page = await self._list(wanted, sort=sort, page=1, per_page=limit)
        images = [Image.model_validate(told) for told in page["items"]]
        return Shown(images=images, total=Total(images=page["total"], exact=page["total_exact"]))

    async def some(self, ids: Sequence[int]) -> Sequence[Image]:
        """See ImageDesk."""
        found = []
        for image_id in ids:
            with suppress(NotFoundError):
                found.append(Image.model_validate(await self._calls.call("GET", f"/api/images/{image_id}")))
        return found

    async def delete(self, wanted: ImageFilter | Sequence[int]) -> Gone:
        """See ImageDesk."""
        if not isinstance(wanted, ImageFilter):
            return await self._delete(wanted)
        deleted, failed = 0, dict[int, str]()
        last = (await self._list(wanted, sort=Sort.CREATED_DESC, page=1, per_page=1))["items"]
        # What comes while others go is not meant.
        newest, cursor = (last[0]["id"], "") if last else (0, None)
        while cursor is not None:
            page = await self._list(wanted, sort=Sort.CREATED, cursor=cursor, limit=STEP)
            ids = [told["id"] for told in page["items"] if told["id"] <= newest]
            # A page may be empty although more follow.
            gone = await self._delete(ids) if ids else Gone(deleted=0, failed={})
            deleted += gone.deleted
            failed |= gone.failed
            is_last = page["next"] is None or len(ids) < len(page["items"])
            cursor = None if is_last else parse_qs(urlsplit(page["next"]).query)["cursor"][0]
        return Gone(deleted=deleted, failed=failed)

    async def archive(self, ids: Sequence[int]) -> AsyncGenerator[bytes, None]:
        """See ImageDesk."""
        async for piece in self._calls.stream("/api/images/archive", query={"id": [str(each) for each in ids]}):
            yield piece

    async def _delete(self, ids: Sequence[int]) -> Gone:
        gone = await self._calls.call("POST", "/api/images/delete", body={"ids": list(ids)})
        failed = {failure["id"]: failure["detail"] for failure in gone["failed"]}
        return Gone(deleted=gone["deleted"], failed=failed)

    async def _list(self, wanted: ImageFilter, *, sort: Sort, **part: str | int) -> Any:  # noqa: ANN401 - JSON
        conditions = wanted.model_dump(mode="json")
        if conditions["located"] is not None:
            conditions["located"] = str(wanted.located).lower()
        return await self._calls.call("GET", "/api/images", query={**conditions, "sort": sort, **part})
