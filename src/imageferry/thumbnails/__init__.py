"""Thumbnails: made when they are first asked for, by processes that may die, and kept in the store."""
