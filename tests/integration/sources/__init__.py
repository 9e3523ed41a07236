"""Integration tests of sources."""
