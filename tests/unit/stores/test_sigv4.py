"""Presigned PUT URLs, compared with those that obstore signs."""

from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import obstore
import pytest
from obstore.store import S3Store, from_url

from imageferry.stores.sigv4 import RENEW_AFTER_S, VALID_S, PutUrlSigner

KEYS = ["a/b.jpg", "a b/c+d.jpg", "é/~_-.!*'()@:&=,;$#%?.jpg", "名/\N{GRINNING FACE}.jpg"]
STORES = [
    {"aws_endpoint_url": "http://127.0.0.1:9000"},
    {"aws_session_token": "to/k+en="},
    {"aws_virtual_hosted_style_request": "true"},
]
CREDENTIALS = {"aws_access_key_id": "access", "aws_secret_access_key": "secret", "aws_region": "eu-central-1"}


def opened(url: str = "s3://photos", **options: str) -> S3Store:
    store = from_url(url, config={**CREDENTIALS, **options}, client_options={"allow_http": True})  # type: ignore[call-overload]
    assert isinstance(store, S3Store)
    return store


@pytest.mark.parametrize("options", STORES, ids=["endpoint", "session", "virtual_host"])
@pytest.mark.parametrize("url", ["s3://photos", "s3://photos/holiday/sea side"])
def test_a_put_is_signed_as_obstore_signs_it(options: dict[str, str], url: str) -> None:
    store = opened(url, **options)
    for key in KEYS:
        while True:  # until both are signed in the same second
            signed = PutUrlSigner(store, secret_access_key="secret").url(key)
            expected = obstore.sign(store, "PUT", key, timedelta(seconds=VALID_S))
            assert signed is not None
            if _query(signed)["X-Amz-Date"] == _query(expected)["X-Amz-Date"]:
                break
        assert _query(signed) == _query(expected)
        assert urlsplit(signed)[:3] == urlsplit(expected)[:3]


@pytest.mark.parametrize("key", ["..", "../x.jpg", "a/../../x.jpg", "./x.jpg", "a//x.jpg", ""])
def test_a_key_that_leads_out_of_the_prefix_is_never_signed(key: str) -> None:
    signer = PutUrlSigner(opened(), secret_access_key="secret")
    assert signer.url(key) is None
    assert signer.url("a/x.jpg") is not None


def test_a_secret_that_differs_from_the_stores_signs_nothing() -> None:
    assert PutUrlSigner(opened(), secret_access_key="another").url("a.jpg") is None


def test_the_template_is_renewed_long_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    assert RENEW_AFTER_S < VALID_S / 2
    signed_paths: list[str] = []
    sign = obstore.sign

    def record_and_sign(store: S3Store, method: Literal["PUT"], path: str, expires_in: timedelta) -> str:
        signed_paths.append(path)
        return sign(store, method, path, expires_in)

    monkeypatch.setattr(obstore, "sign", record_and_sign)
    now_s = 1000.0
    signer = PutUrlSigner(opened(), secret_access_key="secret", clock=lambda: now_s)
    assert signer.url("a.jpg") == signer.url("a.jpg")
    assert len(signed_paths) == 1
    now_s += RENEW_AFTER_S + 1
    assert signer.url("a.jpg") is not None
    assert len(signed_paths) == 2


def _query(url: str | None) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url or "").query)
