"""Unit tests of cli/handlers."""
