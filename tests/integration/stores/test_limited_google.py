"""Buckets at Google whose account may do little."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from imageferry.errors import NotPermittedError, PermanentError, Reason
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.permissions import Access
from imageferry.stores.store import Store
from tests.servers.limited.google import LimitedGoogle
from tests.servers.s3 import BUCKET

pytestmark = pytest.mark.integration

GET, LIST, DELETE, ABORT = "s3:GetObject", "s3:ListBucket", "s3:DeleteObject", "s3:AbortMultipartUpload"


@asynccontextmanager
async def opened(google: LimitedGoogle) -> AsyncIterator[Store]:
    endpoint = google.settings["aws_endpoint_url"]
    store = open_store(StoreConfig(url=f"gs://{BUCKET}", google_emulator_host=endpoint, retries_max=0))
    yield store
    await store.close()


@pytest.mark.parametrize(
    ("denied", "missing"),
    [
        ((), set()),
        ((GET,), {Access.READ}),
        ((LIST,), {Access.LIST}),
        ((DELETE,), {Access.DELETE}),
        ((GET, LIST, DELETE), {Access.LIST, Access.DELETE}),
        ((GET, LIST, DELETE, ABORT), {Access.LIST, Access.DELETE, Access.ABORT}),
    ],
)
async def test_the_check_names_what_is_missing_and_leaves_no_object(
    denied: tuple[str, ...], missing: set[Access]
) -> None:
    async with LimitedGoogle(denied=denied) as google, opened(google) as store:
        found = await store.check(uploads=True)

        assert google.objects == {}
        assert {*found.missing} == missing
        # "(or it may not exist)": Google's words do not say whether the object could be read.
        assert found.unknown == ((Access.READ,) if {LIST, DELETE} <= {*denied} else ())


async def test_an_account_that_may_only_create_objects_stores_each_once() -> None:
    async with LimitedGoogle(denied=(GET, LIST, DELETE)) as google, opened(google) as store:
        await store.put("F/1_a.jpg", b"a", mime_type="image/jpeg")
        assert await store.find("F/1_a.jpg") is None

        with pytest.raises(PermanentError, match=r"doesn't permit it to be overwritten\. \(AccessDenied") as refused:
            await store.put("F/1_a.jpg", b"a", mime_type="image/jpeg")
        with pytest.raises(NotPermittedError, match=r"Grant them storage\.objects\.delete\."):
            await store.delete_all(["F/1_a.jpg", "F/2_b.jpg"])

        assert refused.value.reason is Reason.STORE_DENIED
