"""Contract tests of engine."""
