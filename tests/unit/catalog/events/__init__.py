"""Unit tests of catalog/events."""
