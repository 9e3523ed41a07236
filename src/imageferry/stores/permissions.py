"""What a store may permit, the names of its permissions, and what is lost without each."""

from enum import StrEnum

from msgspec import Struct


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


_LOSSES = {
    Access.READ: (
        "images and thumbnails can't be shown, uploads can't be verified by reading them back, and files that an "
        "interrupted import had stored are stored again"
    ),
    Access.LIST: "an object that is gone can't be told from one that may not be read",
    Access.DELETE: "objects of deleted images, and those that fail their verification, stay in the storage",
    Access.ABORT: "the parts of interrupted uploads stay in the storage",
}


class Permissions(Struct, frozen=True, kw_only=True):
    """What a store that takes objects does not permit beside that."""

    store: str
    missing: tuple[Access, ...] = ()
    unknown: tuple[Access, ...] = ()  # could not be found out without leaving an object

    @property
    def sentences(self) -> list[str]:
        """What is missing and what is lost without it, one sentence for each permission."""
        missing = [
            f"The credentials for {self.store} lack the permission {permission(access, store=self.store)}: "
            f"{_LOSSES[access]}."
            for access in self.missing
        ]
        unknown = [
            f"Whether the credentials for {self.store} have the permission {permission(access, store=self.store)} is "
            f"not known. Without it, {_LOSSES[access]}."
            for access in self.unknown
        ]
        return missing + unknown


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
