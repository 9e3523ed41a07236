"""The read-only part of the Drive v3 API."""
