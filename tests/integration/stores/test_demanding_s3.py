"""S3 buckets and compatible servers that demand or refuse something, against a server that does so."""

import pytest

from imageferry.errors import BlockedError
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.options import AwsAccess
from imageferry.stores.store import Store
from tests.servers.s3 import BUCKET, FakeS3
from tests.servers.strict_s3 import StrictS3

pytestmark = pytest.mark.integration

KEYS = [f"folder/{number} ä.jpg" for number in range(40)]


def opened(s3: FakeS3) -> Store:
    access = AwsAccess(access_key_id="key", secret_access_key="secret", endpoint_url=s3.settings["aws_endpoint_url"])
    return open_store(StoreConfig(url=f"s3://{BUCKET}/a prefix", aws=access))


async def put_all(store: Store) -> None:
    for key in KEYS:
        await store.put(key, b"x", mime_type="image/jpeg")


@pytest.mark.parametrize(
    "refusal", [(501, "NotImplemented"), (400, "MalformedXML"), (405, "MethodNotAllowed"), (200, "NoList")]
)
async def test_after_a_refused_bulk_deletion_objects_are_deleted_one_by_one(refusal: tuple[int, str]) -> None:
    async with StrictS3(bulk_delete_refusal=refusal) as s3:
        store = opened(s3)
        for _ in range(2):
            await put_all(store)
            await store.delete_all([*KEYS, "folder/missing.jpg"])
            assert s3.objects == {}
        await store.check()

    bulk = s3.deletions.count("POST")
    assert s3.deletions == ["POST"] * bulk + ["DELETE"] * (2 * len(KEYS) + 4)
    assert bulk == (5 if refusal[0] == 501 else 1)  # the only refusal that could pass is repeated


async def test_objects_are_deleted_by_bulk_calls_where_the_store_has_them() -> None:
    async with StrictS3() as s3:
        store = opened(s3)
        await put_all(store)
        await store.delete_all(KEYS)

    assert (s3.objects, s3.deletions) == ({}, ["POST"])


async def test_a_denied_bulk_deletion_is_no_missing_feature() -> None:
    async with StrictS3(bulk_delete_refusal=(403, "AccessDenied")) as s3:
        store = opened(s3)
        with pytest.raises(BlockedError):
            await store.delete_all(KEYS)

    assert s3.deletions == ["POST"]
