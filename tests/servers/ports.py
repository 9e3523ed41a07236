"""Free TCP ports on loopback."""

import socket


def free_port() -> int:
    """Return a TCP port that is free at the time of the call."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
