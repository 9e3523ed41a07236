"""Contract tests of application."""
