"""Sources: where files are imported from."""
