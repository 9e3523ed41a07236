"""Variables of similar systems."""

import pytest
from sqlalchemy import make_url

from imageferry.errors import FatalError
from tests.unit.settings.conftest import Load


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"S3_BUCKET": "pictures"}, "s3://pictures"),
        ({"AWS_BUCKET_NAME": "pictures"}, "s3://pictures"),
        ({"AZURE_STORAGE_CONTAINER_NAME": "pictures"}, "az://pictures"),
        ({"S3_BUCKET_NAME": "pictures"}, "s3://pictures"),
        ({"AWS_S3_BUCKET": "pictures"}, "s3://pictures"),
        ({"GCS_BUCKET": "pictures"}, "gs://pictures"),
        ({"STORAGE_PROVIDER": "gcp", "S3_BUCKET": "a", "GCS_BUCKET": "b"}, "gs://b"),
        ({"STORAGE_PROVIDER": "azure", "S3_BUCKET": "a", "AZURE_STORAGE_CONTAINER_NAME": "b"}, "az://b"),
        ({"STORAGE_PROVIDER": "aws", "S3_BUCKET": "a", "AZURE_STORAGE_CONTAINER_NAME": "b"}, "s3://a"),
        ({"STORE_URL": "s3://bucket/prefix", "S3_BUCKET": "other"}, "s3://bucket/prefix"),
    ],
)
def test_the_store_url_is_made_from_a_bucket_or_container(load: Load, environment: dict[str, str], url: str) -> None:
    assert load(**environment).effective_store_url == url


@pytest.mark.parametrize(
    ("engine", "backend"),
    [
        ("mysql", "mysql"),
        ("MariaDB", "mysql"),
        ("postgres", "postgresql"),
        ("django.db.backends.postgresql", "postgresql"),
        ("mysql+pymysql", "mysql"),
        ("Azure SQL", "mssql"),
        ("sqlserver", "mssql"),
    ],
)
def test_the_database_url_is_made_from_its_parts(load: Load, engine: str, backend: str) -> None:
    parts = {"DB_SERVER": "db.example", "DB_PORT": "1234", "DB_NAME": "pictures"}
    settings = load(DB_ENGINE=engine, DB_USER="me@there", DB_PASSWORD="p/w:d", **parts)
    url = make_url(settings.catalog_url)
    assert (url.drivername, url.host, url.port, url.database) == (backend, "db.example", 1234, "pictures")
    assert (url.username, url.password) == ("me@there", "p/w:d")


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"DB_SERVER": "name.database.windows.net"}, "mssql://me:word@name.database.windows.net/pictures"),
        (
            {"DB_SERVER": "name.postgres.database.azure.com"},
            "postgresql://me:word@name.postgres.database.azure.com/pictures",
        ),
        ({"DB_HOST": "db", "DB_PORT": "3306"}, "mysql://me:word@db:3306/pictures"),
        ({"DB_HOST": "db", "DB_PORT": "5432"}, "postgresql://me:word@db:5432/pictures"),
        ({"DB_HOST": "db", "DB_CONNECTION": "pgsql"}, "postgresql://me:word@db/pictures"),
        ({"DB_HOST": "db", "DB_PORT": "tcp://10.0.0.3:5432", "DB_TYPE": "mysql"}, "mysql://me:word@db/pictures"),
    ],
)
def test_what_the_database_is_may_follow_from_its_host_or_port(
    load: Load, environment: dict[str, str], url: str
) -> None:
    assert load(DB_DATABASE="pictures", DB_USERNAME="me", DB_PASS="word", **environment).catalog_url == url


def test_database_url_wins_over_its_parts_even_if_they_are_incomplete(load: Load) -> None:
    assert load(DATABASE_URL="sqlite:///a.db", DB_SERVER="db").catalog_url == "sqlite:///a.db"


def test_sqlite_needs_no_file_name(load: Load) -> None:
    assert load(DB_ENGINE="sqlite").catalog_url.endswith("/catalog.db")
    assert load(DB_NAME="images.db").catalog_url == "sqlite:///images.db"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DB_ENGINE": "oracle"}, "DB_ENGINE must be"),
        ({"DB_SERVER": "db"}, "is set, but DB_ENGINE is not"),
        ({"DB_ENGINE": "mysql"}, "needs DB_SERVER and DB_NAME"),
        ({"STORAGE_PROVIDER": "azure"}, "needs AZURE_STORAGE_CONTAINER_NAME"),
        ({"CELERY_BROKER_URL": "redis://", "REDIS_URL": "cache:6379"}, "REDIS_URL: write redis://"),
        ({"STORAGE_PROVIDER": "aws", "AZURE_STORAGE_CONTAINER_NAME": "a"}, "needs S3_BUCKET"),
    ],
)
def test_incomplete_settings_are_reported(load: Load, environment: dict[str, str], message: str) -> None:
    with pytest.raises(FatalError, match=message):
        load(**environment)


def test_redis_url_enables_a_broker_only_together_with_celery_broker_url(load: Load) -> None:
    assert load(REDIS_URL="another-service:6379").celery_broker_url is None
    settings = load(REDIS_URL="", REDIS_HOST="cache", REDIS_PORT="6380")
    assert settings.celery_broker_url is None
    assert settings.effective_quota_url is None
    settings = load(CELERY_BROKER_URL="redis://")
    assert settings.celery_broker_url is not None
    assert settings.celery_broker_url.reveal() == settings.effective_quota_url == "redis://cache:6380/0"
    settings = load(REDIS_PASSWORD="p@ss/word", REDIS_DB="2")
    assert settings.celery_broker_url is not None
    assert settings.celery_broker_url.reveal() == "redis://:p%40ss%2Fword@cache:6380/2"
    settings = load(CELERY_BROKER_URL="amqp://queue//", REDIS_URL="redis://:secret@there/1")
    assert settings.effective_quota_url == "redis://:secret@there/1"
