"""Variables of similar systems, read where imageferry's own are not set."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from msgspec import Meta, Struct, field

from imageferry.secret import Secret
from imageferry.settings.url_types import sqlite_url
from imageferry.settings.value_types import Name, Password

_DIALECTS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "pgsql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "mssql": "mssql",
    "sqlserver": "mssql",
    "azuresql": "mssql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
}
# What the database is, where DB_ENGINE does not say it.
_HOSTS = {
    ".database.windows.net": "mssql",
    ".postgres.database.azure.com": "postgresql",
    ".mysql.database.azure.com": "mysql",
}
_PORTS = {1433: "mssql", 3306: "mysql", 5432: "postgresql"}


class LegacySettings(Struct, kw_only=True):
    """The store, the catalog and Redis, in the variables of similar systems."""

    storage_provider: Annotated[
        Literal["aws", "azure", "gcp"] | None,
        Meta(
            title="Variables of similar systems, read where those above are not set",
            description="Instead of STORE_URL: aws, azure or gcp, with a bucket or a container",
        ),
    ] = field(default=None, name="STORAGE_PROVIDER")
    s3_bucket: Name | None = field(default=None, name="S3_BUCKET")
    gcs_bucket: Name | None = field(default=None, name="GCS_BUCKET")
    azure_container: Name | None = field(default=None, name="AZURE_STORAGE_CONTAINER_NAME")
    db_engine: Annotated[
        str | None,
        Meta(description="Instead of DATABASE_URL: sqlite, postgresql, mysql or mssql, with the variables below"),
    ] = field(default=None, name="DB_ENGINE")
    db_server: str | None = field(default=None, name="DB_SERVER")
    db_port: Annotated[int, Meta(ge=1, le=65535)] | None = field(default=None, name="DB_PORT")
    db_name: str | None = field(default=None, name="DB_NAME")
    db_user: str | None = field(default=None, name="DB_USER")
    db_password: Password | None = field(default=None, name="DB_PASSWORD")
    redis_url: Annotated[
        Secret | None,
        Meta(
            description=(
                "Redis that CELERY_BROKER_URL=redis:// stands for; does not enable a broker by itself. With another"
                " broker: the Redis of the shared limits"
            ),
        ),
    ] = field(default=None, name="REDIS_URL")
    redis_host: str | None = field(default=None, name="REDIS_HOST")
    redis_port: Annotated[int, Meta(ge=1, le=65535)] = field(default=6379, name="REDIS_PORT")
    redis_username: str | None = field(default=None, name="REDIS_USERNAME")
    redis_password: Password | None = field(default=None, name="REDIS_PASSWORD")
    redis_database: Annotated[int, Meta(ge=0)] = field(default=0, name="REDIS_DB")

    @property
    def legacy_store_url(self) -> str | None:
        """The store's URL, from the name of a bucket or container; None when none is set.

        Raises ValueError when the one that STORAGE_PROVIDER needs is not set.
        """
        if self.storage_provider in (None, "aws") and self.s3_bucket is not None:
            return f"s3://{self.s3_bucket}"
        if self.storage_provider in (None, "azure") and self.azure_container is not None:
            return f"az://{self.azure_container}"
        if self.storage_provider in (None, "gcp") and self.gcs_bucket is not None:
            return f"gs://{self.gcs_bucket}"
        if self.storage_provider is not None:
            names = {"aws": "S3_BUCKET", "azure": "AZURE_STORAGE_CONTAINER_NAME", "gcp": "GCS_BUCKET"}
            variable = names[self.storage_provider]
            raise ValueError(f"STORAGE_PROVIDER={self.storage_provider} needs {variable}; or set STORE_URL")
        return None

    @property
    def legacy_database_url(self) -> str | None:
        """The database's URL, from its parts; None when they are not set. May contain a password.

        Raises ValueError when a part is missing or wrong.
        """
        dialect = self._dialect
        if dialect is None:
            dialects = "sqlite, postgresql, mysql or mssql"
            if self.db_engine is not None:
                raise ValueError(f"DB_ENGINE must be {dialects}; or set DATABASE_URL")
            if self.db_server is not None:
                raise ValueError(f"DB_SERVER is set, but DB_ENGINE is not: set it to {dialects}; or set DATABASE_URL")
            return None
        if dialect == "sqlite":
            return None if self.db_name is None else sqlite_url(Path(self.db_name))
        if self.db_server is None or self.db_name is None:
            raise ValueError("DB_ENGINE needs DB_SERVER and DB_NAME; or set DATABASE_URL")
        password = "" if self.db_password is None else f":{quote(self.db_password.reveal(), safe='')}"
        user = "" if self.db_user is None else f"{quote(self.db_user, safe='')}{password}@"
        port = "" if self.db_port is None else f":{self.db_port}"
        return f"{dialect}://{user}{self.db_server}{port}/{quote(self.db_name, safe='')}"

    @property
    def effective_redis_url(self) -> str | None:
        """The URL of the Redis, from REDIS_URL or its parts; None when neither is set. May contain a password."""
        if self.redis_url is not None:
            return self.redis_url.reveal()
        if self.redis_host is None:
            return None
        password = "" if self.redis_password is None else f":{quote(self.redis_password.reveal(), safe='')}"
        user = "" if not password else f"{quote(self.redis_username or '', safe='')}{password}@"
        return f"redis://{user}{self.redis_host}:{self.redis_port}/{self.redis_database}"

    @property
    def _dialect(self) -> str | None:
        if self.db_engine is None:
            known = (dialect for end, dialect in _HOSTS.items() if (self.db_server or "").endswith(end))
            return next(known, _PORTS.get(self.db_port or 0) if self.db_server else None)
        engine = (self.db_engine or "").rpartition(".")[2].partition("+")[0]
        return _DIALECTS.get(engine.lower().replace("_", "").replace("-", "").replace(" ", ""))
