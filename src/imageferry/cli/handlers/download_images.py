"""`imageferry images --download`: save the original files of any number of images as one ZIP archive."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from msgspec import Struct

from imageferry.cli.clients.images import ImagesClient
from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.handlers.images import FAILURES_SHOWN_MAX, ImageSelection, format_images, format_total
from imageferry.cli.output import formatting
from imageferry.cli.output.console import Console
from imageferry.errors import ImageferryError, Reason, UsageError
from imageferry.gateway.presenters.archive_names import MISSING_NAME, ArchiveNames
from imageferry.gateway.schemas.images import Image

# Files requested before their turn, so that the time until the first byte is spent once for all of them. Each holds
# one chunk in memory.
PREFETCHED_MAX = 6
# So many missing files in a row mean that the storage can't be read at all.
MISSING_IN_A_ROW_MAX = 20
# The central directory holds its time in local time, and in steps of two seconds, from 1980 on.
YEAR_MIN, YEAR_MAX = 1980, 2107


async def download_images(client: ImagesClient, *, selection: ImageSelection, path: Path, console: Console) -> ExitCode:
    """Save the images of the selection as a ZIP archive, which appears only once it is complete."""
    total = (await selection.first(client, 1)).total
    if not total.images:
        console.print("No images match.")
        return ExitCode.FAILURE
    partial_path = path.with_name(f"{path.name}.part")
    try:
        with console.rich_console().status("Downloading …") as status, ZipFile(partial_path, "w") as archive:
            writer = _ArchiveWriter(archive)
            async with aclosing(_prefetch(client, selection.pages(client))) as files:
                async for file in files:
                    await writer.add(file)
                    saved = f"{writer.images:,} of {format_total(total)} images"
                    status.update(f"Downloading: {saved} ({formatting.format_size(writer.size_bytes)}) …")
            writer.add_missing_list()
        partial_path.replace(path)
    except OSError as exc:
        message = f"Can't write {path} ({exc.strerror}). Choose another file."
        raise UsageError(Reason.MISCONFIGURED, message) from exc
    finally:
        partial_path.unlink(missing_ok=True)
    for line in writer.missing[:FAILURES_SHOWN_MAX]:
        console.print(line)
    console.print(f"Saved {format_images(writer.images)} ({formatting.format_size(writer.size_bytes)}) to {path}.")
    if writer.missing:
        console.print(f"{format_images(len(writer.missing))} can't be downloaded: “{MISSING_NAME}” in it lists them.")
    return ExitCode.FAILURE if writer.missing else ExitCode.SUCCESS


class _File(Struct, frozen=True, kw_only=True):
    """A requested file."""

    image: Image
    first_chunk: "asyncio.Task[bytes]"
    rest: AsyncGenerator[bytes, None]


async def _prefetch(client: ImagesClient, images: AsyncIterator[Image]) -> AsyncGenerator[_File, None]:
    """Request the images' files, PREFETCHED_MAX of them before their turn, and yield them in order."""
    pending: deque[_File] = deque()
    try:
        async for image in images:
            content = client.content(image.id)
            first_chunk = asyncio.ensure_future(anext(content, b""))
            pending.append(_File(image=image, first_chunk=first_chunk, rest=content))
            if len(pending) > PREFETCHED_MAX:
                yield pending.popleft()
        while pending:
            yield pending.popleft()
    finally:
        for file in pending:
            file.first_chunk.cancel()
        await asyncio.gather(*(file.first_chunk for file in pending), return_exceptions=True)


class _ArchiveWriter:
    """Adds files to a ZIP archive, and counts them."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._names = ArchiveNames()
        self.images = 0
        self.size_bytes = 0
        self.missing: list[str] = []  # a line for each image that could not be read
        self._missing_in_a_row = 0

    async def add(self, file: _File) -> None:
        """Add a file. One that can't be read becomes a line in `missing`; too many in a row raise the error."""
        async with aclosing(file.rest) as rest:
            try:
                chunk = await file.first_chunk
            except ImageferryError as exc:
                self.missing.append(f"{file.image.name}: {exc.message}")
                self._missing_in_a_row += 1
                if self._missing_in_a_row >= MISSING_IN_A_ROW_MAX:
                    raise
                return
            self._missing_in_a_row = 0
            name = self._names.add(file.image.name, folder=file.image.path)
            with self._archive.open(_zip_info(name, file.image), "w", force_zip64=True) as member:
                member.write(chunk)
                self.size_bytes += len(chunk)
                async for chunk in rest:
                    member.write(chunk)
                    self.size_bytes += len(chunk)
        self.images += 1

    def add_missing_list(self) -> None:
        """Add the file that lists what is missing, if anything is."""
        if self.missing:
            self._archive.writestr(MISSING_NAME, "\r\n".join(self.missing))


def _zip_info(name: str, image: Image) -> ZipInfo:
    """Return the entry of an image, with the time at which it was taken, if that is known, or else imported."""
    when = (image.taken_at or image.created_at).timetuple()
    if not YEAR_MIN <= when.tm_year <= YEAR_MAX:
        when = time.localtime()
    return ZipInfo(name, date_time=when[:6])
