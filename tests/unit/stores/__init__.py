"""Unit tests of stores."""
