"""The catalog's tables."""

from typing import Any

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
    UniqueConstraint,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler

from imageferry.catalog.database.column_types import Exact, Instant, Long, Serial

NAME_KEY_LENGTH = 64
WORD_LENGTH = 32

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


# Key in an index's `info`. The dialects' own options (`postgresql_where`) would make SQLAlchemy import the dialect.
_WHERE = "where"


@compiles(CreateIndex, "sqlite")
@compiles(CreateIndex, "postgresql")
def _create_index(create: CreateIndex, compiler: DDLCompiler, **kw: Any) -> str:  # noqa: ANN401 - any options
    """Add the WHERE clause of a partial index, on databases that have them."""
    text: str = compiler.visit_create_index(create, **kw)  # type: ignore[no-untyped-call] # SQLAlchemy's
    where = create.element.info.get(_WHERE)
    return text if where is None else f"{text} WHERE {where}"


jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("source", String(32), nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("folder_name", Long),  # None until the root folder is resolved
    Column("resource_key", Exact),
    Column("store", Exact, nullable=False),  # the store's URL, without secrets
    Column("options", JSON, nullable=False),  # a JobOptions
    Column("priority", SmallInteger, nullable=False),  # higher ones are dispatched first
    Column("webhook_url", Long),  # notified when the job finishes
    Column("discard_requested", Boolean, nullable=False),  # cancelled, and the images it stored are to be deleted
    Column("retry", JSON(none_as_null=True)),  # a PendingRetry
    Column("credit", Integer, nullable=False),  # how many batches the job may have in flight
    Column("credited_at_ms", BigInteger, nullable=False),  # when its turn last started; the job with the oldest is next
    Column("state", String(16), nullable=False),  # a JobState
    Column("reason", String(32)),  # why the job waits or failed
    Column("detail", Long),  # the reason as one sentence
    Column("probe_at_ms", BigInteger, nullable=False),  # WAITING: when the job tries again
    Column("open_folders", Integer, nullable=False),  # folders that are not fully listed
    Column("discovered", BigInteger, nullable=False),  # files listed: stored + skipped + failed + pending
    Column("stored", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),  # of the skipped: the catalog already has this version
    Column("failed", BigInteger, nullable=False),
    Column("bytes_discovered", BigInteger, nullable=False),  # size of the files to transfer, as far as it is listed
    Column("bytes_stored", BigInteger, nullable=False),
    Column("bytes_transferred", BigInteger, nullable=False),  # of the stored: bytes that were transferred
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Index("ix_jobs_state_created_at", "state", "created_at"),
    Index("ix_jobs_created_at_id", "created_at", "id"),
    Index("ix_jobs_folder_id_store", "folder_id", "store"),
)

# Idempotency keys of requests that created jobs, kept for a day.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key_digest", String(64), primary_key=True),
    Column("request_digest", String(64), nullable=False),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index("ix_idempotency_keys_created_ms", "created_ms"),
    Index("ix_idempotency_keys_job_id", "job_id"),
)

