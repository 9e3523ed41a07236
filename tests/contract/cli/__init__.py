"""Contract tests of cli."""
