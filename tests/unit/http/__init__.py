"""Unit tests of the HTTP client."""
