"""Unit tests of engine/celery."""
