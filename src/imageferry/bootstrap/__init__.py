"""The composition root: builds the components of a process from its settings."""
