"""Contract tests of pipeline."""
