"""What a bucket answers reaches the person, by each way of sending a request to it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from obstore.store import S3Store

from imageferry.errors import BlockedError, Reason
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.s3_options import AwsAccess
from imageferry.stores.store import Store
from tests.servers.s3 import BUCKET, FakeS3

pytestmark = pytest.mark.integration

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
REDIRECT = (
    f"{XML}<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed "
    "using the specified endpoint. Please send all future requests to this endpoint.</Message>"
    "<Endpoint>pictures.s3.eu-central-1.amazonaws.com</Endpoint><Bucket>pictures</Bucket></Error>"
)
MALFORMED = (
    f"{XML}<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the region "
    "'us-east-1' is wrong; expecting 'eu-central-1'</Message><Region>eu-central-1</Region></Error>"
)
SKEWED = (
    f"{XML}<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the current "
    "time is too large.</Message><RequestTime>20260706T100000Z</RequestTime>"
    "<ServerTime>2026-07-06T11:00:00Z</ServerTime>"
    "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds></Error>"
)
ACCESS = AwsAccess(access_key_id="key", secret_access_key="secret")


@pytest.fixture(params=["keys", "role"])
async def store(request: pytest.FixtureRequest, s3: FakeS3) -> AsyncIterator[Store]:
    """A store whose keys are set, so that puts have signed URLs, and one whose credentials only obstore knows."""
    endpoint = s3.settings["aws_endpoint_url"]
    if request.param == "keys":
        store = open_store(StoreConfig(url=f"s3://{BUCKET}", aws=replace(ACCESS, endpoint_url=endpoint)))
    else:
        inner = S3Store(
            BUCKET,
            endpoint=endpoint,
            region="us-east-1",
            access_key_id="key",
            secret_access_key="secret",
            client_options={"allow_http": True},
        )
        store = Store(f"s3://{BUCKET}", inner)
    yield store
    await store.close()


@pytest.mark.parametrize(
    ("answer", "reason", "sentence"),
    [
        (
            (301, {"x-amz-bucket-region": "eu-central-1"}, REDIRECT),
            Reason.MISCONFIGURED,
            "Set AWS_REGION=eu-central-1.",
        ),
        ((400, {}, MALFORMED), Reason.MISCONFIGURED, "Set AWS_REGION=eu-central-1."),
        ((403, {}, SKEWED), Reason.CLOCK_WRONG, "This machine's clock is 60 minutes slow"),
    ],
)
async def test_the_check_says_what_to_set(
    store: Store, s3: FakeS3, answer: tuple[int, dict[str, str], str], reason: Reason, sentence: str
) -> None:
    s3.answer = answer

    with pytest.raises(BlockedError, match=sentence) as refused:
        await store.check()

    assert refused.value.reason is reason


async def test_a_put_says_what_to_set_and_goes_on_when_it_is_set(s3: FakeS3) -> None:
    access = replace(ACCESS, endpoint_url=s3.settings["aws_endpoint_url"])
    store = open_store(StoreConfig(url=f"s3://{BUCKET}", aws=access))
    s3.answer = (301, {"x-amz-bucket-region": "eu-central-1"}, REDIRECT)

    with pytest.raises(BlockedError, match=r"AWS_REGION=eu-central-1\. \(PermanentRedirect: The bucket you are"):
        await store.put("a.jpg", b"a", mime_type="image/jpeg")
    s3.answer = None
    await store.put("a.jpg", b"a", mime_type="image/jpeg")

    await store.close()
    assert s3.objects == {"a.jpg": b"a"}
