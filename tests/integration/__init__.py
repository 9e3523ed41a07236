"""Tests that start servers or processes."""
