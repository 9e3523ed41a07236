"""Everything that can be set, read from the environment; nothing else reads it."""

import os
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta, field
from msgspec.structs import FieldInfo, fields
from platformdirs import user_data_path

from imageferry.errors import FatalError, Reason
from imageferry.legacy_settings import Aliases
from imageferry.secret import Secret
from imageferry.url_types import BrokerUrl, HttpUrl, RedisUrl

_MIB = 1024 * 1024
# A broker that REDIS_URL, or REDIS_HOST and REDIS_PORT, name.
REDIS_BY_NAME = "redis://"
TOKEN_LENGTH_MIN = 16
_SIGNING_PREFIX = "whsec_"


class Token(Secret):
    """What callers of the gateway prove themselves by."""

    def __init__(self, text: str) -> None:
        if len(text) < TOKEN_LENGTH_MIN:
            raise ValueError(f"a token has at least {TOKEN_LENGTH_MIN} characters")
        if not re.fullmatch(r"[!-~]+", text):
            raise ValueError("a token has no blanks, and no letters that a header cannot carry")
        super().__init__(text)


class SigningSecret(Secret):
    """What webhooks are signed with, as Standard Webhooks writes it."""

    def __init__(self, text: str) -> None:
        try:
            key = b64decode(text.removeprefix(_SIGNING_PREFIX), validate=True)
        except ValueError:
            key = b""
        if not (text.startswith(_SIGNING_PREFIX) and len(key) in range(24, 65)):
            raise ValueError(f"it is {_SIGNING_PREFIX} and 24 to 64 random bytes in base64")
        super().__init__(text)


class Names(tuple[str, ...]):
    """Names, which a variable tells apart by commas."""

    __slots__ = ()

    def __new__(cls, names: str | Iterable[str] = ()) -> Self:
        """From a variable's value, or as they are."""
        apart = (name.strip() for name in names.split(",")) if isinstance(names, str) else names
        return super().__new__(cls, filter(None, apart))


