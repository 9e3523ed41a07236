"""Store URLs as people write them."""

from pathlib import Path

import pytest

from imageferry.errors import FatalError, Reason
from imageferry.stores.urls import normal_url, object_url


@pytest.mark.parametrize(
    ("written", "kept"),
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
def test_a_store_has_one_spelling(written: str, kept: str) -> None:
    assert normal_url(written) == kept


def test_a_relative_path_is_a_folder_below_the_present_one() -> None:
    assert normal_url("pictures") == Path("pictures").resolve().as_uri()


@pytest.mark.parametrize(
    "written", ["ftp://host/x", "s3://", "s3://key:secret@bucket", "az://c/p?sig=secret", "http://x/y"]
)
def test_what_names_no_store_or_holds_a_secret_is_refused_in_a_sentence(written: str) -> None:
    with pytest.raises(FatalError) as refused:
        normal_url(written)
    assert refused.value.reason is Reason.MISCONFIGURED
    assert "secret" not in refused.value.message


def test_an_objects_url_is_the_stores_and_its_key() -> None:
    assert object_url("s3://bucket/p", "F/1_a.jpg") == "s3://bucket/p/F/1_a.jpg"
