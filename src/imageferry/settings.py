"""All settings, read from the environment and a `.env` file. No other module reads product settings."""

import os
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta, field
from msgspec.structs import FieldInfo, fields
from platformdirs import user_data_path

from imageferry.errors import FatalError, Reason
from imageferry.legacy_settings import LegacySettings
from imageferry.secret import Secret
from imageferry.url_types import BrokerUrl, HttpUrl, RedisUrl

if TYPE_CHECKING:
    from msgspec import inspect

_MIB = 1024 * 1024
# As CELERY_BROKER_URL: use the Redis that REDIS_URL, or REDIS_HOST and REDIS_PORT, name.
LEGACY_REDIS_BROKER = "redis://"
TOKEN_LENGTH_MIN = 16
_STANDARD_WEBHOOKS_PREFIX = "whsec_"


class ApiToken(Secret):
    """Access token of the gateway: printable ASCII without spaces, at least TOKEN_LENGTH_MIN characters."""

    def __init__(self, text: str) -> None:
        if len(text) < TOKEN_LENGTH_MIN:
            raise ValueError(f"use at least {TOKEN_LENGTH_MIN} characters")
        if not re.fullmatch(r"[!-~]+", text):
            raise ValueError("use printable ASCII characters without spaces")
        super().__init__(text)


class WebhookSecret(Secret):
    """Signing secret of webhooks in the format of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64."""

    def __init__(self, text: str) -> None:
        try:
            key = b64decode(text.removeprefix(_STANDARD_WEBHOOKS_PREFIX), validate=True)
        except ValueError:
            key = b""
        if not (text.startswith(_STANDARD_WEBHOOKS_PREFIX) and len(key) in range(24, 65)):
            raise ValueError(f"write {_STANDARD_WEBHOOKS_PREFIX} followed by 24 to 64 random bytes in base64")
        super().__init__(text)


class CommaSeparated(tuple[str, ...]):
    """A list of names, written in a variable with commas between them."""

    __slots__ = ()

    def __new__(cls, names: str | Iterable[str] = ()) -> Self:
        """Split a string at its commas, or take an iterable as it is; drop empty names."""
        separate = (name.strip() for name in names.split(",")) if isinstance(names, str) else names
        return super().__new__(cls, filter(None, separate))


