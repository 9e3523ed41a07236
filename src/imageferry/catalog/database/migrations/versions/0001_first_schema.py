"""The first schema, as it was: a copy that never changes."""

from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = BigInteger().with_variant(Integer(), "sqlite")
Exact = (
    String(255)
    .with_variant(mysql.VARCHAR(255, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
    .with_variant(mssql.NVARCHAR(255, collation="Latin1_General_100_BIN2"), "mssql")
)
Long = (
    Text()
    .with_variant(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
    .with_variant(mssql.NVARCHAR(None, collation="Latin1_General_100_BIN2"), "mssql")
)
_DATETIME2 = mssql.DATETIME2(precision=6)  # type: ignore[no-untyped-call] # SQLAlchemy's
Instant = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb").with_variant(_DATETIME2, "mssql")


def _sorted(length: int) -> TypeEngine[str]:
    return (
        String(length)
        .with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
        .with_variant(String(length, "C"), "postgresql")
        .with_variant(mssql.NVARCHAR(length, collation="Latin1_General_100_BIN2"), "mssql")
    )


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("source", String(32), nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("folder_name", Long),
    Column("resource_key", Exact),
    Column("store", Exact, nullable=False),
    Column("options", JSON, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("webhook_url", Long),
    Column("discarding", Boolean, nullable=False),
    Column("credit", Integer, nullable=False),
    Column("served_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("detail", Long),
    Column("due_ms", BigInteger, nullable=False),
    Column("open_folders", Integer, nullable=False),
    Column("discovered", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("bytes_discovered", BigInteger, nullable=False),
    Column("bytes_stored", BigInteger, nullable=False),
    Column("bytes_moved", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Index("ix_jobs_state_created_at", "state", "created_at"),
    Index("ix_jobs_created_at_id", "created_at", "id"),
    Index("ix_jobs_folder_id_store", "folder_id", "store"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("body", String(64), nullable=False),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index("ix_idempotency_created_ms", "created_ms"),
    Index("ix_idempotency_job_id", "job_id"),
)

folders = Table(
    "folders",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("name", Long, nullable=False),
    Column("path", Long, nullable=False),
    Column("resource_key", Exact),
    Column("by_shortcut", Boolean, nullable=False),
    Column("page_token", Text),
    Column("pages", Integer, nullable=False),
    Column("stale_pages", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    UniqueConstraint("job_id", "folder_id"),
    Index("ix_folders_job_id_state", "job_id", "state"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("files", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Index("ix_batches_job_id_state", "job_id", "state"),
)

items = Table(
    "items",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("batch_id", BigInteger().with_variant(Integer(), "sqlite")),
    Column("file_id", Exact, nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("resource_key", Exact),
    Column("name", Long, nullable=False),
    Column("name_key", _sorted(64), nullable=False),
    Column("path", Long, nullable=False),
    Column("mime_type", String(255), nullable=False),
    Column("size_bytes", BigInteger),
    Column("md5", String(32)),
    Column("version", String(255)),
    Column("object_key", Long),
    Column("replaces", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("detail", Long),
    Column("flagged", Boolean, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("taken_at", DateTime),
    Column("camera", String(255)),
    Column("latitude", Float(53)),
    Column("longitude", Float(53)),
    Column("media", JSON(none_as_null=True)),
    UniqueConstraint("job_id", "file_id"),
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
    Column("job_id", String(36), nullable=False),
    Column("name", Long, nullable=False),
    Column("name_key", _sorted(64), nullable=False),
    Column("path", Long, nullable=False),
    Column("mime_type", Exact, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("md5", String(32), nullable=False),
    Column("version", String(255)),
    Column("object_key", Long, nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("taken_at", DateTime),
    Column("shown_at", Instant, nullable=False),
    Column("camera", Exact),
    Column("latitude", Float(53)),
    Column("longitude", Float(53)),
    Column("media", JSON(none_as_null=True)),
    Column("placeholder", String(64)),
    Column("thumbnail", String(16)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("source", "file_id", "store"),
    Index("ix_images_shown_at_id", "shown_at", "id"),
    Index("ix_images_name_key_id", "name_key", "id"),
    Index("ix_images_size_bytes_id", "size_bytes", "id"),
    Index("ix_images_folder_id_shown_at_id", "folder_id", "shown_at", "id"),
    Index("ix_images_mime_type_shown_at_id", "mime_type", "shown_at", "id"),
    Index("ix_images_camera_shown_at_id", "camera", "shown_at", "id", **_where("camera IS NOT NULL")),
    Index("ix_images_latitude", "latitude", **_where("latitude IS NOT NULL")),
    Index("ix_images_job_id_shown_at_id", "job_id", "shown_at", "id"),
    Index("ix_images_job_id_id", "job_id", "id"),
    sqlite_autoincrement=True,
)

words = Table(
    "words",
    metadata,
    Column("image_id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("word", _sorted(32), primary_key=True),
    Index("ix_words_word_image_id", "word", "image_id"),
    sqlite_with_rowid=False,
)

tallies = Table(
    "tallies",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

days = Table(
    "days",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

blocks = Table(
    "blocks",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

removals = Table(
    "removals",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("store", Exact, nullable=False),
    Column("file_id", Exact, nullable=False),
    Column("image_id", BigInteger, nullable=False),
    Column("object_key", Long, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("item_id_max", BigInteger),
    Index("ix_removals_file_id", "file_id"),
    Index("ix_removals_image_id", "image_id"),
    Index("ix_removals_due_ms", "due_ms"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("key", String(64), nullable=False),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("job_id", String(36)),
    Column("discovered", BigInteger),
    Column("processed", BigInteger),
    Column("stored", BigInteger),
    Column("bytes_moved", BigInteger),
    Column("body", JSON(none_as_null=True)),
    Index("ix_events_job_id_at", "job_id", "at"),
)

samples = Table(
    "samples",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("discovered", BigInteger, nullable=False),
    Column("processed", BigInteger, nullable=False),
    Column("bytes_moved", BigInteger, nullable=False),
    Index("ix_samples_job_id_at", "job_id", "at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("url", Long, nullable=False),
    Column("body", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("status", SmallInteger),
    Column("detail", Long),
    Column("updated_at", Instant, nullable=False),
    Index("ix_deliveries_state_due_ms", "state", "due_ms"),
    Index("ix_deliveries_job_id", "job_id"),
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is not there yet: MySQL commits every step by itself, so a killed run has made some of it."""
    bind = op.get_bind()
    for table in metadata.sorted_tables:
        table.create(bind, checkfirst=True)
        for index in table.indexes:
            index.create(bind, checkfirst=True)
