"""Containers on Azure whose shared access signature permits little."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from imageferry.errors import NotPermittedError, PermanentError
from imageferry.stores.azure_options import AzureAccess
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.permissions import Access
from imageferry.stores.store import PART_BYTES, Store
from tests.servers.limited.azure import CONTAINER, LimitedAzure

pytestmark = pytest.mark.integration


@asynccontextmanager
async def opened(azure: LimitedAzure) -> AsyncIterator[Store]:
    store = open_store(
        StoreConfig(
            url=f"az://{CONTAINER}/prefix", azure=AzureAccess(connection_string=azure.connection_string), retries_max=0
        )
    )
    yield store
    await store.close()


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        ("rwcdl", set()),
        ("rwcd", set()),
        ("wcd", {Access.READ, Access.LIST}),
        ("rwc", {Access.DELETE}),
        ("wcl", {Access.DELETE, Access.READ}),
        ("wc", {Access.DELETE, Access.LIST}),
        ("w", {Access.DELETE, Access.LIST}),
    ],
)
async def test_the_check_names_what_is_missing_and_leaves_no_object(permissions: str, missing: set[Access]) -> None:
    async with LimitedAzure(permissions) as azure, opened(azure) as store:
        found = await store.check()

        assert azure.blobs == {}
        assert {*found.missing} == missing
        assert found.unknown == ((Access.READ,) if permissions in ("wc", "w") else ())


@pytest.mark.parametrize("permissions", ["r", "rl", "rdl"])
async def test_a_container_that_may_not_be_written_to_is_refused(permissions: str) -> None:
    async with LimitedAzure(permissions) as azure, opened(azure) as store:
        with pytest.raises(NotPermittedError, match=r"Grant them Write \(w\)\. \(.*using this permission"):
            await store.check()


async def test_objects_are_written_again_where_they_may_not_be_seen() -> None:
    async with LimitedAzure("wc") as azure, opened(azure) as store:

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"x" * PART_BYTES

        for content in (b"old", b"new"):
            assert await store.find("F/1_a.jpg") is None
            await store.put("F/1_a.jpg", content, mime_type="image/jpeg")
        await store.put_stream("F/2_b.jpg", chunks(), mime_type="image/jpeg")

        assert azure.blobs["prefix/F/1_a.jpg"] == b"new"
        with pytest.raises(NotPermittedError, match=r"Grant them Delete \(d\)"):
            await store.delete("F/1_a.jpg")


async def test_an_object_that_may_not_be_overwritten_costs_only_its_file() -> None:
    async with LimitedAzure("c") as azure, opened(azure) as store:
        await store.put("F/1_a.jpg", b"a", mime_type="image/jpeg")

        with pytest.raises(PermanentError, match="doesn't permit it to be overwritten"):
            await store.put("F/1_a.jpg", b"a", mime_type="image/jpeg")