class Settings(Aliases):
    """The settings of a process, each with its variable and meaning; the first of a group has the group's title."""

    home: Annotated[
        Path,
        Meta(description="Where imageferry keeps what it has no other place for (default: the platform's data folder)"),
    ] = field(default_factory=lambda: user_data_path("imageferry"), name="IMAGEFERRY_HOME")

    google_api_key: Annotated[
        Secret | None,
        Meta(
            title="The source: Google Drive",
            description=(
                'An API key, for folders shared as "Anyone with the link". Without any, the public pages are read.'
            ),
        ),
    ] = field(default=None, name="GOOGLE_API_KEY")
    google_application_credentials: Annotated[
        Path | None,
        Meta(
            description=(
                "A service account's JSON file, for private folders and shared drives; it goes before the key."
            ),
        ),
    ] = field(default=None, name="GOOGLE_APPLICATION_CREDENTIALS")
    google_drive_endpoint: HttpUrl = field(default=HttpUrl("https://www.googleapis.com"), name="GOOGLE_DRIVE_ENDPOINT")
    google_drive_web_endpoint: HttpUrl = field(
        default=HttpUrl("https://drive.google.com"), name="GOOGLE_DRIVE_WEB_ENDPOINT"
    )
    list_calls_s_max: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Hard limits, in calls a second; without them the rate adapts by itself."),
    ] = field(default=None, name="IMAGEFERRY_LIST_CALLS_PER_SECOND")
    download_calls_s_max: Annotated[float, Meta(gt=0)] | None = field(
        default=None, name="IMAGEFERRY_DOWNLOADS_PER_SECOND"
    )
    quota_url: Annotated[
        RedisUrl | None,
        Meta(
            description=(
                "The Redis through which all processes share these limits (default: CELERY_BROKER_URL, when it is"
                " a Redis)"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_QUOTA_URL")

    store_url: Annotated[
        str | None,
        Meta(
            title="The store",
            description=(
                "s3://bucket/prefix, az://container/prefix, gs://bucket/prefix, or a folder (default: store, in "
                "IMAGEFERRY_HOME)"
            ),
        ),
    ] = field(default=None, name="STORE_URL")
    aws_access_key_id: str | None = field(default=None, name="AWS_ACCESS_KEY_ID")
    aws_secret_access_key: Secret | None = field(default=None, name="AWS_SECRET_ACCESS_KEY")
    aws_session_token: Secret | None = field(default=None, name="AWS_SESSION_TOKEN")
    aws_region: Annotated[
        str | None,
        Meta(description="Where the bucket is (default: us-east-1)", extra={"also": ("AWS_DEFAULT_REGION",)}),
    ] = field(default=None, name="AWS_REGION")
    aws_endpoint_url: Annotated[
        HttpUrl | None,
        Meta(description="For MinIO, R2, Ceph and others that speak S3", extra={"also": ("AWS_ENDPOINT_URL",)}),
    ] = field(default=None, name="AWS_ENDPOINT_URL_S3")
    azure_storage_connection_string: Annotated[
        Secret | None, Meta(description="For az:// stores, as Azure's portal shows it")
    ] = field(default=None, name="AZURE_STORAGE_CONNECTION_STRING")
    google_service_account: Annotated[
        Path | None,
        Meta(
            description=(
                "For gs:// stores, a service account's JSON file (default: GOOGLE_APPLICATION_CREDENTIALS, else "
                "as the machine is set up)"
            ),
        ),
    ] = field(default=None, name="GOOGLE_SERVICE_ACCOUNT")
    storage_emulator_host: Annotated[
        HttpUrl | None,
        Meta(description="An emulator of Google Cloud Storage, as http://127.0.0.1:9023, instead of the real one"),
    ] = field(default=None, name="STORAGE_EMULATOR_HOST")

    database_url: Annotated[
        Secret | None,
        Meta(
            title="The catalog",
            description=(
                "sqlite:///path/catalog.db, postgresql://..., mysql://... (default: catalog.db, in IMAGEFERRY_HOME)"
            ),
        ),
    ] = field(default=None, name="DATABASE_URL")
    database_connections: Annotated[
        int, Meta(ge=1, le=256, description="Connections that a process holds at most; SQLite has its own rules")
    ] = field(default=8, name="IMAGEFERRY_DATABASE_CONNECTIONS")

    celery_broker_url: Annotated[
        BrokerUrl | None,
        Meta(
            title="The engine",
            description=(
                "amqp://user:password@host// for RabbitMQ, redis://host for Redis (default: none, everything in "
                "one process)"
            ),
        ),
    ] = field(default=None, name="CELERY_BROKER_URL")
    queue_prefix: Annotated[
        str,
        Meta(
            pattern=r"^[\w.-]{1,64}$",
            description="What the queues' names begin with: one for each installation that shares a broker",
        ),
    ] = field(default="imageferry", name="IMAGEFERRY_QUEUE_PREFIX")
    worker_processes: Annotated[
        int, Meta(ge=1, le=256, description="Child processes of a worker (default: one for each processor)")
    ] = field(default_factory=lambda: os.cpu_count() or 1, name="IMAGEFERRY_PROCESSES")

    window: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | None,
        Meta(
            description=(
                "Batches under way at once, of up to 100 files each, which all jobs share (default: 8 in one "
                "process, 16 over a broker)"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_WINDOW")
    lease_s: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description=(
                "Seconds without a sign of life after which work is given to another; the same for all processes"
            ),
        ),
    ] = field(default=60, name="IMAGEFERRY_LEASE")
    health_port: Annotated[
        int, Meta(ge=0, le=65535, description="Where a worker answers /health, /readyz and /metrics (0: nowhere)")
    ] = field(default=0, name="IMAGEFERRY_HEALTH_PORT")

    host: Annotated[str, Meta(title="The gateway")] = field(default="127.0.0.1", name="HOST")
    port: Annotated[int, Meta(ge=0, le=65535)] = field(default=8000, name="PORT")
    api_token: Annotated[
        Token | None,
        Meta(
            description=(
                "Asked of every caller, at least 16 characters (`openssl rand -hex 32` makes one). Without it, "
                "only this machine is served."
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_API_TOKEN")
    insecure: Annotated[
        bool, Meta(description="Serve the network without a token: for a proxy in front that knows its users")
    ] = field(default=False, name="IMAGEFERRY_INSECURE")
    allowed_hosts: Annotated[
        Names, Meta(description="Other names that the gateway is reached by, with commas; * is any")
    ] = field(default=Names(), name="IMAGEFERRY_ALLOWED_HOSTS")
    cors_origins: Annotated[
        Names, Meta(description="Origins that may call the interface from a browser, with commas")
    ] = field(default=Names(), name="CORS_ORIGINS")
    trusted_proxies: Annotated[
        Names,
        Meta(
            description=(
                "Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, with commas"
            ),
        ),
    ] = field(default=Names(), name="IMAGEFERRY_TRUSTED_PROXIES")
    thumbnail_processes: Annotated[int, Meta(ge=1, le=64, description="Processes that make thumbnails at once")] = (
        field(default=2, name="IMAGEFERRY_THUMBNAIL_PROCESSES")
    )
    root_path: Annotated[
        str, Meta(pattern=r"^(/[\w.~-]+)*$", description="The path at which a proxy shows the gateway, as /photos")
    ] = field(default="", name="IMAGEFERRY_ROOT_PATH")

    server_url: Annotated[
        HttpUrl | None,
        Meta(
            title="The commands",
            description=(
                "A gateway elsewhere, whose jobs `imageferry jobs`, `retry`, `cancel` and the like look at, with "
                "IMAGEFERRY_API_TOKEN"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_SERVER")

    webhook_secret: Annotated[
        SigningSecret | None,
        Meta(
            title="Webhooks",
            description="What messages are signed with (Standard Webhooks): echo whsec_$(openssl rand -base64 32)",
        ),
    ] = field(default=None, name="IMAGEFERRY_WEBHOOK_SECRET")
    webhook_private_hosts: Annotated[
        Names, Meta(description="Hosts in private networks that may be told, also by http://, with commas")
    ] = field(default=Names(), name="IMAGEFERRY_WEBHOOK_PRIVATE_HOSTS")

    concurrency: Annotated[int, Meta(ge=1, le=1024, title="The bounds of a process", description="Files at once")] = (
        field(default=32, name="IMAGEFERRY_CONCURRENCY")
    )
    memory_bytes_max: Annotated[int, Meta(ge=_MIB, description="Bytes of files in memory at once")] = field(
        default=48 * _MIB, name="IMAGEFERRY_TRANSFER_MEMORY"
    )
    movers: Annotated[
        int, Meta(ge=1, le=64, description="Processes without a broker that move bytes, and share these bounds")
    ] = field(default=1, name="IMAGEFERRY_MOVERS")
    patience_s: Annotated[
        float,
        Meta(ge=0, description="Seconds that `import` watches a job that waits for a store or source to come back"),
    ] = field(default=300, name="IMAGEFERRY_PATIENCE")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="debug, info, warning, error")
    ] = field(default="warning", name="IMAGEFERRY_LOG_LEVEL")
    log_format: Annotated[Literal["text", "json"], Meta(description="text, json")] = field(
        default="text", name="IMAGEFERRY_LOG_FORMAT"
    )
    otlp_endpoint: Annotated[
        str | None, Meta(description="A collector of traces, as http://host:4318; needs the extra imageferry[otel]")
    ] = field(default=None, name="OTEL_EXPORTER_OTLP_ENDPOINT")

    def __post_init__(self) -> None:
        super().__post_init__()
        # A Redis that is there for something else must not turn a process into one that waits for workers: it
        # carries the messages when a broker is asked for, and its place is not told with that.
        if self.celery_broker_url is not None and self.redis_location is not None:
            try:
                redis_url = RedisUrl(self.redis_location)
            except ValueError as exc:
                raise ValueError(f"REDIS_URL: {exc}") from exc
            if self.celery_broker_url.reveal() == REDIS_BY_NAME:
                self.celery_broker_url = BrokerUrl(redis_url.reveal())
        self.movers = min(self.movers, self.concurrency)  # each moves a file at least

    @classmethod
    def load(cls, **given: Any) -> Self:  # noqa: ANN401 - checked like a variable
        """The settings of the environment and of a `.env` file here; what is `given` goes first.

        Raises FatalError with a sentence that names each variable that has no usable value.
        """
        told, values, problems = _told(), {}, []
        for each in fields(cls):
            value = given.get(each.name)
            if value is None:
                value = next((told[name] for name in names(each) if told.get(name)), None)
            try:
                if value is not None:
                    values[each.name] = msgspec.convert(value, each.type, strict=False, dec_hook=_made)
            except msgspec.ValidationError as exc:
                problems.append(f"{each.encode_name}: {exc}")
        if not problems:
            try:
                return cls(**values)
            except ValueError as exc:
                problems.append(str(exc))
        raise FatalError(Reason.MISCONFIGURED, f"A setting has no usable value: {'; '.join(problems)}.")

    @property
    def catalog_url(self) -> str:
        """The database's URL; by default a SQLite file in `home`."""
        if self.database_url is not None:
            return self.database_url.reveal()
        return self.db_url or f"sqlite:///{self.home / 'catalog.db'}"

    @property
    def quota_location(self) -> str | None:
        """The URL of the Redis that counts the calls of all processes; by default the broker, when it is one."""
        if self.quota_url is not None:
            return self.quota_url.reveal()
        if self.celery_broker_url is None:
            return None
        broker_url = self.celery_broker_url.reveal()
        return broker_url if broker_url.startswith(("redis://", "rediss://")) else self.redis_location

    @property
    def store_location(self) -> str:
        """The store's URL; by default a folder in `home`."""
        return self.store_url or self.bucket_url or str(self.home / "store")


def forget_the_empty() -> None:
    """Take what is empty out of the environment: libraries read it too, and take nothing for a value."""
    for name in (name for each in fields(Settings) for name in names(each)):
        if os.environ.get(name) == "":
            del os.environ[name]


def names(setting: FieldInfo) -> tuple[str, ...]:
    """A setting's variables: what the first says goes before what another says. Its own name is none of them."""
    return (setting.encode_name, *(meaning(setting).extra or {}).get("also", ()))


def meaning(setting: FieldInfo) -> Meta:
    """What is said of a setting."""
    notes = (note for note in getattr(setting.type, "__metadata__", ()) if isinstance(note, Meta))
    return next(notes, Meta())


def _told() -> Mapping[str, str | None]:
    """What a `.env` file here says, and over it the environment."""
    told: dict[str, str | None] = {}
    if Path(".env").is_file():
        from dotenv import dotenv_values  # noqa: PLC0415 - most have no such file

        try:
            told |= dotenv_values(".env")
        except (OSError, UnicodeDecodeError) as exc:
            raise FatalError(Reason.MISCONFIGURED, f"The file .env in this folder cannot be read: {exc}.") from exc
    return told | {name: value for name, value in os.environ.items() if value}


def _made(kind: type, value: Any) -> Any:  # noqa: ANN401 - as msgspec has it
    """A value of one of the types that msgspec does not know; each is made from a variable's value."""
    return kind(value)
