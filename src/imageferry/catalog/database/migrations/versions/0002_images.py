"""The names of a folder in order; in which blocks of ids images of a month stand."""

from alembic import op
from sqlalchemy import BigInteger, Column, Date, DateTime, Index, MetaData, String, Table, cast, func, literal, select

metadata = MetaData()

images = Table(
    "images",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("shown_at", DateTime),
    Column("size_bytes", BigInteger),
    Column("folder_id", String(255)),
    Column("name_key", String(64)),
    Index("ix_images_folder_id_name_key_id", "folder_id", "name_key", "id"),
)
blocks = Table(
    "blocks",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", String(255), primary_key=True),
    Column("block", BigInteger, primary_key=True),
    Column("images", BigInteger),
    Column("size_bytes", BigInteger),
)

BLOCK = 2_000
MONTH = "month"

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index, where there is none yet, and count anew, whatever a killed run has counted."""
    for index in images.indexes:
        index.create(op.get_bind(), checkfirst=True)
    month = func.substring(cast(func.date(images.c.shown_at, type_=Date), String(10)), 1, 7)
    block = images.c.id // BLOCK
    counted = select(literal(MONTH), month, block, func.count(), func.sum(images.c.size_bytes)).group_by(month, block)
    op.execute(blocks.delete().where(blocks.c.kind == MONTH))
    op.execute(blocks.insert().from_select(blocks.c.keys(), counted))
