"""URLs of servers in settings. An invalid one is refused as it is parsed, with an error that does not quote it."""

import re
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, quote, urlsplit

from imageferry.secret import Secret
from imageferry.settings.characters import check_key, check_url

_RABBITMQ_SCHEMES = ("amqp", "amqps", "pyamqp")
_REDIS_SCHEMES = ("redis", "rediss")
_ESCAPES = "in a password / # ? and @ are written as %2F %23 %3F and %40"


class HttpUrl(str):
    """The URL of an HTTP server."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raise ValueError if the text is not such a URL."""
        check_key(text)
        url = _parse(text, "http", "https")
        if url is None or not url.hostname:
            raise ValueError("write http:// or https://, a host and, if it isn't the default, :port")
        return super().__new__(cls, text)


class RedisUrl(Secret):
    """The URL of a Redis server."""

    def __init__(self, text: str) -> None:
        check_url(text)
        if not _is_redis(text):
            raise ValueError(f"write redis://:password@host:6379/0, or rediss:// for TLS; {_ESCAPES}")
        super().__init__(text)


class BrokerUrl(Secret):
    """The URL of a message broker: RabbitMQ (several nodes are separated by semicolons) or Redis."""

    def __init__(self, text: str) -> None:
        check_url(text)
        if not (_is_redis(text) or all(_parse(node, *_RABBITMQ_SCHEMES) for node in text.split(";"))):
            forms = "amqp://user:password@host:5672// for RabbitMQ, redis://:password@host:6379/0 for Redis"
            raise ValueError(f"write {forms}; {_ESCAPES}")
        super().__init__(text)


class DatabaseUrl(Secret):
    """The URL of a database. Which databases there are is known to the catalog."""

    def __init__(self, text: str) -> None:
        if not text.startswith("sqlite"):  # its path may have blanks
            check_url(text)
        super().__init__(text)


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file: its path may have characters that mean something else in a URL."""
    return f"sqlite:///{quote(str(path.expanduser()))}"


def _is_redis(text: str) -> bool:
    url = _parse(text, *_REDIS_SCHEMES)
    return url is not None and re.fullmatch(r"/?[0-9]*/?", url.path) is not None


def _parse(text: str, *schemes: str) -> SplitResult | None:
    """Return the parts of a URL, or None if it has none of these schemes or an invalid port."""
    try:
        url = urlsplit(text)
        is_valid = text.startswith(tuple(f"{scheme}://" for scheme in schemes)) and url.port != 0
    except ValueError:  # its message quotes what it could not parse, which may be part of a password
        return None
    return url if is_valid else None
