"""A Google Drive stand-in on loopback, and sample pictures for it to serve."""
