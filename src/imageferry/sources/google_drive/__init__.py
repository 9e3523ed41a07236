"""Google Drive: through its API with a key or a service account, or through its public pages without either."""
