"""Settings of the catalog and the broker."""

import os
from typing import Annotated

from msgspec import Meta, field

from imageferry.settings.storage import StorageSettings
from imageferry.settings.url_types import BrokerUrl, DatabaseUrl, RedisUrl, sqlite_url

# As CELERY_BROKER_URL: use the Redis that REDIS_URL, or REDIS_HOST and REDIS_PORT, name.
LEGACY_REDIS_BROKER = "redis://"


class ServiceSettings(StorageSettings):
    """Where the catalog and the broker are, and their credentials."""

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
        _ = self.catalog_url  # raises ValueError if its parts are incomplete
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
        return self.legacy_database_url or sqlite_url(self.home / "catalog.db")

    @property
    def effective_quota_url(self) -> str | None:
        """The URL of the Redis that counts the calls of all processes; by default the broker's, if that is a Redis."""
        if self.quota_url is not None:
            return self.quota_url.reveal()
        if self.celery_broker_url is None:
            return None
        broker_url = self.celery_broker_url.reveal()
        return broker_url if broker_url.startswith(("redis://", "rediss://")) else self.effective_redis_url
