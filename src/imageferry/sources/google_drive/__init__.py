"""Google Drive: through its API with a key or a credentials file, or through its public pages without either."""
