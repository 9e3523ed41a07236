"""The entries of a folder, in a stable order."""

from msgspec import Struct, field

from imageferry.demo import ids
from imageferry.demo.file_content import FileContent, Synthetic


class NumberedFiles(Struct, frozen=True, kw_only=True):
    """Generated files, computed from their number on demand."""

    ids: ids.IdSeries
    parent_id: str
    count: int
    size_bytes: int
    name: str  # format string of the number

    def content(self, index: int) -> FileContent:
        """Return the content of a file."""
        return Synthetic(size_bytes=self.size_bytes, unique_key=f"{self.parent_id}/{index}")


class FolderIndex(Struct):
    """Numbered files first, then entries. Deleted entries keep their index, so indexes never change."""

    entries: list[str] = field(default_factory=list)  # ids
    numbered: NumberedFiles | None = None

    def __len__(self) -> int:
        return (self.numbered.count if self.numbered else 0) + len(self.entries)
