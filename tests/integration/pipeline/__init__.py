"""Integration tests of pipeline."""
