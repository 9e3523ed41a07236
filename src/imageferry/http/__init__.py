"""HTTP/1.1 client on the event loop, with direct access to its sockets."""
