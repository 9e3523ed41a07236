"""Streamed response bodies."""

from collections.abc import AsyncIterator
from typing import Any


async def started(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Wait for the first chunk, then return all chunks.

    An error at the start of the stream is raised here, while it can still be answered with a problem.
    """
    first = await anext(chunks, b"")

    async def all_chunks() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return all_chunks()


def text_responses(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that streams text of this type, which FastAPI can't infer."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}
