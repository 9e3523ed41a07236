"""MD5 of bytes and streams, and multipart ETags."""

from hashlib import md5

import pytest

from imageferry.pipeline.transfer.digest import StreamDigest, md5_hex


async def test_md5_hex_equals_hashlibs() -> None:
    assert await md5_hex(b"abc") == md5(b"abc", usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("length", [1, 9, 10, 11, 20, 25])
@pytest.mark.parametrize("chunk", [1, 3, 10, 100])
async def test_the_multipart_etag_equals_that_of_a_store(length: int, chunk: int) -> None:
    data = bytes(range(length))
    digest = StreamDigest(part_bytes=10)
    for start in range(0, length, chunk):
        await digest.add(data[start : start + chunk])
    parts = [md5(data[offset : offset + 10], usedforsecurity=False).digest() for offset in range(0, length, 10)]
    assert digest.multipart_etag == f"{md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"
    assert digest.md5 == md5(data, usedforsecurity=False).hexdigest()
    assert digest.size_bytes == length
