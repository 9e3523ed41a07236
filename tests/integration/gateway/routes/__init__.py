"""Integration tests of gateway/routes."""
