"""Rooms, each by itself."""
