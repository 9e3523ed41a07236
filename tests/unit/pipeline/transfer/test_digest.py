"""Digests of streams."""

from hashlib import md5

import pytest

from imageferry.pipeline.transfer.digest import StreamDigest, md5_of


async def test_md5_of_bytes_is_their_md5() -> None:
    assert await md5_of(b"abc") == md5(b"abc", usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("length", [1, 9, 10, 11, 20, 25])
@pytest.mark.parametrize("chunk", [1, 3, 10, 100])
async def test_the_digest_of_parts_is_what_a_store_makes_of_them(length: int, chunk: int) -> None:
    data = bytes(range(length))
    digest = StreamDigest(part_bytes=10)
    for start in range(0, length, chunk):
        await digest.add(data[start : start + chunk])
    parts = [md5(data[at : at + 10], usedforsecurity=False).digest() for at in range(0, length, 10)]
    assert digest.of_parts == f"{md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"
    assert digest.md5 == md5(data, usedforsecurity=False).hexdigest()
    assert digest.size_bytes == length
