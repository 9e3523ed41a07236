"""Everything that can be set, read from the environment; nothing else reads it."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from imageferry.errors import FatalError, Reason

_MIB = 1024 * 1024


def _named(*names: str) -> AliasChoices:
    return AliasChoices(*names)


class Settings(BaseSettings):
    """The settings of a process; each has its variable's name beside it."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    # Where imageferry keeps what it has no other place for: the catalog, the store, its locks.
    home: Path = Field(default_factory=lambda: user_data_path("imageferry"), validation_alias=_named("IMAGEFERRY_HOME"))

    # The source
    google_api_key: SecretStr | None = Field(None, validation_alias=_named("GOOGLE_API_KEY"))
    google_application_credentials: Path | None = Field(None, validation_alias=_named("GOOGLE_APPLICATION_CREDENTIALS"))
    google_drive_endpoint: str = Field("https://www.googleapis.com", validation_alias=_named("GOOGLE_DRIVE_ENDPOINT"))
    google_drive_web_endpoint: str = Field(
        "https://drive.google.com", validation_alias=_named("GOOGLE_DRIVE_WEB_ENDPOINT")
    )
    list_calls_s_max: float | None = Field(None, gt=0, validation_alias=_named("IMAGEFERRY_LIST_CALLS_PER_SECOND"))
    download_calls_s_max: float | None = Field(None, gt=0, validation_alias=_named("IMAGEFERRY_DOWNLOADS_PER_SECOND"))

    # The store
    store_url: str | None = Field(None, validation_alias=_named("STORE_URL"))
    aws_access_key_id: str | None = Field(None, validation_alias=_named("AWS_ACCESS_KEY_ID"))
    aws_secret_access_key: SecretStr | None = Field(None, validation_alias=_named("AWS_SECRET_ACCESS_KEY"))
    aws_session_token: SecretStr | None = Field(None, validation_alias=_named("AWS_SESSION_TOKEN"))
    aws_region: str | None = Field(None, validation_alias=_named("AWS_REGION", "AWS_DEFAULT_REGION"))
    aws_endpoint_url: str | None = Field(None, validation_alias=_named("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
    azure_storage_connection_string: SecretStr | None = Field(
        None, validation_alias=_named("AZURE_STORAGE_CONNECTION_STRING")
    )

    # The catalog
    database_url: SecretStr | None = Field(None, validation_alias=_named("DATABASE_URL"))

    # The engine
    celery_broker_url: SecretStr | None = Field(None, validation_alias=_named("CELERY_BROKER_URL"))
    queue_prefix: str = Field(
        "imageferry", pattern=r"^[\w.-]{1,64}$", validation_alias=_named("IMAGEFERRY_QUEUE_PREFIX")
    )
    worker_processes: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, validation_alias=_named("IMAGEFERRY_PROCESSES")
    )

    window: int | None = Field(None, ge=1, le=1024, validation_alias=_named("IMAGEFERRY_WINDOW"))
    lease_s: float = Field(60, ge=1, le=600, validation_alias=_named("IMAGEFERRY_LEASE"))
    health_port: int = Field(0, ge=0, le=65535, validation_alias=_named("IMAGEFERRY_HEALTH_PORT"))

    # The gateway
    host: str = Field("127.0.0.1", validation_alias=_named("HOST"))
    port: int = Field(8000, ge=0, le=65535, validation_alias=_named("PORT"))
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias=_named("CORS_ORIGINS"))

    # The bounds of a process
    concurrency: int = Field(32, ge=1, le=1024, validation_alias=_named("IMAGEFERRY_CONCURRENCY"))
    memory_bytes_max: int = Field(64 * _MIB, ge=_MIB, validation_alias=_named("IMAGEFERRY_TRANSFER_MEMORY"))
    patience_s: float = Field(300, ge=0, validation_alias=_named("IMAGEFERRY_PATIENCE"))
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", validation_alias=_named("IMAGEFERRY_LOG_LEVEL")
    )
    log_format: Literal["text", "json"] = Field("text", validation_alias=_named("IMAGEFERRY_LOG_FORMAT"))

    @model_validator(mode="before")
    @classmethod
    def _split_origins(cls, values: dict[str, object]) -> dict[str, object]:
        for name in ("CORS_ORIGINS", "cors_origins"):
            if isinstance(origins := values.get(name), str):
                values[name] = tuple(origin.strip() for origin in origins.split(",") if origin.strip())
        return values

    @classmethod
    def load(cls, **given: Any) -> Self:  # noqa: ANN401 - checked by the model
        """The settings of the environment and of a `.env` file here; what is `given` goes first.

        Raises FatalError with a sentence that names the variable that has no usable value.
        """
        try:
            return cls(**{_variable(cls, name): value for name, value in given.items() if value is not None})
        except ValidationError as exc:
            problems = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
            raise FatalError(Reason.MISCONFIGURED, f"A setting has no usable value: {problems}.") from exc

    @property
    def catalog_url(self) -> str:
        """The database's URL; by default a SQLite file in `home`."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.home / 'catalog.db'}"

    @property
    def store_location(self) -> str:
        """The store's URL; by default a folder in `home`."""
        return self.store_url or str(self.home / "store")


def _variable(settings: type[BaseSettings], name: str) -> str:
    """A setting's variable. Its own name must not stand for it: `home` would be read from HOME."""
    alias = settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else name
