"""Unit tests of pipeline/record."""
