"""What of a job is still to be tried again."""

from alembic import op
from sqlalchemy import JSON, Column, inspect

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, unless a killed run has."""
    if "retry" not in {column["name"] for column in inspect(op.get_bind()).get_columns("jobs")}:
        op.add_column("jobs", Column("retry", JSON(none_as_null=True)))
