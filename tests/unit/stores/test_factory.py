"""Opening a store in a local folder: detection of case-insensitive disks."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from imageferry.errors import FatalError, Reason
from imageferry.stores.factory import StoreConfig, folds_case, open_store
from imageferry.stores.s3_options import AddressingStyle, AwsAccess


def opened_folds_case(folder: Path) -> bool:
    return open_store(StoreConfig(url=str(folder))).folds_case


def test_the_check_of_a_disk_writes_nothing(tmp_path: Path) -> None:
    def create_probe(**_: object) -> AbstractContextManager[None]:
        raise AssertionError("A process that is killed now would leave the probe file behind.")

    (tmp_path / "store").mkdir()
    assert not folds_case(tmp_path / "store", create_probe=create_probe)


def test_another_folder_whose_name_differs_only_in_case_is_not_mistaken_for_it(tmp_path: Path) -> None:
    (tmp_path / "STORE").mkdir()
    assert not opened_folds_case(tmp_path / "store")


def test_a_case_insensitive_disk_finds_the_folder_by_its_name_in_the_other_case(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "STORE").symlink_to("store")  # behaves as on such a disk
    assert opened_folds_case(tmp_path / "store")


@pytest.mark.parametrize("name", ["2026", "Österreich", "写真"])
def test_a_folder_with_any_name_can_be_checked(tmp_path: Path, name: str) -> None:
    assert not opened_folds_case(tmp_path / name)
    assert list((tmp_path / name).iterdir()) == []


def test_at_a_mount_point_a_probe_file_is_created_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    (tmp_path / "STORE").symlink_to("store")  # shows how the parent's disk behaves, not the mounted one
    assert not opened_folds_case(tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


@pytest.mark.parametrize("name", ["a#b?c", "100%25", "é\udcff"])
def test_a_folder_is_opened_under_the_name_that_was_typed(tmp_path: Path, name: str) -> None:
    open_store(StoreConfig(url=f"{tmp_path}/{name}"))
    assert [path.name for path in tmp_path.iterdir()] == [name]


async def test_a_bucket_and_a_prefix_keep_the_letters_that_were_typed() -> None:
    access = AwsAccess(access_key_id="key", secret_access_key="secret")
    store = open_store(StoreConfig(url="s3://Old_Bucket/A b+/C", aws=access))
    assert "/Old_Bucket/A%20b%2B/C/x.jpg?" in str(await store.signed_url("x.jpg", valid_s=60))


@pytest.mark.parametrize(
    ("endpoint", "style", "url"),
    [
        (None, "path", "https://s3.eu-central-1.amazonaws.com/photos/a.jpg"),
        (None, "virtual", "https://photos.s3.eu-central-1.amazonaws.com/a.jpg"),
        ("https://minio.example:9000/", "path", "https://minio.example:9000/photos/a.jpg"),
        ("https://minio.example:9000/", "virtual", "https://photos.minio.example:9000/a.jpg"),
        ("https://proxy.example/s3/", "path", "https://proxy.example/s3/photos/a.jpg"),
        ("https://photos.fra1.digitaloceanspaces.com", "path", "https://photos.fra1.digitaloceanspaces.com/a.jpg"),
        ("https://photos.fra1.digitaloceanspaces.com", "virtual", "https://photos.fra1.digitaloceanspaces.com/a.jpg"),
        ("http://127.0.0.1:9000", "path", "http://127.0.0.1:9000/photos/a.jpg"),
    ],
)
async def test_the_bucket_is_in_the_path_or_in_the_host_name(
    endpoint: str | None, style: AddressingStyle, url: str
) -> None:
    access = AwsAccess(
        access_key_id="key",
        secret_access_key="secret",
        region="eu-central-1",
        endpoint_url=endpoint,
        addressing_style=style,
    )
    signed = await open_store(StoreConfig(url="s3://photos", aws=access)).signed_url("a.jpg", valid_s=60)
    assert str(signed).partition("?")[0] == url


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "[::1]:9000"])
def test_a_bucket_cannot_be_put_before_an_address(host: str) -> None:
    access = AwsAccess(
        access_key_id="key", secret_access_key="secret", endpoint_url=f"http://{host}", addressing_style="virtual"
    )
    with pytest.raises(FatalError, match="AWS_S3_ADDRESSING_STYLE=path") as refused:
        open_store(StoreConfig(url="s3://photos", aws=access))
    assert refused.value.reason is Reason.MISCONFIGURED


@pytest.mark.parametrize("access", [AwsAccess(access_key_id="hidden"), AwsAccess(secret_access_key="hidden")])
def test_half_a_key_is_refused_by_the_name_of_the_other_half(access: AwsAccess) -> None:
    with pytest.raises(FatalError, match=r"AWS_\w+ is set, but AWS_\w+ is not") as refused:
        open_store(StoreConfig(url="s3://photos", aws=access))
    assert "hidden" not in refused.value.message
