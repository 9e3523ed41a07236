"""The names that other systems of this kind give to their settings, read where ours are not set."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from msgspec import Meta, Struct, field

from imageferry.secret import Secret

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


class Aliases(Struct, kw_only=True):
    """Where the store, the catalog and Redis are, as other systems say it."""

    storage_provider: Annotated[
        Literal["aws", "azure"] | None,
        Meta(
            title="Names that other systems of this kind use, read where ours above are not set",
            description="Instead of STORE_URL: aws or azure, and a bucket or a container",
        ),
    ] = field(default=None, name="STORAGE_PROVIDER")
    s3_bucket: Annotated[str | None, Meta(extra={"also": ("AWS_BUCKET_NAME",)})] = field(default=None, name="S3_BUCKET")
    azure_container: str | None = field(default=None, name="AZURE_STORAGE_CONTAINER_NAME")
    db_engine: Annotated[
        str | None, Meta(description="Instead of DATABASE_URL: sqlite, postgresql, mysql or mssql, and where it is")
    ] = field(default=None, name="DB_ENGINE")
    db_server: str | None = field(default=None, name="DB_SERVER")
    db_port: Annotated[int, Meta(ge=1, le=65535)] | None = field(default=None, name="DB_PORT")
    db_name: str | None = field(default=None, name="DB_NAME")
    db_user: str | None = field(default=None, name="DB_USER")
    db_password: Secret | None = field(default=None, name="DB_PASSWORD")
    redis_url: Annotated[
        Secret | None,
        Meta(
            description=(
                "The Redis that CELERY_BROKER_URL=redis:// means; alone it starts no broker. Over another broker:"
                " that of the quota"
            ),
        ),
    ] = field(default=None, name="REDIS_URL")
    redis_host: str | None = field(default=None, name="REDIS_HOST")
    redis_port: Annotated[int, Meta(ge=1, le=65535)] = field(default=6379, name="REDIS_PORT")

    @property
    def bucket_url(self) -> str | None:
        """The store's URL, from a bucket's or container's name."""
        if self.storage_provider != "azure" and self.s3_bucket is not None:
            return f"s3://{self.s3_bucket}"
        if self.storage_provider != "aws" and self.azure_container is not None:
            return f"az://{self.azure_container}"
        return None

    @property
    def db_url(self) -> str | None:
        """The database's URL, from its parts; a secret."""
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
    def redis_location(self) -> str | None:
        """Redis's URL, whole or from its parts; a secret."""
        if self.redis_url is not None:
            return self.redis_url.reveal()
        return None if self.redis_host is None else f"redis://{self.redis_host}:{self.redis_port}/0"

    @property
    def _dialect(self) -> str | None:
        engine = (self.db_engine or "").rpartition(".")[2].partition("+")[0]
        return _DIALECTS.get(engine.lower().replace("_", "").replace("-", "").replace(" ", ""))

    def __post_init__(self) -> None:
        known = "sqlite, postgresql, mysql or mssql"
        if self.db_engine is not None and self._dialect is None:
            raise ValueError(f"DB_ENGINE is none of {known}; or set DATABASE_URL")
        if self.db_server is not None and self.db_engine is None:
            raise ValueError(f"DB_SERVER is set and DB_ENGINE is not: set it to {known}; or set DATABASE_URL")
        if self._dialect not in (None, "sqlite") and (self.db_server is None or self.db_name is None):
            raise ValueError("DB_ENGINE needs DB_SERVER and DB_NAME; or set DATABASE_URL")
        if self.storage_provider is not None and self.bucket_url is None:
            wanted = {"aws": "S3_BUCKET", "azure": "AZURE_STORAGE_CONTAINER_NAME"}[self.storage_provider]
            raise ValueError(f"STORAGE_PROVIDER={self.storage_provider} needs {wanted}; or set STORE_URL")
