"""Google Drive, piece by piece."""
