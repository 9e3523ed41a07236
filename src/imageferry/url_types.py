"""URLs of servers that settings name; one of no use is refused where it is read, and no word of it is told."""

import re
from typing import Self
from urllib.parse import SplitResult, urlsplit

from imageferry.secret import Secret

_RABBITMQ = ("amqp", "amqps", "pyamqp")
_REDIS = ("redis", "rediss")
_ESCAPES = "in a password / # ? and @ are written as %2F %23 %3F and %40"


class HttpUrl(str):
    """Of a server that speaks HTTP."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError when it is none."""
        url = _read(text, "http", "https")
        if url is None or not url.hostname or not re.fullmatch("[!-~]+", text):
            raise ValueError("write http:// or https://, a host and, where it is not the usual one, :port")
        return super().__new__(cls, text)


class RedisUrl(Secret):
    """Of a Redis."""

    def __init__(self, text: str) -> None:
        if not _is_redis(text):
            raise ValueError(f"write redis://:password@host:6379/0, or rediss:// for TLS; {_ESCAPES}")
        super().__init__(text)


class BrokerUrl(Secret):
    """Of a broker: RabbitMQ, or several nodes of it with semicolons, or a Redis."""

    def __init__(self, text: str) -> None:
        if not (_is_redis(text) or all(_read(each, *_RABBITMQ) for each in text.split(";"))):
            wanted = "amqp://user:password@host:5672// for RabbitMQ, redis://:password@host:6379/0 for Redis"
            raise ValueError(f"write {wanted}; {_ESCAPES}")
        super().__init__(text)


def _is_redis(text: str) -> bool:
    url = _read(text, *_REDIS)
    return url is not None and re.fullmatch(r"/?[0-9]*/?", url.path) is not None


def _read(text: str, *schemes: str) -> SplitResult | None:
    """The parts of a URL; None when it has none of these schemes, or its port is none."""
    try:
        url = urlsplit(text)
        is_one = text.startswith(tuple(f"{scheme}://" for scheme in schemes)) and url.port != 0
    except ValueError:  # it tells what it could not read, which may be a part of a password
        return None
    return url if is_one else None
