"""Migrations of the catalog's schema, run by Alembic."""
