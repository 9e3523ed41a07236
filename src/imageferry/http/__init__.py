"""HTTP/1.1 on the event loop: bytes pass between sockets and whoever wants them, with nobody in between."""
