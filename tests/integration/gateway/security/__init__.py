"""Integration tests of gateway/security."""
