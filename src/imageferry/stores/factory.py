"""Opening the store behind a URL."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import MappingProxyType
from typing import Any

from obstore.store import AzureStore, GCSStore, LocalStore, MemoryStore, ObjectStore, S3Store

from imageferry.errors import FatalError, Reason
from imageferry.stores.azure_options import AzureAccess, AzureCredential
from imageferry.stores.errors import translate_errors
from imageferry.stores.google_options import google_options
from imageferry.stores.presigned_put import PresignedPuts
from imageferry.stores.s3_options import AwsAccess, S3ObjectOptions
from imageferry.stores.sigv4 import PutUrlSigner
from imageferry.stores.store import Store
from imageferry.stores.urls import bucket_and_prefix, local_folder, normal_url


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """The store's URL, credentials, timeouts and retries."""

    url: str
    storage_class: str | None = None  # of the objects that are written; None: the bucket's default
    aws: AwsAccess = field(default_factory=AwsAccess)
    s3_objects: S3ObjectOptions = field(default_factory=S3ObjectOptions)
    azure: AzureAccess = field(default_factory=AzureAccess)
    google_service_account_file: Path | None = None
    google_emulator_host: str | None = None
    timeout_s: float = 120  # of one request, its body included
    connect_timeout_s: float = 10
    retries_max: int = 4  # of obstore; a presigned put is one more try
    retry_timeout_s: float = 60

    @property
    def is_in_process(self) -> bool:
        """True when only this process can see the objects."""
        return self.url.startswith("memory:")


def open_store(config: StoreConfig) -> Store:
    """Return the store behind a URL. A local folder is created; a remote store is not contacted.

    Raises FatalError when the URL or an option is invalid, BlockedError when a folder cannot be created.

        store = open_store(StoreConfig(url="s3://photos", aws=AwsAccess(region="eu-central-1")))
        await store.check()
    """
    url = normal_url(config.url)
    scheme = url.partition(":")[0]
    if scheme == "memory":
        return Store(url, MemoryStore())
    if scheme == "file":
        folder = local_folder(url)
        with translate_errors(url):
            folder.mkdir(parents=True, exist_ok=True)
            return Store(url, LocalStore(folder), folds_case=folds_case(folder))
    open_remote = {"s3": _open_s3, "az": _open_azure, "gs": _open_google}[scheme]
    return open_remote(url, config)


def _open_s3(url: str, config: StoreConfig) -> Store:
    access, objects = config.aws, config.s3_objects
    credentials = None
    if not access.has_keys:
        from imageferry.stores.aws_credentials import AwsCredentials  # noqa: PLC0415 - botocore is long to import

        credentials = AwsCredentials(profile=access.profile)
        access = replace(
            access,
            region=access.region or credentials.region,
            endpoint_url=access.endpoint_url or credentials.endpoint_url,
        )
    options = access.options(bucket_and_prefix(url)[0]) | objects.options()
    connect = partial(_connect, S3Store, url, config, credential_provider=credentials)
    inner = connect(options)
    return Store(
        url,
        inner,
        writer=connect(options, headers=objects.acl_header()) if objects.acl else inner,
        bulk_deleter=connect(options | {"aws_disable_bulk_delete": "false"}),
        presigned_puts=_presigned_puts(inner, config, secret_key_of=(credentials or access).secret_key_of),
        etag_is_md5=objects.etag_is_md5,
        storage_class=config.storage_class,
        credentials=lambda: "AWS_ACCESS_KEY_ID" if credentials is None else credentials.source,
    )


def _open_azure(url: str, config: StoreConfig) -> Store:
    access = config.azure.resolved()
    inner = _connect(AzureStore, url, config, access.options())
    # Who has only a signature can sign nothing else.
    can_sign_urls = access.credential is not AzureCredential.SAS
    return Store(
        url,
        inner,
        can_sign_urls=can_sign_urls,
        storage_class=config.storage_class,
        credentials=lambda: access.credential.description,
    )


def _open_google(url: str, config: StoreConfig) -> Store:
    emulator_host = config.google_emulator_host
    options = google_options(
        service_account_file=config.google_service_account_file, emulator_host=config.google_emulator_host
    )
    # Google's signing service signs for accounts without a key; an emulator has no such service.
    can_sign_urls = emulator_host is None
    inner = _connect(GCSStore, url, config, options)
    return Store(url, inner, can_sign_urls=can_sign_urls, storage_class=config.storage_class)


def _connect(
    store_type: Callable[..., ObjectStore],
    url: str,
    config: StoreConfig,
    options: Mapping[str, str],
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    credential_provider: Callable[[], Any] | None = None,
) -> ObjectStore:
    """Return obstore's store, which has sent nothing yet. `headers` are sent with every request, signed."""
    bucket, prefix = bucket_and_prefix(url)
    try:
        # Not `from_url`: a URL parser has its own idea of a bucket's letters and of percent signs.
        return store_type(
            bucket,
            prefix=prefix,
            config=dict(options),
            **({} if credential_provider is None else {"credential_provider": credential_provider}),
            client_options={
                # An endpoint configured as http:// is intended to be unencrypted.
                "allow_http": any("http://" in value for value in options.values()),
                "timeout": timedelta(seconds=config.timeout_s),
                "connect_timeout": timedelta(seconds=config.connect_timeout_s),
                "default_headers": dict(headers),
            },
            retry_config={
                "max_retries": config.retries_max,
                "retry_timeout": timedelta(seconds=config.retry_timeout_s),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=200),
                    "max_backoff": timedelta(seconds=10),
                    "base": 2,
                },
            },
        )
    except Exception as exc:  # obstore raises many types here, all caused by the configuration
        message = f"The storage at {url} can't be opened. Check its settings: {str(exc).partition(chr(10))[0]}"
        raise FatalError(Reason.MISCONFIGURED, message) from exc


def _presigned_puts(
    inner: ObjectStore, config: StoreConfig, *, secret_key_of: Callable[[str], str | None]
) -> PresignedPuts | None:
    objects = config.s3_objects
    if not isinstance(inner, S3Store) or objects.checksum_algorithm == "CRC64NVME":  # which only obstore computes
        return None
    storage_class = {} if config.storage_class is None else {"x-amz-storage-class": config.storage_class}
    return PresignedPuts(
        PutUrlSigner(inner, secret_key_of=secret_key_of),
        headers=objects.headers() | storage_class,
        sends_sha256=objects.checksum_algorithm == "SHA256",
        timeout_s=config.timeout_s,
        connect_timeout_s=config.connect_timeout_s,
    )


def folds_case(folder: Path, *, create_probe: Callable[..., AbstractContextManager[Any]] = NamedTemporaryFile) -> bool:
    """Return True when names that differ only in case are the same file in an existing folder.

    Checks whether the folder itself can be reached by its name in the other case, which writes nothing. Where that
    is not possible, creates a probe file with `create_probe`.
    """
    folded = folder.with_name(os.fsdecode(os.fsencode(folder.name).swapcase()))
    if folded.name != folder.name and not folder.is_mount():
        return folded.exists() and folded.samefile(folder)
    # A probe file is the last resort: a process killed here would leave it behind.
    with create_probe(dir=folder, prefix=".imageferry-case-") as probe:
        return Path(probe.name.replace("imageferry-case", "IMAGEFERRY-CASE")).exists()
