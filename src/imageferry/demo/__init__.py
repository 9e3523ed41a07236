"""A test server for Google Drive on loopback, and sample images for it to serve."""