class Settings(LegacySettings):
    """The settings of a process. Each field names its variable and describes it; the first of a group has its title."""

    home: Annotated[
        Path,
        Meta(description="Folder for the default catalog and store (default: the platform's user data folder)"),
    ] = field(default_factory=lambda: user_data_path("imageferry"), name="IMAGEFERRY_HOME")

    google_api_key: Annotated[
        Secret | None,
        Meta(
            title="The source: Google Drive",
            description=(
                'API key, for folders shared as "Anyone with the link". Without credentials, Drive\'s public web pages'
                " are read, which is slow and gives no checksums"
            ),
        ),
    ] = field(default=None, name="GOOGLE_API_KEY")
    google_application_credentials: Annotated[
        Path | None,
        Meta(
            description=(
                "JSON key file of a service account, for private folders and shared drives; takes precedence over "
                "the API key"
            ),
        ),
    ] = field(default=None, name="GOOGLE_APPLICATION_CREDENTIALS")
    google_drive_endpoint: HttpUrl = field(default=HttpUrl("https://www.googleapis.com"), name="GOOGLE_DRIVE_ENDPOINT")
    google_drive_web_endpoint: HttpUrl = field(
        default=HttpUrl("https://drive.google.com"), name="GOOGLE_DRIVE_WEB_ENDPOINT"
    )
    list_calls_per_s_max: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Hard limits, in calls per second (default: none; the rate adapts to the source's limit)"),
    ] = field(default=None, name="IMAGEFERRY_LIST_CALLS_PER_SECOND")
    downloads_per_s_max: Annotated[float, Meta(gt=0)] | None = field(
        default=None, name="IMAGEFERRY_DOWNLOADS_PER_SECOND"
    )
    quota_url: Annotated[
        RedisUrl | None,
        Meta(
            description=(
                "Redis through which all processes share the hard limits (default: CELERY_BROKER_URL, if that is a"
                " Redis)"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_QUOTA_URL")

    store_url: Annotated[
        str | None,
        Meta(
            title="Storage",
            description=(
                "s3://bucket/prefix, az://container/prefix, gs://bucket/prefix, or a local folder (default: `store` in "
                "IMAGEFERRY_HOME)"
            ),
        ),
    ] = field(default=None, name="STORE_URL")
    aws_access_key_id: str | None = field(default=None, name="AWS_ACCESS_KEY_ID")
    aws_secret_access_key: Secret | None = field(default=None, name="AWS_SECRET_ACCESS_KEY")
    aws_session_token: Secret | None = field(default=None, name="AWS_SESSION_TOKEN")
    aws_region: Annotated[
        str | None,
        Meta(description="Region of the bucket (default: us-east-1)", extra={"also": ("AWS_DEFAULT_REGION",)}),
    ] = field(default=None, name="AWS_REGION")
    aws_endpoint_url: Annotated[
        HttpUrl | None,
        Meta(
            description="Endpoint of a service compatible with S3, such as MinIO, R2 or Ceph",
            extra={"also": ("AWS_ENDPOINT_URL",)},
        ),
    ] = field(default=None, name="AWS_ENDPOINT_URL_S3")
    azure_storage_connection_string: Annotated[
        Secret | None, Meta(description="For az:// URLs: the connection string that Azure's portal shows")
    ] = field(default=None, name="AZURE_STORAGE_CONNECTION_STRING")
    google_service_account: Annotated[
        Path | None,
        Meta(
            description=(
                "For gs:// URLs: JSON key file of a service account (default: GOOGLE_APPLICATION_CREDENTIALS, then the "
                "credentials of the machine)"
            ),
        ),
    ] = field(default=None, name="GOOGLE_SERVICE_ACCOUNT")
    storage_emulator_host: Annotated[
        HttpUrl | None,
        Meta(description="URL of an emulator of Google Cloud Storage, for example http://127.0.0.1:9023"),
    ] = field(default=None, name="STORAGE_EMULATOR_HOST")

    database_url: Annotated[
        Secret | None,
        Meta(
            title="Catalog",
            description=(
                "sqlite:///path/catalog.db, postgresql://..., mysql://... (default: `catalog.db` in IMAGEFERRY_HOME)"
            ),
        ),
    ] = field(default=None, name="DATABASE_URL")
    database_connections: Annotated[
        int, Meta(ge=1, le=256, description="Maximum database connections of one process; not used for SQLite")
    ] = field(default=8, name="IMAGEFERRY_DATABASE_CONNECTIONS")

    celery_broker_url: Annotated[
        BrokerUrl | None,
        Meta(
            title="Workers",
            description=(
                "Broker: amqp://user:password@host// for RabbitMQ, redis://host for Redis (default: none; everything "
                "runs in one process)"
            ),
        ),
    ] = field(default=None, name="CELERY_BROKER_URL")
    queue_prefix: Annotated[
        str,
        Meta(
            pattern=r"^[\w.-]{1,64}$",
            extra={"expected": "1 to 64 letters, digits, `.`, `-` or `_`"},
            description="Prefix of the queue names; give each installation that shares a broker its own",
        ),
    ] = field(default="imageferry", name="IMAGEFERRY_QUEUE_PREFIX")
    worker_processes: Annotated[
        int, Meta(ge=1, le=256, description="Child processes of a worker (default: one per processor)")
    ] = field(default_factory=lambda: os.cpu_count() or 1, name="IMAGEFERRY_WORKER_PROCESSES")

    batches_in_flight: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | None,
        Meta(
            description=(
                "Maximum batches in flight, shared by all jobs; a batch has up to 100 files (default: 8 in one "
                "process, 16 with a broker)"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_BATCHES_IN_FLIGHT")
    lease_s: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description=(
                "Seconds without a heartbeat after which work is given to another worker; must be the same everywhere"
            ),
        ),
    ] = field(default=60, name="IMAGEFERRY_LEASE_SECONDS")
    health_port: Annotated[
        int, Meta(ge=0, le=65535, description="Port on which a worker serves /health, /readyz and /metrics (0: none)")
    ] = field(default=0, name="IMAGEFERRY_HEALTH_PORT")

    host: Annotated[str, Meta(title="Gateway", description="Address and port to listen on")] = field(
        default="127.0.0.1", name="HOST"
    )
    port: Annotated[int, Meta(ge=0, le=65535)] = field(default=8000, name="PORT")
    api_token: Annotated[
        ApiToken | None,
        Meta(
            description=(
                "Access token that every client must send, at least 16 characters (generate one: openssl rand -hex "
                "32). Without a token, only this machine is served."
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_API_TOKEN")
    insecure: Annotated[
        bool, Meta(description="Serve other machines without a token; only behind a proxy that authenticates its users")
    ] = field(default=False, name="IMAGEFERRY_INSECURE")
    allowed_hosts: Annotated[
        CommaSeparated, Meta(description="Further host names of the gateway, separated by commas; * allows any")
    ] = field(default=CommaSeparated(), name="IMAGEFERRY_ALLOWED_HOSTS")
    cors_origins: Annotated[
        CommaSeparated, Meta(description="Origins that may call the API from a browser, separated by commas")
    ] = field(default=CommaSeparated(), name="CORS_ORIGINS")
    trusted_proxies: Annotated[
        CommaSeparated,
        Meta(
            description=(
                "Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto headers are trusted, "
                "separated by commas"
            ),
        ),
    ] = field(default=CommaSeparated(), name="IMAGEFERRY_TRUSTED_PROXIES")
    thumbnail_processes: Annotated[int, Meta(ge=1, le=64, description="Maximum processes that render thumbnails")] = (
        field(default=2, name="IMAGEFERRY_THUMBNAIL_PROCESSES")
    )
    root_path: Annotated[
        str,
        Meta(
            pattern=r"^(/[\w.~-]+)*$",
            extra={"expected": "a path such as /photos, without / at its end"},
            description="Path under which a proxy serves the gateway, for example /photos",
        ),
    ] = field(default="", name="IMAGEFERRY_ROOT_PATH")

    server_url: Annotated[
        HttpUrl | None,
        Meta(
            title="Commands",
            description=(
                "URL of a remote gateway. `imageferry jobs`, `retry`, `cancel`, `images` and the like then use it, "
                "with IMAGEFERRY_API_TOKEN"
            ),
        ),
    ] = field(default=None, name="IMAGEFERRY_SERVER")

    webhook_secret: Annotated[
        WebhookSecret | None,
        Meta(
            title="Webhooks",
            description="Signing secret (Standard Webhooks); generate one: echo whsec_$(openssl rand -base64 32)",
        ),
    ] = field(default=None, name="IMAGEFERRY_WEBHOOK_SECRET")
    webhook_private_hosts: Annotated[
        CommaSeparated,
        Meta(description="Hosts in private networks that may be notified, also over http://, separated by commas"),
    ] = field(default=CommaSeparated(), name="IMAGEFERRY_WEBHOOK_PRIVATE_HOSTS")

    concurrency: Annotated[
        int, Meta(ge=1, le=1024, title="Limits of one process", description="Files that are transferred at once")
    ] = field(default=32, name="IMAGEFERRY_CONCURRENCY")
    transfer_memory_bytes: Annotated[int, Meta(ge=_MIB, description="Maximum bytes of file content in memory")] = field(
        default=48 * _MIB, name="IMAGEFERRY_TRANSFER_MEMORY_BYTES"
    )
    transfer_processes: Annotated[
        int,
        Meta(ge=1, le=64, description="Processes that transfer files and share these limits; without a broker only"),
    ] = field(default=1, name="IMAGEFERRY_TRANSFER_PROCESSES")
    wait_s: Annotated[
        float,
        Meta(
            ge=0,
            description="Seconds that `import` waits for an unavailable source or storage before it gives up",
        ),
    ] = field(default=300, name="IMAGEFERRY_WAIT_SECONDS")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="debug, info, warning or error")
    ] = field(default="warning", name="IMAGEFERRY_LOG_LEVEL")
    log_format: Annotated[Literal["text", "json"], Meta(description="text or json")] = field(
        default="text", name="IMAGEFERRY_LOG_FORMAT"
    )
    otlp_endpoint: Annotated[
        str | None,
        Meta(description="OpenTelemetry collector for traces, for example http://host:4318; needs imageferry[otel]"),
    ] = field(default=None, name="OTEL_EXPORTER_OTLP_ENDPOINT")

    def __post_init__(self) -> None:
        super().__post_init__()
        # REDIS_URL alone must not turn on a broker: many machines have a Redis for something else, and a process with
        # a broker waits for workers. CELERY_BROKER_URL=redis:// asks for that Redis.
        if self.celery_broker_url is not None and self.effective_redis_url is not None:
            try:
                redis_url = RedisUrl(self.effective_redis_url)
            except ValueError as exc:
                raise ValueError(f"REDIS_URL: {exc}") from exc
            if self.celery_broker_url.reveal() == LEGACY_REDIS_BROKER:
                self.celery_broker_url = BrokerUrl(redis_url.reveal())
        self.transfer_processes = min(self.transfer_processes, self.concurrency)  # each transfers at least one file

    @classmethod
    def load(cls, **overrides: Any) -> Self:  # noqa: ANN401 - each value is validated like a variable
        """Read the environment and the `.env` file of the current folder; `overrides` that are not None win.

        Raise FatalError with a sentence that names every variable whose value is not valid, and TypeError for an
        override that is no setting.
        """
        if unknown := overrides.keys() - {setting.name for setting in fields(cls)}:
            raise TypeError(f"Unknown settings: {', '.join(sorted(unknown))}")
        variables, values, problems = _read_variables(), {}, []
        for setting in fields(cls):
            value = overrides.get(setting.name)
            if value is None:
                value = next((variables[name] for name in variable_names(setting) if variables.get(name)), None)
            try:
                if value is not None:
                    values[setting.name] = msgspec.convert(value, setting.type, strict=False, dec_hook=_construct)
            except msgspec.ValidationError as exc:
                # A type of ours explains what is wrong; msgspec's own message is in terms of Python's types.
                is_ours = isinstance(exc.__cause__, ValueError)
                problem = str(exc) if is_ours else f"expected {_expected(setting)}, got {value!r}"
                problems.append(f"{setting.encode_name}: {problem}")
        if not problems:
            try:
                return cls(**values)
            except ValueError as exc:
                problems.append(str(exc))
        raise FatalError(Reason.MISCONFIGURED, f"Invalid setting: {'; '.join(problems)}.")

    @property
    def catalog_url(self) -> str:
        """The database URL; by default of a SQLite file in `home`."""
        if self.database_url is not None:
            return self.database_url.reveal()
        return self.legacy_database_url or f"sqlite:///{self.home / 'catalog.db'}"

    @property
    def effective_quota_url(self) -> str | None:
        """The URL of the Redis that counts the calls of all processes; by default the broker's, if that is a Redis."""
        if self.quota_url is not None:
            return self.quota_url.reveal()
        if self.celery_broker_url is None:
            return None
        broker_url = self.celery_broker_url.reveal()
        return broker_url if broker_url.startswith(("redis://", "rediss://")) else self.effective_redis_url

    @property
    def effective_store_url(self) -> str:
        """The store's URL; by default a folder in `home`."""
        return self.store_url or self.legacy_store_url or str(self.home / "store")


def drop_empty_variables() -> None:
    """Remove empty variables from the environment: libraries that read it take an empty string for a value."""
    for name in (name for setting in fields(Settings) for name in variable_names(setting)):
        if os.environ.get(name) == "":
            del os.environ[name]


def variable_names(setting: FieldInfo) -> tuple[str, ...]:
    """Return the variables of a setting, in order of precedence."""
    return (setting.encode_name, *(metadata(setting).extra or {}).get("also", ()))


def metadata(setting: FieldInfo) -> Meta:
    """Return the title, description and constraints of a setting; an empty Meta when it has none."""
    annotations = (each for each in getattr(setting.type, "__metadata__", ()) if isinstance(each, Meta))
    return next(annotations, Meta())


def _expected(setting: FieldInfo) -> str:
    """Describe the values that a setting accepts, to complete "expected ..."."""
    if text := (metadata(setting).extra or {}).get("expected"):
        return str(text)
    from msgspec import inspect  # noqa: PLC0415 - needed only for an invalid setting

    match _without_none(inspect.type_info(setting.type)):
        case inspect.IntType(ge=least, le=most):
            return f"a whole number{_range(least, most)}"
        case inspect.FloatType(gt=None, ge=least, le=most):
            return f"a number{_range(least, most)}"
        case inspect.FloatType(gt=limit):
            return f"a number greater than {limit:g}"
        case inspect.LiteralType(values=values):
            *others, last = map(str, values)
            return f"{', '.join(others)} or {last}"
        case inspect.BoolType():
            return "true or false"
        case _:
            return "text"


def _without_none(info: "inspect.Type") -> "inspect.Type":
    """Return the type of a setting without its metadata and without None."""
    from msgspec import inspect  # noqa: PLC0415 - needed only for an invalid setting

    match info:
        case inspect.Metadata(type=inner):
            return _without_none(inner)
        case inspect.UnionType(types=types):
            return _without_none(next(each for each in types if not isinstance(each, inspect.NoneType)))
        case _:
            return info


def _range(least: float | None, most: float | None) -> str:
    if most is not None:
        return f" from {least:g} to {most:g}"
    return "" if least is None else f" of at least {least:,}"


def _read_variables() -> Mapping[str, str | None]:
    """Merge the `.env` file of the current folder and the environment, which wins unless its value is empty."""
    variables: dict[str, str | None] = {}
    if Path(".env").is_file():
        from dotenv import dotenv_values  # noqa: PLC0415 - most installations have no such file

        try:
            variables |= dotenv_values(".env")
        except (OSError, UnicodeDecodeError) as exc:
            raise FatalError(Reason.MISCONFIGURED, f"Can't read the file .env in this folder: {exc}.") from exc
    return variables | {name: value for name, value in os.environ.items() if value}


def _construct(kind: type, value: Any) -> Any:  # noqa: ANN401 - the signature of msgspec's hook
    """Construct a type that msgspec does not know from a variable's value."""
    return kind(value)
