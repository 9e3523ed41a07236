"""The messages between the worker pool and a worker process, as MessagePack in frames; see subprocess_protocol."""

from msgspec import Struct


class RenderRequest(Struct, frozen=True, kw_only=True):
    """What to render. The file's bytes follow the request in frames, of which the last is empty."""

    width: int  # pixels, at most
    quarter_turns: int = 0  # clockwise, from the source's listing; ignored when the file has an orientation
    is_raw: bool = False  # a camera's RAW file: its embedded preview is rendered
    source_tag: str = ""  # written into the thumbnail's XMP: identifies the bytes that it was rendered from


class RenderedThumbnail(Struct, frozen=True, kw_only=True):
    """A thumbnail, and what was found out about its image."""

    body: bytes  # WebP
    width: int | None  # of the upright image, in pixels; None: not known
    height: int | None
    placeholder: str  # a thumbhash, in Base64


class RenderResult(Struct, frozen=True, kw_only=True):
    """The reply to a request: a thumbnail, or the reason why none can be made."""

    thumbnail: RenderedThumbnail | None = None
    error: str | None = None  # one sentence


class UnreadableError(Exception):
    """No thumbnail can be made of these bytes; the message is a sentence."""
