"""Google Drive: over its API with a key or a service account, and over its public pages without either."""
