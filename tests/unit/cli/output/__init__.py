"""Unit tests of cli/output."""
