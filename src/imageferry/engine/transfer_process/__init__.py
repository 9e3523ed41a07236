"""Transfers in a process beside the local engine's, so that neither waits for the other's Python thread."""
