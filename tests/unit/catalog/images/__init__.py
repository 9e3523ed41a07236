"""Unit tests of catalog/images."""
