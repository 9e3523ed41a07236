"""Contract tests of stores."""
