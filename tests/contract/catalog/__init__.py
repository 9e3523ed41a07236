"""Contract tests of catalog."""
