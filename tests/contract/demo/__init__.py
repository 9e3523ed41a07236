"""Contract tests of demo."""
