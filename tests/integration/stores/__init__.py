"""Integration tests of stores."""
