"""URLs that permit a put: as obstore would sign them."""

import time
from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import obstore
import pytest
from obstore.store import S3Store, from_url

from imageferry.stores.sigv4 import ANEW_AFTER_S, VALID_S, PutSignatures

KEYS = ["a/b.jpg", "a b/c+d.jpg", "é/~_-.!*'()@:&=,;$#%?.jpg", "名/\N{GRINNING FACE}.jpg"]
STORES = [
    {"aws_endpoint_url": "http://127.0.0.1:9000"},
    {"aws_session_token": "to/k+en="},
    {"aws_virtual_hosted_style_request": "true"},
]
KNOWN = {"aws_access_key_id": "access", "aws_secret_access_key": "secret", "aws_region": "eu-central-1"}


def opened(url: str = "s3://photos", **options: str) -> S3Store:
    store = from_url(url, config={**KNOWN, **options}, client_options={"allow_http": True})  # type: ignore[call-overload]
    assert isinstance(store, S3Store)
    return store


@pytest.mark.parametrize("options", STORES, ids=["endpoint", "session", "virtual_host"])
@pytest.mark.parametrize("url", ["s3://photos", "s3://photos/holiday/sea side"])
def test_a_put_is_signed_as_obstore_signs_it(options: dict[str, str], url: str) -> None:
    store = opened(url, **options)
    for key in KEYS:
        while True:  # until both were signed in one second
            ours = PutSignatures(store, secret_access_key="secret").url(key)
            theirs = obstore.sign(store, "PUT", key, timedelta(seconds=VALID_S))
            assert ours is not None
            if _query(ours)["X-Amz-Date"] == _query(theirs)["X-Amz-Date"]:
                break
        assert _query(ours) == _query(theirs)
        assert urlsplit(ours)[:3] == urlsplit(theirs)[:3]


def test_a_secret_that_is_not_the_stores_signs_nothing() -> None:
    assert PutSignatures(opened(), secret_access_key="another").url("a.jpg") is None


def test_the_time_in_a_url_is_told_anew_long_before_it_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ANEW_AFTER_S < VALID_S / 2
    asked: list[str] = []
    sign = obstore.sign

    def signed(store: S3Store, method: Literal["PUT"], path: str, lasts: timedelta) -> str:
        asked.append(path)
        return sign(store, method, path, lasts)

    monkeypatch.setattr(obstore, "sign", signed)
    ours = PutSignatures(opened(), secret_access_key="secret")
    assert ours.url("a.jpg") == ours.url("a.jpg")
    assert len(asked) == 1
    later_s = time.monotonic() + ANEW_AFTER_S + 1
    monkeypatch.setattr(time, "monotonic", lambda: later_s)
    assert ours.url("a.jpg") is not None
    assert len(asked) == 2


def _query(url: str | None) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url or "").query)
