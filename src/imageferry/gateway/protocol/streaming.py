"""Bodies that are streamed."""

from collections.abc import AsyncIterator
from typing import Any


async def begun(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks, once the first is there.

    So what is wrong from the start is raised while there is still time to answer with a problem.
    """
    first = await anext(chunks, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return whole()


def streamed(media_type: str) -> dict[int | str, dict[str, Any]]:
    """How a route tells that it answers with text of a type, which FastAPI cannot see."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}
