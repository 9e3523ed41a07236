"""What one folder holds, in an order that no change disturbs."""

from msgspec import Struct, field

from imageferry.demo import ids
from imageferry.demo.file_content import Content, Synthetic


class NumberedFiles(Struct, frozen=True, kw_only=True):
    """Files that are computed from their number when they are asked for."""

    ids: ids.Series
    parent_id: str
    count: int
    size_bytes: int
    name: str  # a format of the number

    def content(self, index: int) -> Content:
        """The bytes of one of them."""
        return Synthetic(size_bytes=self.size_bytes, mark=f"{self.parent_id}/{index}")


class Shelf(Struct):
    """Numbered files first, then entries; what is deleted leaves its place empty, so that places stay."""

    entries: list[str] = field(default_factory=list)  # ids
    run: NumberedFiles | None = None

    def __len__(self) -> int:
        return (self.run.count if self.run else 0) + len(self.entries)
