"""Everything that can be set, read from the environment; nothing else reads it."""

import os
import re
from base64 import b64decode
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_data_path
from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from imageferry.aliases import Aliases
from imageferry.errors import FatalError, Reason

_MIB = 1024 * 1024
# A broker that REDIS_URL, or REDIS_HOST and REDIS_PORT, name.
REDIS_BY_NAME = "redis://"
TOKEN_LENGTH_MIN = 16
_SIGNING_PREFIX = "whsec_"


def _named(*names: str) -> AliasChoices:
    return AliasChoices(*names)


def _split(names: object) -> object:
    return tuple(name.strip() for name in names.split(",") if name.strip()) if isinstance(names, str) else names


def _sendable(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", token.get_secret_value()):
        raise ValueError("a token has no blanks, and no letters that a header cannot carry")
    return token


def _signs(secret: SecretStr) -> SecretStr:
    try:
        key = b64decode(secret.get_secret_value().removeprefix(_SIGNING_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not (secret.get_secret_value().startswith(_SIGNING_PREFIX) and len(key) in range(24, 65)):
        raise ValueError(f"it is {_SIGNING_PREFIX} and 24 to 64 random bytes in base64")
    return secret


# Told apart by commas.
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(Aliases):
    """The settings of a process, each with its variable and meaning; the first of a group has the group's title."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    home: Path = Field(
        default_factory=lambda: user_data_path("imageferry"),
        validation_alias=_named("IMAGEFERRY_HOME"),
        description=("Where imageferry keeps what it has no other place for (default: the platform's data folder)"),
    )

    google_api_key: SecretStr | None = Field(
        None,
        validation_alias=_named("GOOGLE_API_KEY"),
        title="The source: Google Drive",
        description=(
            'An API key, for folders shared as "Anyone with the link". Without any, the public pages are read.'
        ),
    )
    google_application_credentials: Path | None = Field(
        None,
        validation_alias=_named("GOOGLE_APPLICATION_CREDENTIALS"),
        description=("A service account's JSON file, for private folders and shared drives; it goes before the key."),
    )
    google_drive_endpoint: str = Field("https://www.googleapis.com", validation_alias=_named("GOOGLE_DRIVE_ENDPOINT"))
    google_drive_web_endpoint: str = Field(
        "https://drive.google.com", validation_alias=_named("GOOGLE_DRIVE_WEB_ENDPOINT")
    )
    list_calls_s_max: float | None = Field(
        None,
        gt=0,
        validation_alias=_named("IMAGEFERRY_LIST_CALLS_PER_SECOND"),
        description="Hard limits, in calls a second; without them the rate adapts by itself.",
    )
    download_calls_s_max: float | None = Field(None, gt=0, validation_alias=_named("IMAGEFERRY_DOWNLOADS_PER_SECOND"))
    quota_url: SecretStr | None = Field(
        None,
        validation_alias=_named("IMAGEFERRY_QUOTA_URL"),
        description=(
            "The Redis through which all processes share these limits (default: CELERY_BROKER_URL, when it is a Redis)"
        ),
    )

    store_url: str | None = Field(
        None,
        validation_alias=_named("STORE_URL"),
        title="The store",
        description=(
            "s3://bucket/prefix, az://container/prefix, gs://bucket/prefix, or a folder (default: "
            "store, in IMAGEFERRY_HOME)"
        ),
    )
    aws_access_key_id: str | None = Field(None, validation_alias=_named("AWS_ACCESS_KEY_ID"))
    aws_secret_access_key: SecretStr | None = Field(None, validation_alias=_named("AWS_SECRET_ACCESS_KEY"))
    aws_session_token: SecretStr | None = Field(None, validation_alias=_named("AWS_SESSION_TOKEN"))
    aws_region: str | None = Field(
        None,
        validation_alias=_named("AWS_REGION", "AWS_DEFAULT_REGION"),
        description="Where the bucket is (default: us-east-1)",
    )
    aws_endpoint_url: str | None = Field(
        None,
        validation_alias=_named("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        description="For MinIO, R2, Ceph and others that speak S3",
    )
    azure_storage_connection_string: SecretStr | None = Field(
        None,
        validation_alias=_named("AZURE_STORAGE_CONNECTION_STRING"),
        description="For az:// stores, as Azure's portal shows it",
    )
    google_service_account: Path | None = Field(
        None,
        validation_alias=_named("GOOGLE_SERVICE_ACCOUNT"),
        description=(
            "For gs:// stores, a service account's JSON file (default: "
            "GOOGLE_APPLICATION_CREDENTIALS, else as the machine is set up)"
        ),
    )
    storage_emulator_host: str | None = Field(
        None,
        validation_alias=_named("STORAGE_EMULATOR_HOST"),
        description="An emulator of Google Cloud Storage, as http://127.0.0.1:9023, instead of the real one",
    )

    database_url: SecretStr | None = Field(
        None,
        validation_alias=_named("DATABASE_URL"),
        title="The catalog",
        description=(
            "sqlite:///path/catalog.db, postgresql://..., mysql://... (default: catalog.db, in IMAGEFERRY_HOME)"
        ),
    )
    database_connections: int = Field(
        8,
        ge=1,
        le=256,
        validation_alias=_named("IMAGEFERRY_DATABASE_CONNECTIONS"),
        description="Connections that a process holds at most; SQLite has its own rules",
    )

    celery_broker_url: SecretStr | None = Field(
        None,
        validation_alias=_named("CELERY_BROKER_URL"),
        title="The engine",
        description=(
            "amqp://user:password@host// for RabbitMQ, redis://host for Redis (default: none, "
            "everything in one process)"
        ),
    )
    queue_prefix: str = Field(
        "imageferry",
        pattern=r"^[\w.-]{1,64}$",
        validation_alias=_named("IMAGEFERRY_QUEUE_PREFIX"),
        description="What the queues' names begin with: one for each installation that shares a broker",
    )
    worker_processes: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=256,
        validation_alias=_named("IMAGEFERRY_PROCESSES"),
        description="Child processes of a worker (default: one for each processor)",
    )

    window: int | None = Field(
        None,
        ge=1,
        le=1024,
        validation_alias=_named("IMAGEFERRY_WINDOW"),
        description=(
            "Batches under way at once, of up to 100 files each, which all jobs share (default: 8 in "
            "one process, 16 over a broker)"
        ),
    )
    lease_s: float = Field(
        60,
        ge=1,
        le=600,
        validation_alias=_named("IMAGEFERRY_LEASE"),
        description=("Seconds without a sign of life after which work is given to another; the same for all processes"),
    )
    health_port: int = Field(
        0,
        ge=0,
        le=65535,
        validation_alias=_named("IMAGEFERRY_HEALTH_PORT"),
        description="Where a worker answers /health, /readyz and /metrics (0: nowhere)",
    )

    host: str = Field("127.0.0.1", validation_alias=_named("HOST"), title="The gateway")
    port: int = Field(8000, ge=0, le=65535, validation_alias=_named("PORT"))
    api_token: Annotated[SecretStr, AfterValidator(_sendable)] | None = Field(
        None,
        min_length=TOKEN_LENGTH_MIN,
        validation_alias=_named("IMAGEFERRY_API_TOKEN"),
        description=(
            "Asked of every caller, at least 16 characters (`openssl rand -hex 32` makes one). "
            "Without it, only this machine is served."
        ),
    )
    insecure: bool = Field(
        default=False,
        validation_alias=_named("IMAGEFERRY_INSECURE"),
        description="Serve the network without a token: for a proxy in front that knows its users",
    )
    allowed_hosts: Names = Field(
        (),
        validation_alias=_named("IMAGEFERRY_ALLOWED_HOSTS"),
        description="Other names that the gateway is reached by, with commas; * is any",
    )
    cors_origins: Names = Field(
        (),
        validation_alias=_named("CORS_ORIGINS"),
        description="Origins that may call the interface from a browser, with commas",
    )
    trusted_proxies: Names = Field(
        (),
        validation_alias=_named("IMAGEFERRY_TRUSTED_PROXIES"),
        description=(
            "Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, with commas"
        ),
    )
    thumbnail_processes: int = Field(
        2,
        ge=1,
        le=64,
        validation_alias=_named("IMAGEFERRY_THUMBNAIL_PROCESSES"),
        description="Processes that make thumbnails at once",
    )
    root_path: str = Field(
        "",
        pattern=r"^(/[\w.~-]+)*$",
        validation_alias=_named("IMAGEFERRY_ROOT_PATH"),
        description="The path at which a proxy shows the gateway, as /photos",
    )

    server_url: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        validation_alias=_named("IMAGEFERRY_SERVER"),
        title="The commands",
        description=(
            "A gateway elsewhere, whose jobs `imageferry jobs`, `retry`, `cancel` and the like look "
            "at, with IMAGEFERRY_API_TOKEN"
        ),
    )

    webhook_secret: Annotated[SecretStr, AfterValidator(_signs)] | None = Field(
        None,
        validation_alias=_named("IMAGEFERRY_WEBHOOK_SECRET"),
        title="Webhooks",
        description="What messages are signed with (Standard Webhooks): echo whsec_$(openssl rand -base64 32)",
    )
    webhook_private_hosts: Names = Field(
        (),
        validation_alias=_named("IMAGEFERRY_WEBHOOK_PRIVATE_HOSTS"),
        description="Hosts in private networks that may be told, also by http://, with commas",
    )

    concurrency: int = Field(
        32,
        ge=1,
        le=1024,
        validation_alias=_named("IMAGEFERRY_CONCURRENCY"),
        title="The bounds of a process",
        description="Files at once",
    )
    memory_bytes_max: int = Field(
        48 * _MIB,
        ge=_MIB,
        validation_alias=_named("IMAGEFERRY_TRANSFER_MEMORY"),
        description="Bytes of files in memory at once",
    )
    patience_s: float = Field(
        300,
        ge=0,
        validation_alias=_named("IMAGEFERRY_PATIENCE"),
        description="Seconds that `import` watches a job that waits for a store or source to come back",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", validation_alias=_named("IMAGEFERRY_LOG_LEVEL"), description="debug, info, warning, error"
    )
    log_format: Literal["text", "json"] = Field(
        "text", validation_alias=_named("IMAGEFERRY_LOG_FORMAT"), description="text, json"
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=_named("OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="A collector of traces, as http://host:4318; needs the extra imageferry[otel]",
    )

    @model_validator(mode="after")
    def _redis_is_named(self) -> Self:
        # A Redis that is there for something else must not turn a process into one that waits for workers: it
        # carries the messages when a broker is asked for, and its place is not told with that.
        asked = self.celery_broker_url is not None and self.celery_broker_url.get_secret_value() == REDIS_BY_NAME
        if asked and self.redis_location is not None:
            self.celery_broker_url = SecretStr(self.redis_location)
        return self

    @classmethod
    def load(cls, **given: Any) -> Self:  # noqa: ANN401 - checked by the model
        """The settings of the environment and of a `.env` file here; what is `given` goes first.

        Raises FatalError with a sentence that names the variable that has no usable value.
        """
        try:
            return cls(**{_variable(cls, name): value for name, value in given.items() if value is not None})
        except ValidationError as exc:
            told = (".".join(map(str, error["loc"])) + ": " + error["msg"] for error in exc.errors())
            problems = "; ".join(problem.removeprefix(": Value error, ") for problem in told)
            raise FatalError(Reason.MISCONFIGURED, f"A setting has no usable value: {problems}.") from exc

    @property
    def catalog_url(self) -> str:
        """The database's URL; by default a SQLite file in `home`."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return self.db_url or f"sqlite:///{self.home / 'catalog.db'}"

    @property
    def quota_location(self) -> str | None:
        """The URL of the Redis that counts the calls of all processes; by default the broker, when it is one."""
        if self.quota_url is not None:
            return self.quota_url.get_secret_value()
        if self.celery_broker_url is None:
            return None
        broker_url = self.celery_broker_url.get_secret_value()
        return broker_url if broker_url.startswith(("redis://", "rediss://")) else self.redis_location

    @property
    def store_location(self) -> str:
        """The store's URL; by default a folder in `home`."""
        return self.store_url or self.bucket_url or str(self.home / "store")


def _variable(settings: type[BaseSettings], name: str) -> str:
    """A setting's variable. Its own name must not stand for it: `home` would be read from HOME."""
    alias = settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else name
