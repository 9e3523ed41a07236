"""Variables of similar systems, read where imageferry's own are not set."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from msgspec import Meta, Struct, field

from imageferry.secret import Secret
from imageferry.settings.value_types import Name, Password

_DIALECTS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "mssql": "mssql",
    "sqlserver": "mssql",
    "azuresql": "mssql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
}


class LegacySettings(Struct, kw_only=True):
    """The store, the catalog and Redis, in the variables of similar systems."""

    storage_provider: Annotated[
        Literal["aws", "azure"] | None,
        Meta(
            title="Variables of similar systems, read where those above are not set",
            description="Instead of STORE_URL: aws or azure, with a bucket or a container",
        ),
    ] = field(default=None, name="STORAGE_PROVIDER")
    s3_bucket: Annotated[Name | None, Meta(extra={"also": ("AWS_BUCKET_NAME",)})] = field(
        default=None, name="S3_BUCKET"
    )
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

    @property
    def legacy_store_url(self) -> str | None:
        """The store's URL, from the name of a bucket or container; None when neither is set."""
        if self.storage_provider != "azure" and self.s3_bucket is not None:
            return f"s3://{self.s3_bucket}"
        if self.storage_provider != "aws" and self.azure_container is not None:
            return f"az://{self.azure_container}"
        return None

    @property
    def legacy_database_url(self) -> str | None:
        """The database's URL, from its parts; None when they are not set. May contain a password."""
        dialect = self._dialect
        if dialect is None or (dialect == "sqlite" and self.db_name is None):
            return None
        if dialect == "sqlite":
            return f"sqlite:///{Path(self.db_name or '').expanduser()}"
        password = "" if self.db_password is None else f":{quote(self.db_password.reveal(), safe='')}"
        user = "" if self.db_user is None else f"{quote(self.db_user, safe='')}{password}@"
        port = "" if self.db_port is None else f":{self.db_port}"
        return f"{dialect}://{user}{self.db_server}{port}/{quote(self.db_name or '', safe='')}"

    @property
    def effective_redis_url(self) -> str | None:
        """The URL of the Redis, from REDIS_URL or its parts; None when neither is set. May contain a password."""
        if self.redis_url is not None:
            return self.redis_url.reveal()
        return None if self.redis_host is None else f"redis://{self.redis_host}:{self.redis_port}/0"

    @property
    def _dialect(self) -> str | None:
        engine = (self.db_engine or "").rpartition(".")[2].partition("+")[0]
        return _DIALECTS.get(engine.lower().replace("_", "").replace("-", "").replace(" ", ""))

    def __post_init__(self) -> None:
        dialects = "sqlite, postgresql, mysql or mssql"
        if self.db_engine is not None and self._dialect is None:
            raise ValueError(f"DB_ENGINE must be {dialects}; or set DATABASE_URL")
        if self.db_server is not None and self.db_engine is None:
            raise ValueError(f"DB_SERVER is set, but DB_ENGINE is not: set it to {dialects}; or set DATABASE_URL")
        if self._dialect not in (None, "sqlite") and (self.db_server is None or self.db_name is None):
            raise ValueError("DB_ENGINE needs DB_SERVER and DB_NAME; or set DATABASE_URL")
        if self.storage_provider is not None and self.legacy_store_url is None:
            variable = {"aws": "S3_BUCKET", "azure": "AZURE_STORAGE_CONTAINER_NAME"}[self.storage_provider]
            raise ValueError(f"STORAGE_PROVIDER={self.storage_provider} needs {variable}; or set STORE_URL")
