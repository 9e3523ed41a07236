"""Unit tests of pipeline/transfer."""
