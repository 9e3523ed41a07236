"""The object store that images are brought to."""
