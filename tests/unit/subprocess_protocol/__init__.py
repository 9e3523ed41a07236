"""Unit tests of subprocess_protocol."""
