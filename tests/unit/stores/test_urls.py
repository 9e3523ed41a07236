"""Normalisation of store URLs."""

from pathlib import Path

import pytest

from imageferry.errors import FatalError, Reason
from imageferry.stores.urls import local_folder, normal_url, object_url


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ("s3a://bucket/a", "s3://bucket/a"),
        ("azure://container/x", "az://container/x"),
        ("gs://bucket", "gs://bucket"),
        ("s3://Old_Bucket/Holiday/2024", "s3://Old_Bucket/Holiday/2024"),
        ("S3://bucket//a///b//", "s3://bucket/a/b"),
        ("az://$web/a", "az://$web/a"),
        ("gs://photos.example.com/a b/ä+@=&~*/x", "gs://photos.example.com/a b/ä+@=&~*/x"),
        ("file:///srv/a%20b/", "file:///srv/a%20b"),
        ("file://localhost/srv/a", "file:///srv/a"),
        ("file:///srv/a%23b%3F%25%C3%A9%FF", "file:///srv/a%23b%3F%25%C3%A9%FF"),
        ("/srv/a b", "file:///srv/a%20b"),
        ("/srv/a#b?c%20d:é", "file:///srv/a%23b%3Fc%2520d%3A%C3%A9"),
        ("memory://", "memory://"),
    ],
)
def test_every_spelling_has_one_normal_form(written: str, normal: str) -> None:
    assert normal_url(written) == normal


def test_a_relative_path_is_resolved_against_the_working_directory() -> None:
    assert normal_url("pictures") == Path("pictures").resolve().as_uri()


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("ftp://host/x", "not a valid storage URL"),
        ("http://x/y", "not a valid storage URL"),
        ("https://bucket.s3.amazonaws.com/x", "not a valid storage URL"),
        ("s3://key:secret@bucket", "not a valid storage URL.*in their own variables"),
        ("abfss://container@account.dfs.core.windows.net/x", "not a valid storage URL"),
        ("memory://x", "not a valid storage URL"),
        ("s3:bucket/x", "not a valid storage URL"),
        ("s3:/bucket/x", "not a valid storage URL"),
        (" s3://bucket", "not a valid storage URL"),
        ("", "not a valid storage URL"),
        ("s3://", "no valid bucket"),
        ("s3:///x", "no valid bucket"),
        ("s3://my bucket", "no valid bucket"),
        ("s3://bücket", "no valid bucket"),
        ("s3://bucket:9000/x", "no valid bucket"),
        ("az://c/p?sig=secret", "# [?]"),
        ("s3://bucket#2024/secret", "# [?]"),
        ("s3://bucket/a#b", "# [?]"),
        ("s3://bucket/a%20b", "# [?] %"),
        ("s3://bucket/a\\b", "# [?] %"),
        ("s3://bucket/a\nb", "invisible"),
        ("s3://bucket/\ud800", "invisible"),
        ("s3://bucket/../other", r"[.][.] as a folder"),
        ("gs://bucket/./a", r"[.] as a folder"),
        ("file://srv/photos", "three slashes"),
        ("file://~/photos", "three slashes"),
        ("file:///srv/a#b", "%23"),
        ("file:///srv/a?b", "%3F"),
        ("file:///srv/a%00b", "path of a folder"),
        ("~nobody-has-this-name/photos", "path of a folder"),
    ],
)
def test_what_is_not_clearly_a_store_is_refused_without_quoting_it(written: str, problem: str) -> None:
    with pytest.raises(FatalError, match=problem) as refused:
        normal_url(written)
    assert refused.value.reason is Reason.MISCONFIGURED
    assert "secret" not in refused.value.message
    assert "Use s3://bucket/prefix" in refused.value.message


@pytest.mark.parametrize("name", ["a b", "a#b?c%20d", "é\udcff"])
def test_a_folder_of_any_name_comes_back_from_its_url(name: str) -> None:
    assert local_folder(normal_url(f"/srv/{name}")) == Path(f"/srv/{name}")


def test_an_objects_url_is_the_stores_url_and_its_key() -> None:
    assert object_url("s3://bucket/p", "F/1_a.jpg") == "s3://bucket/p/F/1_a.jpg"
