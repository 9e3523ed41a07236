"""Thumbnails: rendered on the first request, in processes that may crash, and kept in the store."""
