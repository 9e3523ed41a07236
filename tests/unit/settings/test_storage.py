"""Settings of the storage that do not go together are refused by their names."""

from pathlib import Path

import pytest

from imageferry.bootstrap.external_services import ExternalConfig
from imageferry.bootstrap.limits import Limits
from imageferry.errors import FatalError
from imageferry.settings import Settings


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("AWS_SERVER_SIDE_ENCRYPTION=AES", "expected AES256, aws:kms or aws:kms:dsse"),
        ("AWS_SSE_KMS_KEY_ID=k", "AWS_SSE_KMS_KEY_ID needs"),
        ("AWS_SSE_KMS_KEY_ID=k\nAWS_SERVER_SIDE_ENCRYPTION=AES256", "AWS_SSE_KMS_KEY_ID needs"),
        ("AWS_SSE_BUCKET_KEY_ENABLED=true", "AWS_SSE_BUCKET_KEY_ENABLED needs"),
        ("AWS_SSE_BUCKET_KEY_ENABLED=maybe", "expected true or false"),
        ("AWS_CHECKSUM_ALGORITHM=MD5", "expected CRC64NVME or SHA256"),
        ("AWS_DEFAULT_ACL=everyone", "bucket-owner-full-control"),
        ("AWS_S3_ADDRESSING_STYLE=host", "expected path or virtual"),
        ("IMAGEFERRY_STORAGE_CLASS=a b", "a storage class such as"),
    ],
)
def test_what_no_store_can_do_is_refused(tmp_path: Path, lines: str, problem: str) -> None:
    (tmp_path / ".env").write_text(lines)
    with pytest.raises(FatalError, match=problem):
        Settings.load()


def test_an_env_file_says_how_objects_are_written(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "AWS_SERVER_SIDE_ENCRYPTION=aws:kms\nAWS_SSE_KMS_KEY_ID=k\nAWS_SSE_BUCKET_KEY_ENABLED=true\n"
        "AWS_CHECKSUM_ALGORITHM=SHA256\nAWS_DEFAULT_ACL=private\nIMAGEFERRY_STORAGE_CLASS=STANDARD_IA\n"
        "AWS_S3_ADDRESSING_STYLE=virtual\nSTORE_URL=gs://a\n"
    )
    settings = Settings.load()
    store = ExternalConfig.from_settings(settings, Limits.from_settings(settings)).store
    objects = store.s3_objects
    assert (objects.encryption, objects.kms_key_id, objects.bucket_key) == ("aws:kms", "k", True)
    assert (objects.checksum_algorithm, objects.acl, objects.etag_is_md5) == ("SHA256", "private", False)
    assert (store.storage_class, store.aws.addressing_style) == ("STANDARD_IA", "virtual")
