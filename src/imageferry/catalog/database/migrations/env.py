"""Runs the migrations over the connection that imageferry.catalog.database.migrate hands in."""

from alembic import context

from imageferry.catalog.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters tables by copying them
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
