"""Unit tests of sources/google_drive."""
