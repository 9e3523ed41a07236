"""The initial schema: a copy of tables.py as it was then, which never changes."""

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


Table(
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
    Column("discard_requested", Boolean, nullable=False),
    Column("retry", JSON(none_as_null=True)),
    Column("credit", Integer, nullable=False),
    Column("credited_at_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("detail", Long),
    Column("probe_at_ms", BigInteger, nullable=False),
    Column("open_folders", Integer, nullable=False),
    Column("discovered", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("bytes_discovered", BigInteger, nullable=False),
    Column("bytes_stored", BigInteger, nullable=False),
    Column("bytes_transferred", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Index("ix_jobs_state_created_at", "state", "created_at"),
    Index("ix_jobs_created_at_id", "created_at", "id"),
    Index("ix_jobs_folder_id_store", "folder_id", "store"),
)

Table(
    "idempotency_keys",
    metadata,
    Column("key_digest", String(64), primary_key=True),
    Column("request_digest", String(64), nullable=False),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index("ix_idempotency_keys_created_ms", "created_ms"),
    Index("ix_idempotency_keys_job_id", "job_id"),
)

Table(
    "job_folders",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("name", Long, nullable=False),
    Column("path", Long, nullable=False),
    Column("resource_key", Exact),
    Column("via_shortcut", Boolean, nullable=False),
    Column("page_token", Long),
    Column("fresh_pages", Integer, nullable=False),
    Column("stale_pages", Integer, nullable=False),
    Column("page_number", Integer, nullable=False),
    Column("checkpoint", Long),
    Column("restarts", SmallInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("available_at_ms", BigInteger, nullable=False),
    Column("lease_until_ms", BigInteger),
    UniqueConstraint("job_id", "folder_id"),
    Index("ix_job_folders_job_id_state", "job_id", "state"),
)

Table(
    "batches",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("files", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("isolated", Boolean, nullable=False),
    Column("available_at_ms", BigInteger, nullable=False),
    Column("lease_until_ms", BigInteger),
    Index("ix_batches_job_id_state", "job_id", "state"),
)

Table(
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
    Column("overwrites", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("detail", Long),
    Column("digest_mismatch", Boolean, nullable=False),
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

Table(
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
    Column("digest_mismatch", Boolean, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("taken_at", DateTime),
    Column("sort_date", Instant, nullable=False),
    Column("camera", Exact),
    Column("latitude", Float(53)),
    Column("longitude", Float(53)),
    Column("media", JSON(none_as_null=True)),
    Column("placeholder", String(64)),
    Column("thumbnail", String(16)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("source", "file_id", "store"),
    Index("ix_images_sort_date_id", "sort_date", "id"),
    Index("ix_images_name_key_id", "name_key", "id"),
    Index("ix_images_size_bytes_id", "size_bytes", "id"),
    Index("ix_images_folder_id_sort_date_id", "folder_id", "sort_date", "id"),
    Index("ix_images_mime_type_sort_date_id", "mime_type", "sort_date", "id"),
    Index("ix_images_camera_sort_date_id", "camera", "sort_date", "id", **_where("camera IS NOT NULL")),
    Index("ix_images_latitude", "latitude", **_where("latitude IS NOT NULL")),
    Index("ix_images_job_id_sort_date_id", "job_id", "sort_date", "id"),
    Index("ix_images_folder_id_name_key_id", "folder_id", "name_key", "id"),
    Index("ix_images_job_id_id", "job_id", "id"),
    sqlite_autoincrement=True,
)

Table(
    "image_words",
    metadata,
    Column("image_id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("word", _sorted(32), primary_key=True),
    Index("ix_image_words_word_image_id", "word", "image_id"),
    sqlite_with_rowid=False,
)

Table(
    "image_counts",
    metadata,
    Column("dimension", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

Table(
    "image_counts_by_day",
    metadata,
    Column("dimension", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

Table(
    "image_counts_by_id_block",
    metadata,
    Column("dimension", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

Table(
    "deleted_objects",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("store", Exact, nullable=False),
    Column("file_id", Exact, nullable=False),
    Column("image_id", BigInteger, nullable=False),
    Column("object_key", Long, nullable=False),
    Column("due_at_ms", BigInteger, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
    Column("fence_item_id", BigInteger),
    Index("ix_deleted_objects_file_id", "file_id"),
    Index("ix_deleted_objects_image_id", "image_id"),
    Index("ix_deleted_objects_due_at_ms", "due_at_ms"),
)

Table(
    "signing_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("key", String(64), nullable=False),
    sqlite_with_rowid=False,
)

Table(
    "ended_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("ended_ms", BigInteger, nullable=False),
    Index("ix_ended_sessions_ended_ms", "ended_ms"),
    sqlite_with_rowid=False,
)

Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("job_id", String(36)),
    Column("discovered", BigInteger),
    Column("processed", BigInteger),
    Column("stored", BigInteger),
    Column("bytes_transferred", BigInteger),
    Column("payload", JSON(none_as_null=True)),
    Index("ix_events_job_id_recorded_at", "job_id", "recorded_at"),
)

Table(
    "job_progress_samples",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("discovered", BigInteger, nullable=False),
    Column("processed", BigInteger, nullable=False),
    Column("bytes_transferred", BigInteger, nullable=False),
    Index("ix_job_progress_samples_job_id_recorded_at", "job_id", "recorded_at"),
)

Table(
    "webhook_deliveries",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("url", Long, nullable=False),
    Column("event_type", String(32), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("available_at_ms", BigInteger, nullable=False),
    Column("http_status", SmallInteger),
    Column("detail", Long),
    Column("updated_at", Instant, nullable=False),
    Index("ix_webhook_deliveries_state_available_at_ms", "state", "available_at_ms"),
    Index("ix_webhook_deliveries_job_id", "job_id"),
)

revision = "0001_initial_schema"
down_revision = None


def upgrade() -> None:
    """Create the tables and indexes that are missing: on MySQL, which commits each one, a killed run made some."""
    bind = op.get_bind()
    for table in metadata.sorted_tables:
        table.create(bind, checkfirst=True)
        for index in table.indexes:
            index.create(bind, checkfirst=True)
