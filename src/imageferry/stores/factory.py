"""From a URL to a store."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import unquote, urlsplit

from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store, from_url

from imageferry.errors import FatalError, Reason
from imageferry.stores.errors import translated
from imageferry.stores.options import AwsAccess, azure_options, google_options
from imageferry.stores.presigned_put import SignedPuts
from imageferry.stores.sigv4 import PutSignatures
from imageferry.stores.store import Store
from imageferry.stores.urls import normal_url


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Where the store is and how it is talked to."""

    url: str
    aws: AwsAccess = field(default_factory=AwsAccess)
    azure_connection_string: str | None = field(default=None, repr=False)
    google_service_account_file: Path | None = None
    google_emulator_host: str | None = None
    timeout_s: float = 120  # of one request, its body included
    connect_timeout_s: float = 10
    retries_max: int = 4  # of obstore; a signed put is one try more
    retry_timeout_s: float = 60

    @property
    def within_process(self) -> bool:
        """True: no other process sees what the store holds."""
        return self.url.startswith("memory:")


def open_store(config: StoreConfig) -> Store:
    """The store behind a URL; nothing is asked of it yet, but a folder is made.

    Raises FatalError when the URL or an option cannot be understood, BlockedError when a folder cannot be made.
    """
    url = normal_url(config.url)
    scheme = urlsplit(url).scheme
    if scheme == "memory":
        return Store(url, MemoryStore())
    if scheme == "file":
        folder = Path(unquote(urlsplit(url).path))
        with translated(url):
            folder.mkdir(parents=True, exist_ok=True)
            return Store(url, LocalStore(folder), folds_case=_folds_case(folder))
    # Google's service signs for an account without a key; there is none behind an emulator.
    signs = scheme != "gs" or config.google_emulator_host is None
    inner = _remote(url, config)
    return Store(url, inner, signs=signs, signed_puts=_signed_puts(inner, config))


def _remote(url: str, config: StoreConfig) -> ObjectStore:
    options = _options(url, config)
    try:
        return from_url(
            url,
            config=options,
            client_options={
                # An endpoint that is named as http:// is meant to be.
                "allow_http": any("http://" in value for value in options.values()),
                "timeout": timedelta(seconds=config.timeout_s),
                "connect_timeout": timedelta(seconds=config.connect_timeout_s),
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
    except Exception as exc:  # obstore raises many kinds here, all about what was configured
        message = f"The store {url} cannot be set up: {str(exc).partition(chr(10))[0]}"
        raise FatalError(Reason.MISCONFIGURED, message) from exc


def _signed_puts(inner: ObjectStore, config: StoreConfig) -> SignedPuts | None:
    # Only with keys that are given: those of a machine's role are asked for over the network, and that would block.
    if not (isinstance(inner, S3Store) and config.aws.access_key_id and config.aws.secret_access_key):
        return None
    signatures = PutSignatures(inner, secret_access_key=config.aws.secret_access_key)
    return SignedPuts(signatures, timeout_s=config.timeout_s, connect_timeout_s=config.connect_timeout_s)


def _options(url: str, config: StoreConfig) -> Any:  # noqa: ANN401 - obstore has a type of its own for each kind
    match urlsplit(url).scheme:
        case "s3":
            return config.aws.options()
        case "az":
            return azure_options(config.azure_connection_string)
        case "gs":
            return google_options(
                service_account_file=config.google_service_account_file, emulator_host=config.google_emulator_host
            )
        case _:
            return {}


def _folds_case(folder: Path) -> bool:
    """Whether names that differ in case alone are one in a folder: its own is one where it lies, on the same disk."""
    folded = folder.with_name(folder.name.encode().swapcase().decode())
    if folded.name != folder.name and not folder.is_mount():
        return folded.exists() and folded.samefile(folder)
    # Only then something is written: a process that is killed in this moment would leave it.
    with NamedTemporaryFile(dir=folder, prefix=".imageferry-case-") as probe:
        return Path(probe.name.replace("imageferry-case", "IMAGEFERRY-CASE")).exists()
