"""Contract tests of sources."""
