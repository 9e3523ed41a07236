"""The child's side of the protocol: blocking, and without asyncio, which takes long to import."""

import os
from contextlib import suppress
from typing import BinaryIO

from imageferry.subprocess_protocol.framing import LENGTH, ConnectionLostError, decode_length, encode_frame


class ParentConnection:
    """Frames from and to the parent process, over what were stdin and stdout.

    What libraries print to stdout from then on goes to stderr.
    """

    def __init__(self) -> None:
        self._input: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._output: BinaryIO = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

    def receive(self) -> bytes | None:
        """Return the body of the next frame; None once the connection is lost."""
        try:
            header = self._input.read(LENGTH.size)
            if len(header) < LENGTH.size:
                return None
            size_bytes = decode_length(header)
            body = self._input.read(size_bytes)
        # ConnectionError: the parent has ended without reading all that was sent to it.
        except (ConnectionError, ConnectionLostError):
            return None
        return body if len(body) == size_bytes else None

    def send(self, body: bytes) -> None:
        """Send a frame; a no-op once the parent has ended: `receive` returns None then."""
        with suppress(ConnectionError):
            self._output.write(encode_frame(body))
            self._output.flush()
