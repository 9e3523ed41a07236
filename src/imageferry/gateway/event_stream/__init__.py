"""Server-sent events: the broadcaster and its frames."""
