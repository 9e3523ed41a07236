"""Streams of an object's bytes."""

from collections.abc import AsyncIterator

from obstore import Bytes

from imageferry.model import Content


async def recording_errors(chunks: AsyncIterator[Content], errors: list[Exception]) -> AsyncIterator[Content]:
    """Yield the chunks, and add the error that ends them to `errors`."""
    try:
        async for chunk in chunks:
            yield chunk
    except Exception as exc:
        errors.append(exc)
        raise


async def cut(chunks: AsyncIterator[Bytes | bytes], span: range) -> AsyncIterator[Bytes | bytes]:
    """Yield the bytes of the chunks that lie in the span."""
    at = 0
    async for chunk in chunks:
        yield bytes(chunk)[max(0, span.start - at) : max(0, span.stop - at)]
        at += len(chunk)
        if at >= span.stop:
            break
