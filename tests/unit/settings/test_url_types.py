"""URLs of servers: which are accepted, and that the error for an invalid one does not quote it."""

import pytest

from imageferry.settings.url_types import BrokerUrl, HttpUrl, RedisUrl

REDIS = ["redis://", "redis://cache", "redis://:p%2Fw@cache:6380/1", "rediss://cache/0?ssl_cert_reqs=none"]
RABBITMQ = ["amqp://", "amqp://user:word@queue//", "amqps://queue:5671/ours", "amqp://one//;amqp://two//"]
INVALID_REDIS = [
    "redis:/cache",
    "redis://cache:hidden/1",
    "redis://cache/hidden",
    "redis://:hid/den@cache",
    "http://cache",
]
INVALID_RABBITMQ = [
    "rabbitmq://user:hidden@queue",
    "kafka://queue",
    "memory://",
    "amqp://queue:hidden//",
    "amqp://user:hid#den@queue",
    "amqp://queue//;http://queue",
]


@pytest.mark.parametrize("text", REDIS)
def test_a_redis_url_is_accepted(text: str) -> None:
    assert RedisUrl(text).reveal() == BrokerUrl(text).reveal() == text


@pytest.mark.parametrize("text", RABBITMQ)
def test_a_rabbitmq_url_is_accepted_only_as_a_broker(text: str) -> None:
    assert BrokerUrl(text).reveal() == text
    with pytest.raises(ValueError, match="write redis://"):
        RedisUrl(text)


@pytest.mark.parametrize("text", [*INVALID_REDIS, *INVALID_RABBITMQ])
def test_an_invalid_broker_url_is_refused_without_quoting_it(text: str) -> None:
    for kind in (BrokerUrl, RedisUrl):
        with pytest.raises(ValueError, match="write ") as refused:
            kind(text)
        assert "hid" not in str(refused.value)


@pytest.mark.parametrize("text", ["http://127.0.0.1:9000", "https://s3.example/path", "http://[::1]:1", "http://a_b"])
def test_an_http_url_is_accepted(text: str) -> None:
    assert HttpUrl(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1:9000",
        "s3.example",
        "http:127.0.0.1",
        "http://",
        "ftp://a",
        "http://a:b",
        "http://[::",
    ],
)
def test_an_invalid_http_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write http://"):
        HttpUrl(text)
