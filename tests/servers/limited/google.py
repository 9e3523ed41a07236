"""A fake Google Cloud Storage on loopback whose account may do little: S3 in other words."""

from aiohttp import web

from tests.servers.s3 import FakeS3, S3Operation

_NAMES = {
    "s3:PutObject": "storage.objects.create",
    "s3:GetObject": "storage.objects.get",
    "s3:DeleteObject": "storage.objects.delete",
    "s3:ListBucket": "storage.objects.list",
    "s3:AbortMultipartUpload": "storage.multipartUploads.abort",
}


class LimitedGoogle(FakeS3):
    """As FakeS3 with what is `denied`. Only an account that may delete objects may overwrite them."""

    def _store(self, operation: S3Operation, key: str, body: bytes, request: web.Request) -> web.Response:
        if operation is S3Operation.PUT and key in self.objects and "s3:DeleteObject" in self.denied:
            return self._denial("s3:DeleteObject")
        return super()._store(operation, key, body, request)

    def _denial(self, needed: str) -> web.Response:
        name = _NAMES[needed]
        body = (
            "<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code><Message>Access denied.</Message>"
            f"<Details>ferry@project.iam.gserviceaccount.com does not have {name} access to the Google Cloud Storage "
            f"object. Permission '{name}' denied on resource (or it may not exist).</Details></Error>"
        )
        return web.Response(status=403, text=body, content_type="application/xml")
