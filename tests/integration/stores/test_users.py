"""Users with policies, on a server that checks both."""

from dataclasses import replace

import pytest

from imageferry.errors import BlockedError, NotPermittedError
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.permissions import Access, Permissions
from imageferry.stores.s3_options import AwsAccess
from tests.servers.moto_iam import BUCKET, moto_iam

pytestmark = pytest.mark.integration


async def check(access: AwsAccess) -> Permissions:
    store = open_store(StoreConfig(url=f"s3://{BUCKET}/prefix", aws=access, retries_max=0))
    try:
        return await store.check(uploads=True)
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("denied", "missing"),
    [
        ((), ()),
        (("s3:GetObject",), (Access.READ,)),
        (("s3:DeleteObject",), (Access.DELETE,)),
        (("s3:GetObject", "s3:ListBucket", "s3:DeleteObject"), (Access.DELETE, Access.LIST)),
    ],
)
async def test_the_check_names_what_the_policy_does_not_allow(
    denied: tuple[str, ...], missing: tuple[Access, ...]
) -> None:
    with moto_iam(denied=denied) as access:
        assert (await check(access)).missing == missing


@pytest.mark.parametrize("denied", [("s3:PutObject",), ("s3:PutObject", "s3:DeleteObject")])
async def test_a_user_who_may_not_write_is_refused(denied: tuple[str, ...]) -> None:
    with moto_iam(denied=denied) as access, pytest.raises(NotPermittedError, match=r"Grant them s3:PutObject\."):
        await check(access)


async def test_a_wrong_key_is_told_from_a_wrong_secret() -> None:
    with moto_iam() as access:
        with pytest.raises(BlockedError, match=r"Check AWS_ACCESS_KEY_ID.*\(InvalidAccessKeyId: "):
            await check(replace(access, access_key_id="AKIAUNKNOWN"))
        with pytest.raises(BlockedError, match=r"Check AWS_SECRET_ACCESS_KEY\. \(SignatureDoesNotMatch: "):
            await check(replace(access, secret_access_key="wrong"))
