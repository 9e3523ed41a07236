"""Presigned PUT URLs, compared with those that obstore signs."""

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import obstore
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from obstore.store import S3Store, from_url

from imageferry.stores.sigv4 import RENEW_AFTER_S, VALID_S, PutUrlSigner

KEYS = ["a/b.jpg", "a b/c+d.jpg", "é/~_-.!*'()@:&=,;$#%?.jpg", "名/\N{GRINNING FACE}.jpg"]
STORES = [
    {"aws_endpoint_url": "http://127.0.0.1:9000"},
    {"aws_session_token": "to/k+en="},
    {"aws_virtual_hosted_style_request": "true"},
]
SECRETS = {"access": "secret"}
CREDENTIALS = {"aws_access_key_id": "access", "aws_secret_access_key": "secret", "aws_region": "eu-central-1"}


def opened(url: str = "s3://photos", **options: str) -> S3Store:
    store = from_url(url, config={**CREDENTIALS, **options}, client_options={"allow_http": True})  # type: ignore[call-overload]
    assert isinstance(store, S3Store)
    return store


@pytest.mark.parametrize("options", STORES, ids=["endpoint", "session", "virtual_host"])
@pytest.mark.parametrize("url", ["s3://photos", "s3://photos/holiday/sea side"])
async def test_a_put_is_signed_as_obstore_signs_it(options: dict[str, str], url: str) -> None:
    store = opened(url, **options)
    for key in KEYS:
        while True:  # until both are signed in the same second
            signed = await PutUrlSigner(store, secret_key_of=SECRETS.get).url(key, headers={})
            expected = obstore.sign(store, "PUT", key, timedelta(seconds=VALID_S))
            assert signed is not None
            if _query(signed)["X-Amz-Date"] == _query(expected)["X-Amz-Date"]:
                break
        assert _query(signed) == _query(expected)
        assert urlsplit(signed)[:3] == urlsplit(expected)[:3]


@pytest.mark.parametrize("key", ["..", "../x.jpg", "a/../../x.jpg", "./x.jpg", "a//x.jpg", ""])
async def test_a_key_that_leads_out_of_the_prefix_is_never_signed(key: str) -> None:
    signer = PutUrlSigner(opened(), secret_key_of=SECRETS.get)
    assert await signer.url(key, headers={}) is None
    assert await signer.url("a/x.jpg", headers={}) is not None


async def test_headers_are_signed_as_botocore_signs_them() -> None:
    headers = {"x-amz-acl": "bucket-owner-full-control", "x-amz-server-side-encryption": "aws:kms", "content-md5": "x"}
    signed = await PutUrlSigner(opened(), secret_key_of=SECRETS.get).url("a b/é.jpg", headers=headers)
    assert signed is not None
    url, query = signed.partition("?")[0], _query(signed)
    assert query["X-Amz-SignedHeaders"] == ["content-md5;host;x-amz-acl;x-amz-server-side-encryption"]
    request = AWSRequest(method="PUT", url=f"{url}?{signed.partition('?')[2].rpartition('&')[0]}", headers=headers)
    request.context["timestamp"] = query["X-Amz-Date"][0]
    auth = S3SigV4QueryAuth(Credentials("access", "secret"), "s3", "eu-central-1")
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert query["X-Amz-Signature"] == [expected]


@pytest.mark.parametrize("secrets", [{"access": "another"}, {}])
async def test_a_secret_that_differs_from_the_stores_signs_nothing(secrets: dict[str, str]) -> None:
    assert await PutUrlSigner(opened(), secret_key_of=secrets.get).url("a.jpg", headers={}) is None


async def test_the_template_is_renewed_long_before_it_expires() -> None:
    assert RENEW_AFTER_S < VALID_S / 2
    lookups: list[str] = []

    def secret_key_of(access_key_id: str) -> str:
        lookups.append(access_key_id)
        return "secret"

    now_s = 1000.0
    signer = PutUrlSigner(opened(), secret_key_of=secret_key_of, clock=lambda: now_s)
    first, *others = await asyncio.gather(*(signer.url("a.jpg", headers={}) for _ in range(3)))
    assert first is not None
    assert (others, lookups) == ([first] * 2, ["access"])
    now_s += RENEW_AFTER_S + 1
    assert await signer.url("a.jpg", headers={}) is not None
    assert lookups == ["access"] * 2


def _query(url: str | None) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url or "").query)
