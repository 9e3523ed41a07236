"""A fake S3 server that demands or refuses what some buckets and compatible servers do."""

from aiohttp import web

from tests.servers.s3 import FakeS3, error_response


class StrictS3(FakeS3):
    """As FakeS3, but refuses deletions of many objects by one call, if `bulk_delete_refusal` is a status and a code.

    `deletions` counts the calls that delete: bulk ones are "POST", single ones "DELETE".
    """

    def __init__(self, *, bulk_delete_refusal: tuple[int, str] | None = None) -> None:
        super().__init__()
        self.deletions: list[str] = []
        self._bulk_delete_refusal = bulk_delete_refusal

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "DELETE":
            self.deletions.append(request.method)
        return await super()._handle(request)

    async def _delete_many(self, request: web.Request) -> web.Response:
        self.deletions.append(request.method)
        if self._bulk_delete_refusal is not None:
            status, code = self._bulk_delete_refusal
            return error_response(status, code, "This server does not do that.")
        return await super()._delete_many(request)
