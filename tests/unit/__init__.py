"""Unit tests: each package in isolation."""
