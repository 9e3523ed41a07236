"""The contract that every store fulfils."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from hashlib import md5
from random import Random
from urllib.request import urlopen

import pytest

from imageferry.errors import PermanentError
from imageferry.stores.azure_options import AzureAccess
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.keys import object_key
from imageferry.stores.s3_options import AwsAccess
from imageferry.stores.store import PART_BYTES, Store
from tests.servers import gcs, s3_servers
from tests.servers.azurite import CONTAINER, azurite

KINDS = ["file", "memory", "moto", "rclone", "azurite", "gcs"]
HOSTILE = ["a.jpg", "Übung 写真 😀 (1) & = + ~.jpg", "../../x", "CON", "x" * 5000]


@pytest.fixture(scope="module", params=KINDS)
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreConfig]:
    """A store of each kind."""
    folder = tmp_path_factory.mktemp("store")
    match request.param:
        case "file":
            yield StoreConfig(url=str(folder / "a folder"))
        case "memory":
            yield StoreConfig(url="memory://")
        case "azurite":
            with azurite() as connection_string:
                yield StoreConfig(
                    url=f"az://{CONTAINER}/some/prefix", azure=AzureAccess(connection_string=connection_string)
                )
        case "gcs":
            with gcs.gcs() as endpoint:
                yield StoreConfig(url=f"gs://{gcs.BUCKET}/some/prefix", google_emulator_host=endpoint)
        case server:
            with getattr(s3_servers, server)(folder) as endpoint:
                access = AwsAccess(
                    access_key_id=s3_servers.KEY, secret_access_key=s3_servers.SECRET, endpoint_url=endpoint
                )
                yield StoreConfig(url=f"s3://{s3_servers.BUCKET}/some/prefix", aws=access)


@pytest.fixture
async def store(config: StoreConfig) -> AsyncIterator[Store]:
    store = open_store(config)
    yield store
    await store.close()


@pytest.fixture
def key(rng: Random) -> str:
    """A key of the test's own."""
    return f"folder/{rng.randbytes(8).hex()}_a.jpg"


async def read(store: Store, key: str) -> bytes:
    return b"".join([chunk async for chunk in store.read(key)])


async def parts(*chunks: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if error is not None:
        raise error


async def test_an_object_reads_back_as_it_was_put(store: Store, key: str) -> None:
    digest = await store.put(key, b"picture", mime_type="image/jpeg")
    assert await read(store, key) == b"picture"
    assert await store.read_head(key, size_bytes=3) == b"pic"
    info = await store.head(key)
    assert info is not None
    assert info.size_bytes == 7
    if store.etag_is_md5:
        assert digest == info.digest == md5(b"picture", usedforsecurity=False).hexdigest()


async def test_a_span_of_an_object_can_be_read(store: Store, key: str) -> None:
    content = bytes(range(256)) * 1000
    await store.put(key, content, mime_type="image/jpeg")
    for span in (range(1), range(300, 200_000), range(255_999, 256_000)):
        assert b"".join([chunk async for chunk in store.read(key, span=span)]) == content[span.start : span.stop]


@pytest.mark.parametrize("name", ["a.jpg", "ä b.jpg"])
async def test_a_signed_url_returns_the_object_without_credentials(store: Store, name: str, rng: Random) -> None:
    key = f"folder/{rng.randbytes(8).hex()}_{name}"
    await store.put(key, b"picture", mime_type="image/jpeg")
    url = await store.signed_url(key, valid_s=60)
    if url is None:
        assert store.url.startswith(("file:", "memory:", "az:", "gs:"))
        return
    with await asyncio.to_thread(urlopen, url) as response:
        assert response.read() == b"picture"


async def test_a_stream_of_several_parts_becomes_one_object(store: Store, key: str) -> None:
    chunks = [bytes([number]) * (PART_BYTES // 2 + 1) for number in range(5)]
    await store.put_stream(key, parts(*chunks), mime_type="image/tiff")
    assert await read(store, key) == b"".join(chunks)


async def test_a_stream_that_raises_leaves_no_object_and_propagates_the_error(store: Store, key: str) -> None:
    error = ValueError("interrupted")
    with pytest.raises(ValueError, match="interrupted"):
        await store.put_stream(key, parts(b"x" * (PART_BYTES + 1), error=error), mime_type="image/tiff")
    assert await store.head(key) is None


async def test_putting_again_overwrites(store: Store, key: str) -> None:
    await store.put(key, b"old", mime_type="image/jpeg")
    await store.put(key, b"newer", mime_type="image/jpeg")
    assert await read(store, key) == b"newer"


async def test_a_missing_object_is_none_and_can_be_deleted(store: Store, key: str) -> None:
    assert await store.head(key) is None
    await store.delete(key)
    await store.put(key, b"x", mime_type="image/jpeg")
    await store.delete(key)
    await store.delete(key)
    assert await store.head(key) is None


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_key_made_from_any_name_is_accepted(store: Store, name: str, rng: Random) -> None:
    key = object_key(folder_id="F", file_id=rng.randbytes(8).hex(), name=name)
    await store.put(key, name.encode(), mime_type="image/jpeg")
    assert await read(store, key) == name.encode()


@pytest.mark.parametrize("file_id", ["..", ".", "a/b", ".thumbnails", "\\", "é", "x" * 10_000])
async def test_a_key_made_from_any_id_is_accepted(store: Store, file_id: str) -> None:
    key = object_key(folder_id=file_id, file_id=file_id, name="..")
    await store.put(key, file_id.encode(), mime_type="image/jpeg")
    assert await read(store, key) == file_id.encode()


@pytest.mark.parametrize("prefix", ["../", "a/../../", "./", "a//"])
async def test_a_key_that_would_leave_the_prefix_is_refused(store: Store, prefix: str, key: str) -> None:
    with pytest.raises(PermanentError):
        await store.put(prefix + key, b"x", mime_type="image/jpeg")
    assert await store.head(key) is None


async def test_the_check_passes(store: Store) -> None:
    await store.check()
