"""Unit tests of the test Drive server."""
