"""Unit tests of catalog/database."""
