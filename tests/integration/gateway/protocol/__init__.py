"""Integration tests of gateway/protocol."""
