"""A database that cannot hold every name is refused before anything is stored in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.errors import FatalError, Reason
from tests.servers.databases import database


@contextmanager
def recreated(url: str, options: str) -> Iterator[str]:
    """Create the database of a URL again, with these options; yield the URL."""
    name = make_url(url).database
    server = make_url(url).set(database="postgres" if url.startswith("postgresql") else "mysql")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
        connection.execute(text(f"CREATE DATABASE {name} {options}"))
    engine.dispose()
    yield url


@pytest.mark.parametrize(
    ("kind", "options", "cause"),
    [
        ("postgresql", "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0", "the encoding SQL_ASCII"),
        ("postgresql", "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0", "the encoding LATIN1"),
        ("mysql", "CHARACTER SET latin1", "the character set latin1"),
        ("mysql", "CHARACTER SET utf8mb3", "the character set utf8mb3"),
    ],
)
async def test_a_database_with_another_character_set_is_refused(
    kind: str, options: str, cause: str, tmp_path: Path
) -> None:
    with database(kind, tmp_path) as empty, recreated(empty, options) as url:
        catalog = Catalog(url)
        with pytest.raises(FatalError, match=f"can't hold the names of all files: it has {cause}") as refused:
            await migrate(catalog)
        await catalog.close()
    assert refused.value.reason is Reason.MISCONFIGURED


async def test_a_table_that_was_converted_is_refused_and_one_of_another_program_is_not(tmp_path: Path) -> None:
    with database("mysql", tmp_path) as url:
        catalog = Catalog(url)
        await catalog.write(lambda tx: tx.execute(text("CREATE TABLE other (name VARCHAR(9)) CHARACTER SET latin1")))
        assert await migrate(catalog)
        convert = text("ALTER TABLE job_folders MODIFY id VARCHAR(255) CHARACTER SET latin1")
        await catalog.write(lambda tx: tx.execute(text("SET foreign_key_checks = 0")) and tx.execute(convert))
        with pytest.raises(FatalError, match=r"its column job_folders\.id has latin1"):
            await migrate(catalog)
        await catalog.close()
