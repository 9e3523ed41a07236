"""Previews of an import: the check of a link, and the dry run."""

from typing import Literal

from pydantic import BaseModel, Field

from imageferry.gateway.schemas.jobs import ReasonCount


class LinkCheck(BaseModel):
    """What a folder link refers to, judged by its format only."""

    source: str
    kind: Literal["folder"] = "folder"
    folder_id: str
    resource_key: str | None = Field(description="Part of some older links; such a folder can't be opened without it.")
    message: str = Field(default="This is the link of a Google Drive folder.", description="The result as a sentence.")


class FileTypeCount(BaseModel):
    """The number of files of one MIME type."""

    mime_type: str
    count: int


class PreviewFile(BaseModel):
    """One of the files that would be imported."""

    id: str = Field(description="The file's id at the source.")
    name: str
    mime_type: str
    size: int | None = Field(description="In bytes; null when the source doesn't list sizes.")
    thumbnail_url: str | None = Field(
        default=None, description="Valid for one to two hours; null when the file is too large for a preview thumbnail."
    )


class Preview(BaseModel):
    """What an import would do, based on the part of the folder that was listed in time."""

    source: str
    folder_id: str
    folder_name: str
    complete: bool = Field(
        description="False when the listing took too long; then the counts cover only what was listed so far."
    )
    folders: int = Field(description="The number of folders that were listed completely.")
    files: int
    to_store: int = Field(description="New and changed files.")
    changed: int = Field(description="Files of which an older version is stored; included in `to_store`.")
    unchanged: int
    bytes_to_store: int
    types: list[FileTypeCount]
    skips: list[ReasonCount] = Field(description="Files that would be skipped, except unchanged ones.")
    failures: list[ReasonCount] = Field(description="Files that can't be downloaded, according to the listing.")
    samples: list[PreviewFile] = Field(description="Up to eight of the files that would be imported.")
