"""Settings of the services that imageferry uses: source, storage, catalog, broker."""

import os
from pathlib import Path
from typing import Annotated

from msgspec import Meta, field
from platformdirs import user_data_path

from imageferry.settings.legacy import LegacySettings
from imageferry.settings.url_types import BrokerUrl, DatabaseUrl, HttpUrl, RedisUrl
from imageferry.settings.value_types import Key, Name

# As CELERY_BROKER_URL: use the Redis that REDIS_URL, or REDIS_HOST and REDIS_PORT, name.
LEGACY_REDIS_BROKER = "redis://"


def _default_home() -> Path:
    """Return the platform's folder for the data of this user. Raise ValueError if the user has no home folder."""
    try:
        return user_data_path("imageferry")
    except RuntimeError as exc:
        raise ValueError("IMAGEFERRY_HOME: this user has no home folder; set it to a folder for the data") from exc


class ServiceSettings(LegacySettings):
    """Where the services are, and their credentials."""

    home: Annotated[
        Path,
        Meta(description="Folder for the default catalog and store (default: the platform's user data folder)"),
    ] = field(default_factory=_default_home, name="IMAGEFERRY_HOME")

    google_api_key: Annotated[
        Key | None,
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
    aws_access_key_id: Key | None = field(default=None, name="AWS_ACCESS_KEY_ID")
    aws_secret_access_key: Key | None = field(default=None, name="AWS_SECRET_ACCESS_KEY")
    aws_session_token: Key | None = field(default=None, name="AWS_SESSION_TOKEN")
    aws_region: Annotated[
        Name | None,
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
        Key | None, Meta(description="For az:// URLs: the connection string that Azure's portal shows")
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
        DatabaseUrl | None,
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
