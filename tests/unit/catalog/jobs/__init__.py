"""Unit tests of catalog/jobs."""
