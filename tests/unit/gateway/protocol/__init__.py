"""Unit tests of gateway/protocol."""
