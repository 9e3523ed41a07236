"""Settings by the names that other systems use."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from imageferry.errors import FatalError
from imageferry.settings import Settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings.load()


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"S3_BUCKET": "pictures"}, "s3://pictures"),
        ({"AWS_BUCKET_NAME": "pictures"}, "s3://pictures"),
        ({"AZURE_STORAGE_CONTAINER_NAME": "pictures"}, "az://pictures"),
        ({"STORAGE_PROVIDER": "azure", "S3_BUCKET": "a", "AZURE_STORAGE_CONTAINER_NAME": "b"}, "az://b"),
        ({"STORAGE_PROVIDER": "aws", "S3_BUCKET": "a", "AZURE_STORAGE_CONTAINER_NAME": "b"}, "s3://a"),
        ({"STORE_URL": "s3://ours/here", "S3_BUCKET": "theirs"}, "s3://ours/here"),
    ],
)
def test_a_bucket_or_container_is_the_store(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str
) -> None:
    assert loaded(monkeypatch, **environment).store_location == url


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
def test_the_parts_of_a_database_are_its_url(monkeypatch: pytest.MonkeyPatch, engine: str, backend: str) -> None:
    parts = {"DB_SERVER": "db.example", "DB_PORT": "1234", "DB_NAME": "pictures"}
    settings = loaded(monkeypatch, DB_ENGINE=engine, DB_USER="me@there", DB_PASSWORD="p/w:d", **parts)
    url = make_url(settings.catalog_url)
    assert (url.drivername, url.host, url.port, url.database) == (backend, "db.example", 1234, "pictures")
    assert (url.username, url.password) == ("me@there", "p/w:d")


def test_ours_goes_before_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"DB_ENGINE": "mysql", "DB_SERVER": "db", "DB_NAME": "pictures"}
    assert loaded(monkeypatch, DATABASE_URL="sqlite:///a.db", **parts).catalog_url == "sqlite:///a.db"


def test_sqlite_is_where_it_is_named_or_where_it_always_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, DB_ENGINE="sqlite").catalog_url.endswith("/catalog.db")
    assert loaded(monkeypatch, DB_NAME="images.db").catalog_url == "sqlite:///images.db"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DB_ENGINE": "oracle"}, "DB_ENGINE is none of"),
        ({"DB_SERVER": "db"}, "set and DB_ENGINE is not"),
        ({"DB_ENGINE": "mysql"}, "needs DB_SERVER and DB_NAME"),
        ({"STORAGE_PROVIDER": "azure"}, "needs AZURE_STORAGE_CONTAINER_NAME"),
        ({"CELERY_BROKER_URL": "redis://", "REDIS_URL": "cache:6379"}, "REDIS_URL: write redis://"),
        ({"STORAGE_PROVIDER": "aws", "AZURE_STORAGE_CONTAINER_NAME": "a"}, "needs S3_BUCKET"),
    ],
)
def test_what_is_half_said_is_told(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(FatalError, match=sentence):
        loaded(monkeypatch, **environment)


def test_a_redis_that_is_there_is_no_broker_until_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, REDIS_URL="somebody-elses:6379").celery_broker_url is None
    monkeypatch.delenv("REDIS_URL")
    settings = loaded(monkeypatch, REDIS_HOST="cache", REDIS_PORT="6380")
    assert settings.celery_broker_url is None
    assert settings.quota_location is None
    settings = loaded(monkeypatch, CELERY_BROKER_URL="redis://")
    assert settings.celery_broker_url is not None
    assert settings.celery_broker_url.reveal() == settings.quota_location == "redis://cache:6380/0"
    settings = loaded(monkeypatch, CELERY_BROKER_URL="amqp://queue//", REDIS_URL="redis://:secret@there/1")
    assert settings.quota_location == "redis://:secret@there/1"
