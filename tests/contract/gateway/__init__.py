"""Contract tests of gateway."""
