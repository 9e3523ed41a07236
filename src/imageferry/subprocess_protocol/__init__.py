"""Length-prefixed frames between this process and its child processes."""
