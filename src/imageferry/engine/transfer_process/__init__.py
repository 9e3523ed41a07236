"""A process beside the local engine's that moves the bytes: neither waits for the other's Python."""
