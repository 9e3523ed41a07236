"""What a store may allow, and the names of its permissions."""

from enum import StrEnum


class Access(StrEnum):
    """What a request needs the store's permission for."""

    WRITE = "write"
    READ = "read"
    LIST = "list"  # without it S3 answers 403, not 404, to a request for an object that does not exist
    DELETE = "delete"
    ABORT = "abort"  # an upload in parts


# By the scheme of the store's URL.
_PERMISSIONS = {
    "s3": {
        Access.WRITE: "s3:PutObject",
        Access.READ: "s3:GetObject",
        Access.LIST: "s3:ListBucket",
        Access.DELETE: "s3:DeleteObject",
        Access.ABORT: "s3:AbortMultipartUpload",
    },
    "az": {
        Access.WRITE: "Write (w)",
        Access.READ: "Read (r)",
        Access.LIST: "List (l)",
        Access.DELETE: "Delete (d)",
    },
    "gs": {
        Access.WRITE: "storage.objects.create",
        Access.READ: "storage.objects.get",
        Access.LIST: "storage.objects.list",
        Access.DELETE: "storage.objects.delete",
        Access.ABORT: "storage.multipartUploads.abort",
    },
}


def permission(access: Access, *, store: str) -> str:
    """Return the name of the permission in the store behind a URL."""
    return _PERMISSIONS.get(store.partition(":")[0], {}).get(access, access.value)


def access_of(*, method: str, query: str) -> Access:
    """Return what a request to a store needs."""
    is_bulk_deletion = method == "POST" and ("delete" in query.split("&") or "comp=batch" in query)
    match method:
        case "DELETE" if "uploadId=" in query:
            return Access.ABORT
        case "DELETE":
            return Access.DELETE
        case "POST" if is_bulk_deletion:
            return Access.DELETE
        case "PUT" | "POST":
            return Access.WRITE
        case _ if "list-type=" in query or "comp=list" in query:
            return Access.LIST
        case _:
            return Access.READ
