"""S3 buckets and compatible servers that demand or refuse something, against a server that does so."""

from collections.abc import AsyncIterator
from hashlib import md5
from pathlib import Path
from typing import get_args

import pytest

from imageferry.demo.faults import Damage, Fault
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.errors import BlockedError, Reason
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.s3_options import AwsAccess, ChecksumAlgorithm, S3ObjectOptions
from imageferry.stores.store import PART_BYTES, Store
from tests.drivers.import_flow import ImportFlow
from tests.servers.s3 import BUCKET, FakeS3, S3Operation
from tests.servers.strict_s3 import StrictS3

pytestmark = pytest.mark.integration

KEYS = [f"folder/{number} ä.jpg" for number in range(40)]


def opened(s3: FakeS3, objects: S3ObjectOptions | None = None, *, storage_class: str | None = None) -> Store:
    access = AwsAccess(access_key_id="key", secret_access_key="secret", endpoint_url=s3.settings["aws_endpoint_url"])
    return open_store(
        StoreConfig(
            url=f"s3://{BUCKET}/a prefix",
            aws=access,
            s3_objects=objects or S3ObjectOptions(),
            storage_class=storage_class,
        )
    )


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


async def test_a_damaged_download_is_noticed_by_the_store_and_fetched_again(
    tree: Tree, drive: DriveTestServer, tmp_path: Path
) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=b"x" * 1000)
    drive.faults.add(Fault(kind=Damage.FLIPPED_BIT, times=1))
    async with StrictS3() as s3:
        flow = ImportFlow(
            drive=drive, home=tmp_path / "home", setting_overrides=s3.settings, read_objects=s3.stored_objects
        )
        result = await flow.run(root)
        await flow.assert_consistent(result)

    assert (result.job.stored, list(s3.objects.values())) == (1, [b"x" * 1000])
    assert s3.operations[S3Operation.PUT] == 1  # nothing wrong was ever stored


DEMANDS = [
    (S3ObjectOptions(encryption="AES256"), {"x-amz-server-side-encryption": "AES256"}),
    (
        S3ObjectOptions(encryption="aws:kms", kms_key_id="arn:aws:kms:eu-central-1:1:key/a", bucket_key=True),
        {
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-central-1:1:key/a",
            "x-amz-server-side-encryption-bucket-key-enabled": "true",
        },
    ),
    (S3ObjectOptions(encryption="aws:kms:dsse"), {"x-amz-server-side-encryption": "aws:kms:dsse"}),
    (S3ObjectOptions(acl="bucket-owner-full-control"), {"x-amz-acl": "bucket-owner-full-control"}),
]


@pytest.mark.parametrize(("objects", "demands"), DEMANDS, ids=["aes", "kms", "dsse", "acl"])
@pytest.mark.parametrize("storage_class", [None, "STANDARD_IA"])
async def test_whole_objects_and_those_in_parts_have_what_the_bucket_demands(
    objects: S3ObjectOptions, demands: dict[str, str], storage_class: str | None
) -> None:
    demands = demands | ({"x-amz-storage-class": storage_class} if storage_class else {})
    async with StrictS3(demands=demands) as s3:
        with pytest.raises(BlockedError, match="set AWS_SERVER_SIDE_ENCRYPTION"):
            await opened(s3).put("refused.jpg", b"x", mime_type="image/jpeg")
        await use(opened(s3, objects, storage_class=storage_class), s3)


@pytest.mark.parametrize("algorithm", get_args(ChecksumAlgorithm))
async def test_a_bucket_with_object_lock_takes_objects_with_a_checksum(algorithm: ChecksumAlgorithm) -> None:
    async with StrictS3(has_object_lock=True) as s3:
        await use(opened(s3, S3ObjectOptions(checksum_algorithm=algorithm)), s3)


async def test_without_a_setting_a_bucket_with_object_lock_takes_whole_objects_and_says_what_to_set() -> None:
    async with StrictS3(has_object_lock=True) as s3:
        store = opened(s3)
        await store.put("a.jpg", b"x", mime_type="image/jpeg", md5=md5(b"x", usedforsecurity=False).hexdigest())
        with pytest.raises(BlockedError, match="AWS_CHECKSUM_ALGORITHM=SHA256") as refused:
            await store.put_stream("b.jpg", parts(), mime_type="image/jpeg")

    assert refused.value.reason is Reason.MISCONFIGURED
    assert (len(s3.objects), s3.uploads) == (1, {})


async def test_bytes_without_the_listed_md5_are_not_stored() -> None:
    async with StrictS3() as s3:
        store = opened(s3)
        digest = await store.put("a.jpg", b"damaged", mime_type="image/jpeg", md5="0" * 32)
        assert digest == md5(b"damaged", usedforsecurity=False).hexdigest()
        assert s3.objects == {}
        await store.put("a.jpg", b"good", mime_type="image/jpeg")

    assert s3.presigned == [S3Operation.PUT]


async def use(store: Store, s3: StrictS3) -> None:
    """Write, read and delete as an import and the gallery do, also where signed URLs are not possible."""
    await store.check()
    await store.put("a.jpg", b"x", mime_type="image/jpeg")
    await store.put_stream("b.jpg", parts(), mime_type="image/jpeg")
    assert store._presigned_puts is None or S3Operation.PUT in s3.presigned
    if store._presigned_puts is not None:
        store._presigned_puts.give_up()
    await store.put("c.jpg", b"x", mime_type="image/jpeg")
    assert b"".join([chunk async for chunk in store.read("a.jpg")]) == b"x"
    assert await store.head("b.jpg") is not None
    assert (sorted(map(len, s3.objects.values())), s3.uploads) == ([1, 1, PART_BYTES + 1], {})
    await store.delete_all(["a.jpg", "b.jpg", "c.jpg"])
    assert s3.objects == {}
    await store.close()


async def parts() -> AsyncIterator[bytes]:
    yield b"x" * (PART_BYTES + 1)
