"""Unit tests of thumbnails."""
