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
    Text,
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


# As an option of an index, its name would have SQLAlchemy import all that it knows of PostgreSQL.
_ONLY = "only where"


@compiles(CreateIndex, "sqlite")
@compiles(CreateIndex, "postgresql")
def _create_index(create: CreateIndex, compiler: DDLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    """Index some rows alone, where the database can."""
    text: str = compiler.visit_create_index(create, **kw)  # type: ignore[no-untyped-call] # SQLAlchemy's
    where = create.element.info.get(_ONLY)
    return text if where is None else f"{text} WHERE {where}"


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
    Column("priority", SmallInteger, nullable=False),  # higher ones are served first
    Column("webhook_url", Long),  # who is told of its end
    Column("discarding", Boolean, nullable=False),  # cancelled, and what it stored is to be removed
    Column("retry", JSON(none_as_null=True)),  # what is still to be tried again
    Column("credit", Integer, nullable=False),  # batches that it may have in flight
    Column("served_ms", BigInteger, nullable=False),  # when it was given credit to begin with: the longest ago is next
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
    Index("ix_jobs_created_at_id", "created_at", "id"),
    Index("ix_jobs_folder_id_store", "folder_id", "store"),
)

# Requests that a client may make again without a second effect, for as long as they are kept.
idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(64), primary_key=True),  # a digest of what the client named
    Column("body", String(64), nullable=False),  # a digest of what was asked
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index("ix_idempotency_created_ms", "created_ms"),
    Index("ix_idempotency_job_id", "job_id"),
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
    Column("name_key", Exact(NAME_KEY_LENGTH, is_sorted=True), nullable=False),  # what its image is sorted by
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
    Column("name_key", Exact(NAME_KEY_LENGTH, is_sorted=True), nullable=False),  # the name's beginning, its case folded
    Column("path", Long, nullable=False),
    Column("mime_type", Exact, nullable=False),  # as the content tells, else as the source claims
    Column("size_bytes", BigInteger, nullable=False),
    Column("md5", String(32), nullable=False),
    Column("version", String(255)),
    Column("object_key", Long, nullable=False),  # relative to the store's URL
    Column("flagged", Boolean, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("taken_at", DateTime),
    Column("shown_at", Instant, nullable=False),  # `taken_at`, else `created_at`: where it stands in the gallery
    Column("camera", Exact),
    Column("latitude", Float(53)),
    Column("longitude", Float(53)),
    Column("media", JSON(none_as_null=True)),
    Column("placeholder", String(64)),  # a thumbhash in Base64, once a thumbnail was made
    Column("thumbnail", String(16)),  # None: not tried; else `ready` or `failed`
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("source", "file_id", "store"),
    # Each order that is offered, and what is often asked for alone; an index costs every file that is stored.
    Index("ix_images_shown_at_id", "shown_at", "id"),
    Index("ix_images_name_key_id", "name_key", "id"),
    Index("ix_images_size_bytes_id", "size_bytes", "id"),
    Index("ix_images_folder_id_shown_at_id", "folder_id", "shown_at", "id"),
    Index("ix_images_mime_type_shown_at_id", "mime_type", "shown_at", "id"),
    Index("ix_images_camera_shown_at_id", "camera", "shown_at", "id", info={_ONLY: "camera IS NOT NULL"}),
    Index("ix_images_latitude", "latitude", info={_ONLY: "latitude IS NOT NULL"}),
    Index("ix_images_job_id_shown_at_id", "job_id", "shown_at", "id"),
    Index("ix_images_folder_id_name_key_id", "folder_id", "name_key", "id"),
    Index("ix_images_job_id_id", "job_id", "id"),
    # The id of a deleted image is never given again: browsers keep thumbnails by it.
    sqlite_autoincrement=True,
)

# The words of an image's name: what is searched.
words = Table(
    "words",
    metadata,
    Column("image_id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("word", Exact(WORD_LENGTH, is_sorted=True), primary_key=True),
    Index("ix_words_word_image_id", "word", "image_id"),
    sqlite_with_rowid=False,
)

# How many images there are of a kind, kept in the transactions that change them.
tallies = Table(
    "tallies",
    metadata,
    Column("kind", String(16), primary_key=True),  # a tallies.Kind
    Column("value", Exact, primary_key=True),  # the type, the folder; "" where there is but one
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The same by the day that they stand at in the gallery, so that any day is found without going through those before.
days = Table(
    "days",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("day", Date, primary_key=True),  # of `shown_at`
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The same by blocks of ids, so that any place in the order in which they were stored is found in that way, too.
blocks = Table(
    "blocks",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", Exact, primary_key=True),
    Column("block", BigInteger, primary_key=True, autoincrement=False),  # an id divided by tallies.BLOCK
    Column("images", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Objects whose images were deleted: until they are gone, and a while longer, for transfers that were under way.
removals = Table(
    "removals",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("store", Exact, nullable=False),
    Column("file_id", Exact, nullable=False),
    Column("image_id", BigInteger, nullable=False),
    Column("object_key", Long, nullable=False),
    Column("due_ms", BigInteger, nullable=False),  # whoever works on it has until then; done: when to forget it
    Column("item_id_max", BigInteger),  # done: the newest item by then; None: the object may still be there
    Index("ix_removals_file_id", "file_id"),
    Index("ix_removals_image_id", "image_id"),
    Index("ix_removals_due_ms", "due_ms"),
)

# Keys that all gateways of a catalog sign with.
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("key", String(64), nullable=False),
    sqlite_with_rowid=False,
)

# What changed lately, in the order in which it was begun to be written; see events.py for how much of it is kept.
events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),  # an EventKind
    Column("at", Instant, nullable=False),
    Column("job_id", String(36)),  # no foreign key: it is told of a job that is gone, too
    Column("discovered", BigInteger),  # the job's counts at that moment, as all below
    Column("processed", BigInteger),
    Column("stored", BigInteger),
    Column("bytes_moved", BigInteger),
    Column("body", JSON(none_as_null=True)),  # what else is to be told
    Index("ix_events_job_id_at", "job_id", "at"),
)

# How a job went on, when that is no event any more.
samples = Table(
    "samples",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),  # its event's
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("discovered", BigInteger, nullable=False),
    Column("processed", BigInteger, nullable=False),
    Column("bytes_moved", BigInteger, nullable=False),
    Index("ix_samples_job_id_at", "job_id", "at"),
)

# Webhooks: who is to be told that a job came to its end.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("url", Long, nullable=False),
    Column("body", JSON, nullable=False),  # the job as it ended
    Column("state", String(16), nullable=False),  # a DeliveryState
    Column("tries", SmallInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),  # waiting: not before; on its way: the lease's end
    Column("status", SmallInteger),  # what was answered last
    Column("detail", Long),  # what was wrong last
    Column("updated_at", Instant, nullable=False),
    Index("ix_deliveries_state_due_ms", "state", "due_ms"),
    Index("ix_deliveries_job_id", "job_id"),
)
