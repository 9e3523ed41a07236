"""Integration tests of catalog."""
