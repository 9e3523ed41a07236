"""Transfers in a process beside the local engine's, so that the two don't compete for one interpreter lock."""
