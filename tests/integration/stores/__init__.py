"""Integration tests of the stores."""
