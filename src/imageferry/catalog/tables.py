"""The catalog's tables."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql


class WithoutNul(TypeDecorator[str]):
    """Text in a database that holds every character but NUL: it is kept as U+2400, its picture."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the base's
        """What is written."""
        return None if value is None else value.replace("\0", "\N{SYMBOL FOR NULL}")


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows only in a column of the exact type INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")
# Names hold any character and tell upper from lower case: MySQL's default collation does neither fully.
Exact = String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
Long = (
    Text()
    .with_variant(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
    .with_variant(WithoutNul(), "postgresql")
)
# Whole seconds are not enough to order events by; MySQL keeps them unless told otherwise.
Instant = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")  # UTC, no zone

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("source", String(32), nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("folder_name", Long),  # known once the root is resolved
    Column("resource_key", Exact),
    Column("store", Exact, nullable=False),  # the store's URL, without secrets
    Column("options", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),  # why it waits or failed
    Column("detail", Long),  # the same in one sentence
    Column("due_ms", BigInteger, nullable=False),  # waiting: when to probe
    Column("open_folders", Integer, nullable=False),  # not listed to their end
    Column("discovered", BigInteger, nullable=False),  # files seen: stored + skipped + failed + pending
    Column("stored", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),  # of the skipped: the catalog holds this version
    Column("failed", BigInteger, nullable=False),
    Column("bytes_discovered", BigInteger, nullable=False),  # of the files to transfer, as far as listed
    Column("bytes_stored", BigInteger, nullable=False),
    Column("bytes_moved", BigInteger, nullable=False),  # of the stored: those that came over the wire
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Index("ix_jobs_state_created_at", "state", "created_at"),
    Index("ix_jobs_folder_id_store", "folder_id", "store"),
)

# A folder of a job, and how far it is listed.
folders = Table(
    "folders",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("name", Long, nullable=False),
    Column("path", Long, nullable=False),  # below the root, names joined by `/`; the root is ""
    Column("resource_key", Exact),
    Column("by_shortcut", Boolean, nullable=False),
    Column("page_token", Text),  # of the page to list next
    Column("pages", Integer, nullable=False),  # that brought something new
    Column("stale_pages", Integer, nullable=False),  # since the last one that did
    Column("state", String(16), nullable=False),  # a LedgerState
    Column("tries", SmallInteger, nullable=False),  # since its last page that succeeded
    Column("due_ms", BigInteger, nullable=False),  # ready: not before; in flight: the lease's end
    UniqueConstraint("job_id", "folder_id"),  # a shortcut's cycle ends here
    Index("ix_folders_job_id_state", "job_id", "state"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("state", String(16), nullable=False),  # a LedgerState
    Column("files", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("tries", SmallInteger, nullable=False),  # times it was given out
    Column("due_ms", BigInteger, nullable=False),  # ready: not before; in flight: the lease's end
    Index("ix_batches_job_id_state", "job_id", "state"),
)

items = Table(
    "items",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("batch_id", BigInteger().with_variant(Integer(), "sqlite")),  # None: never to be transferred
    Column("file_id", Exact, nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("resource_key", Exact),
    Column("name", Long, nullable=False),
    Column("path", Long, nullable=False),  # of its folder below the root
    Column("mime_type", String(255), nullable=False),
    Column("size_bytes", BigInteger),
    Column("md5", String(32)),
    Column("version", String(255)),
    Column("object_key", Long),
    Column("replaces", Boolean, nullable=False),  # an older version stands under the key
    Column("state", String(16), nullable=False),  # an ItemState
    Column("reason", String(32)),
    Column("detail", Long),
    Column("flagged", Boolean, nullable=False),  # stored although the source's digest never matched
    Column("tries", SmallInteger, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("taken_at", DateTime),
    Column("camera", String(255)),
    Column("latitude", Float(53)),
    Column("longitude", Float(53)),
    Column("media", JSON(none_as_null=True)),  # everything the listing told of the picture
    UniqueConstraint("job_id", "file_id"),  # a file listed twice is one item
    Index("ix_items_batch_id", "batch_id"),
    Index("ix_items_job_id_state", "job_id", "state", "id"),
)

images = Table(
    "images",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("source", String(32), nullable=False),
    Column("store", Exact, nullable=False),
    Column("file_id", Exact, nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("job_id", String(36), nullable=False),  # that stored it last
    Column("name", Long, nullable=False),
    Column("path", Long, nullable=False),
    Column("mime_type", String(255), nullable=False),  # as the content tells, else as the source claims
    Column("size_bytes", BigInteger, nullable=False),
    Column("md5", String(32), nullable=False),
    Column("version", String(255)),
    Column("object_key", Long, nullable=False),  # relative to the store's URL
    Column("flagged", Boolean, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("taken_at", DateTime),
    Column("camera", String(255)),
    Column("latitude", Float(53)),
    Column("longitude", Float(53)),
    Column("media", JSON(none_as_null=True)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("source", "file_id", "store"),
    Index("ix_images_folder_id_id", "folder_id", "id"),
    Index("ix_images_job_id_id", "job_id", "id"),
)
