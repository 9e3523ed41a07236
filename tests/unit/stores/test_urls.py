"""Normalisation of store URLs."""

from pathlib import Path

import pytest

from imageferry.errors import FatalError, Reason
from imageferry.stores.urls import normal_url, object_url


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ("s3a://bucket/a", "s3://bucket/a"),
        ("azure://container/x", "az://container/x"),
        ("gs://bucket", "gs://bucket"),
        ("file:///srv/a%20b/", "file:///srv/a%20b"),
        ("/srv/a b", "file:///srv/a%20b"),
        ("memory://", "memory://"),
    ],
)
def test_every_spelling_has_one_normal_form(written: str, normal: str) -> None:
    assert normal_url(written) == normal


def test_a_relative_path_is_resolved_against_the_working_directory() -> None:
    assert normal_url("pictures") == Path("pictures").resolve().as_uri()


@pytest.mark.parametrize(
    "written", ["ftp://host/x", "s3://", "s3://key:secret@bucket", "az://c/p?sig=secret", "http://x/y"]
)
def test_an_unknown_scheme_or_a_secret_in_the_url_is_rejected(written: str) -> None:
    with pytest.raises(FatalError) as refused:
        normal_url(written)
    assert refused.value.reason is Reason.MISCONFIGURED
    assert "secret" not in refused.value.message


def test_an_objects_url_is_the_stores_url_and_its_key() -> None:
    assert object_url("s3://bucket/p", "F/1_a.jpg") == "s3://bucket/p/F/1_a.jpg"
