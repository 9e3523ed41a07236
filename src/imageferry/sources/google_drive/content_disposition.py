"""Parsing of the Content-Disposition header, which has the name of a file that is looked up without the API."""

from email.message import Message

HEADER_LENGTH_MAX = 4096  # the parser takes quadratic time


def parse_file_name(header: str) -> str | None:
    """Return the file name in a header; None: there is none, or it can't be decoded."""
    message = Message()
    try:
        message["Content-Disposition"] = header[:HEADER_LENGTH_MAX]
        name = message.get_filename()
    except ValueError:  # a header names its codec: any of Python's, also `undefined`
        return None
    return name and name.encode(errors="replace").decode()