# The folders of each job, and how far each is listed.
job_folders = Table(
    "job_folders",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("folder_id", Exact, nullable=False),
    Column("name", Long, nullable=False),
    Column("path", Long, nullable=False),  # below the root, names joined by `/`; the root is ""
    Column("resource_key", Exact),
    Column("via_shortcut", Boolean, nullable=False),  # found through a shortcut
    Column("page_token", Long),  # of the page to list next; None: the first
    Column("fresh_pages", Integer, nullable=False),  # pages with a file or folder that was not known
    Column("stale_pages", Integer, nullable=False),  # pages without one since the last fresh page
    Column("page_number", Integer, nullable=False),  # of the page to list next
    Column("checkpoint", Long),  # token of an earlier page: a listing that comes back to it goes in a circle
    Column(
        "restarts", SmallInteger, nullable=False
    ),  # times it was listed from its first page again, since the last fresh page
    Column("state", String(16), nullable=False),  # a LedgerState
    Column("tries", SmallInteger, nullable=False),  # times it was dispatched since its last page that succeeded
    Column("available_at_ms", BigInteger, nullable=False),  # READY: not dispatched before this time
    Column("lease_until_ms", BigInteger),  # IN_FLIGHT: the sweep requeues it after this time
    UniqueConstraint("job_id", "folder_id"),  # ends a cycle of shortcuts
    Index("ix_job_folders_job_id_state", "job_id", "state"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("state", String(16), nullable=False),  # a LedgerState
    Column("files", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("tries", SmallInteger, nullable=False),  # times it was dispatched; 1 again once a file in it has an outcome
    Column("isolated", Boolean, nullable=False),  # its only file may hang the process that transfers it
    Column("available_at_ms", BigInteger, nullable=False),  # READY: not dispatched before this time
    Column("lease_until_ms", BigInteger),  # IN_FLIGHT: the sweep requeues it after this time
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
    Column("name_key", Exact(NAME_KEY_LENGTH, is_sorted=True), nullable=False),  # sort key of its image
    Column("path", Long, nullable=False),  # of its folder, below the root
    Column("mime_type", String(255), nullable=False),
    Column("size_bytes", BigInteger),
    Column("md5", String(32)),
    Column("version", String(255)),
    Column("object_key", Long),
    Column("overwrites", Boolean, nullable=False),  # an older version exists under the key
    Column("state", String(16), nullable=False),  # an ItemState
    Column("reason", String(32)),
    Column("detail", Long),
    Column("digest_mismatch", Boolean, nullable=False),  # stored although the source's digest never matched
    Column("tries", SmallInteger, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("taken_at", DateTime),
    Column("camera", String(255)),
    Column("latitude", Float(53)),
    Column("longitude", Float(53)),
    Column("media", JSON(none_as_null=True)),  # all image metadata that the listing has
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
    Column("job_id", String(36), nullable=False),  # the job that stored it last
    Column("name", Long, nullable=False),
    Column("name_key", Exact(NAME_KEY_LENGTH, is_sorted=True), nullable=False),  # the start of the name, case-folded
    Column("path", Long, nullable=False),  # of its folder, below the root
    Column("mime_type", Exact, nullable=False),  # detected from the content, else as the source claims
    Column("size_bytes", BigInteger, nullable=False),
    Column("md5", String(32), nullable=False),
    Column("version", String(255)),
    Column("object_key", Long, nullable=False),  # relative to the store's URL
    Column("digest_mismatch", Boolean, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("taken_at", DateTime),
    Column("sort_date", Instant, nullable=False),  # `taken_at`, else `created_at`: the gallery's order
    Column("camera", Exact),
    Column("latitude", Float(53)),
    Column("longitude", Float(53)),
    Column("media", JSON(none_as_null=True)),
    Column("placeholder", String(64)),  # a thumbhash in Base64; None until a thumbnail was made
    Column("thumbnail", String(16)),  # None: not tried; else `ready` or `failed`
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("source", "file_id", "store"),
    # One for each sort order and each frequent filter; every index costs time for each file stored.
    Index("ix_images_sort_date_id", "sort_date", "id"),
    Index("ix_images_name_key_id", "name_key", "id"),
    Index("ix_images_size_bytes_id", "size_bytes", "id"),
    Index("ix_images_folder_id_sort_date_id", "folder_id", "sort_date", "id"),
    Index("ix_images_mime_type_sort_date_id", "mime_type", "sort_date", "id"),
    Index("ix_images_camera_sort_date_id", "camera", "sort_date", "id", info={_WHERE: "camera IS NOT NULL"}),
    Index("ix_images_latitude", "latitude", info={_WHERE: "latitude IS NOT NULL"}),
    Index("ix_images_job_id_sort_date_id", "job_id", "sort_date", "id"),
    Index("ix_images_folder_id_name_key_id", "folder_id", "name_key", "id"),
    Index("ix_images_job_id_id", "job_id", "id"),
    # The id of a deleted image is never reused: browsers cache thumbnails by it.
    sqlite_autoincrement=True,
)

# Inverted index: the words of each image's name.
image_words = Table(
    "image_words",
    metadata,
    Column("image_id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("word", Exact(WORD_LENGTH, is_sorted=True), primary_key=True),
    Index("ix_image_words_word_image_id", "word", "image_id"),
    sqlite_with_rowid=False,
)

# Counters: the number and size of images by value of a dimension, updated in the transactions that change images.
image_counts = Table(
    "image_counts",
    metadata,
    Column("dimension", String(16), primary_key=True),  # a counters.Dimension
    Column("value", Exact, primary_key=True),  # such as the type or the folder; "" where there is only one
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The same counters by day, so that an offset in the gallery is located without scanning the rows before it.
image_counts_by_day = Table(
    "image_counts_by_day",
    metadata,
    Column("dimension", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("day", Date, primary_key=True),  # of `sort_date`
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The same counters by block of ids, so that an offset in the order of import is located in the same way.
image_counts_by_id_block = Table(
    "image_counts_by_id_block",
    metadata,
    Column("dimension", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),  # the id divided by counters.BLOCK_SIZE
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Tombstones: objects of deleted images, kept until the object is deleted and a while longer for transfers in progress.
deleted_objects = Table(
    "deleted_objects",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("store", Exact, nullable=False),
    Column("file_id", Exact, nullable=False),
    Column("image_id", BigInteger, nullable=False),
    Column("object_key", Long, nullable=False),
    # While the object exists: when a process may claim the row, after a lease or a delay. Afterwards: when to remove
    # the row. One column, because the index on it serves both.
    Column("due_at_ms", BigInteger, nullable=False),
    Column("is_deleted", Boolean, nullable=False),  # False: the object may still exist
    # The newest item id when the last try to delete the object had ended: uploads of items up to it may be lost.
    # None: one may be in progress.
    Column("fence_item_id", BigInteger),
    Index("ix_deleted_objects_file_id", "file_id"),
    Index("ix_deleted_objects_image_id", "image_id"),
    Index("ix_deleted_objects_due_at_ms", "due_at_ms"),
)

# Keys that all gateways of a catalog sign with.
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("key", String(64), nullable=False),
    sqlite_with_rowid=False,
)

# Browser sessions that were signed out, until they would have expired.
ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("ended_ms", BigInteger, nullable=False),
    Index("ix_ended_sessions_ended_ms", "ended_ms"),
    sqlite_with_rowid=False,
)

# Recent changes, in the order in which their transactions wrote them; event_log.py has how many are kept.
events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),  # an EventKind
    Column("recorded_at", Instant, nullable=False),
    Column("job_id", String(36)),  # no foreign key: events outlive their job
    Column("discovered", BigInteger),  # the job's counts at that time, like the next three
    Column("processed", BigInteger),
    Column("stored", BigInteger),
    Column("bytes_transferred", BigInteger),
    Column("payload", JSON(none_as_null=True)),  # fields of other kinds of events
    Index("ix_events_job_id_recorded_at", "job_id", "recorded_at"),
)

# The progress of each job over time, kept after its events are pruned.
job_progress_samples = Table(
    "job_progress_samples",
    metadata,
    # The id of the event.
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("discovered", BigInteger, nullable=False),
    Column("processed", BigInteger, nullable=False),
    Column("bytes_transferred", BigInteger, nullable=False),
    Index("ix_job_progress_samples_job_id_recorded_at", "job_id", "recorded_at"),
)

# Outbox: webhook notifications about finished jobs, and how their delivery went.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("url", Long, nullable=False),
    Column("event_type", String(32), nullable=False),  # such as `job.completed`
    Column("payload", JSON, nullable=False),  # the job as it finished
    Column("state", String(16), nullable=False),  # a DeliveryState
    Column("tries", SmallInteger, nullable=False),
    # WAITING: when to try next. SENDING: when the lease ends, and another process may try.
    Column("available_at_ms", BigInteger, nullable=False),
    Column("http_status", SmallInteger),  # of the last response
    Column("detail", Long),  # why the last try failed
    Column("updated_at", Instant, nullable=False),
    Index("ix_webhook_deliveries_state_available_at_ms", "state", "available_at_ms"),
    Index("ix_webhook_deliveries_job_id", "job_id"),
)
