"""Contract tests of the test Drive server: other Drive clients use it."""
