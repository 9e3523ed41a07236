"""DATABASE_URL as people have it: the kind of database counts, not the driver of another program."""

from pathlib import Path

import pytest
from sqlalchemy import text

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.urls import parse_url
from imageferry.errors import FatalError, Reason
from imageferry.settings import Settings


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "oracle9://host/name",
        "mongodb://host/name",
        "jdbc:postgresql://host/name",
        "postgresql://user:hidden@host:port/name",
    ],
)
def test_an_invalid_url_is_rejected_with_an_explanation(url: str) -> None:
    with pytest.raises(FatalError, match="DATABASE_URL is not a database URL") as raised:
        Catalog(url)
    assert raised.value.reason is Reason.MISCONFIGURED
    assert "hid" not in raised.value.message


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("mysql+asyncmy://u:p@h/n", "mysql+pymysql"),
        ("mysql+aiomysql://u:p@h/n", "mysql+pymysql"),
        ("mariadb+mariadbconnector://u:p@h/n", "mysql+pymysql"),
        ("postgres://u:p@h/n", "postgresql+psycopg"),
        ("postgresql+asyncpg://u:p@h/n", "postgresql+psycopg"),
        ("postgresql+psycopg2://u:p@h/n", "postgresql+psycopg"),
        ("sqlite+aiosqlite:///n", "sqlite"),
    ],
)
def test_the_driver_is_ours(text: str, driver: str) -> None:
    url = parse_url(text)
    assert (url.drivername, url.database) == (driver, "n")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("postgresql://h/n?schema=public&sslmode=verify-full&sslcert=/c", {"sslmode": "verify-full", "sslcert": "/c"}),
        ("postgresql+asyncpg://h/n?ssl=true", {"sslmode": "require"}),
        ("postgresql+asyncpg://h/n?ssl=disable&prepared_statement_cache_size=0", {"sslmode": "disable"}),
        ("postgresql://h/n?pgbouncer=true&connection_limit=5&connect_timeout=3", {"connect_timeout": "3"}),
        ("mysql://h/n?charset=utf8&ssl=true", {"ssl_check_hostname": "false"}),
        ("mysql://h/n?ssl-mode=VERIFY_IDENTITY&ssl_ca=/ca.pem", {"ssl_check_hostname": "true", "ssl_ca": "/ca.pem"}),
        ("mysql://h/n?useSSL=false&serverTimezone=UTC", {}),
    ],
)
def test_options_of_other_drivers_are_translated_or_dropped(text: str, options: dict[str, str]) -> None:
    assert dict(parse_url(text).query) == options


def test_a_password_may_have_any_character_as_an_escape() -> None:
    assert parse_url("postgresql://u:p%40%2F%23%3F%25w@h/n").password == "p@/#?%w"


@pytest.mark.parametrize("name", ["what?", "a?b=c", "#1", "100%", "%41", "a b", "写真", "a&b", "\\", "a:b@c"])
async def test_a_home_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    catalog = Catalog(Settings.load(home=tmp_path / name).catalog_url)
    await catalog.write(lambda tx: tx.execute(text("CREATE TABLE one (id INTEGER)")))
    shown = catalog.url.render_as_string()
    await catalog.close()
    assert list(tmp_path.rglob("*")) == [tmp_path / name, tmp_path / name / "catalog.db"]  # noqa: ASYNC240 - of a test
    assert parse_url(shown).database == str(tmp_path / name / "catalog.db")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////data/a%20b/c.db", "/data/a b/c.db"),
        ("sqlite:////data/what?/c.db", "/data/what?/c.db"),
        ("sqlite:////data/#1/100%/c.db?timeout=5&mode=rwc", "/data/#1/100%/c.db"),
        ("sqlite:///c.db", "c.db"),
        ("sqlite:///:memory:", ":memory:"),
    ],
)
def test_the_path_of_a_sqlite_file_may_be_escaped_or_not(url: str, path: str) -> None:
    assert parse_url(url).database == path
