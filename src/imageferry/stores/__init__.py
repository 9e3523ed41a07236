"""The object store that images are copied to."""
