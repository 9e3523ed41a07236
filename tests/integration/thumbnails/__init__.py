"""Integration tests of thumbnails."""
