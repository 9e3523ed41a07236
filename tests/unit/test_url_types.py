"""URLs of servers: which are understood, and that those of no use are told without a word of them."""

import pytest

from imageferry.url_types import BrokerUrl, HttpUrl, RedisUrl

REDIS = ["redis://", "redis://cache", "redis://:p%2Fw@cache:6380/1", "rediss://cache/0?ssl_cert_reqs=none"]
RABBITMQ = ["amqp://", "amqp://user:word@queue//", "amqps://queue:5671/ours", "amqp://one//;amqp://two//"]
NO_REDIS = ["redis:/cache", "redis://cache:hidden/1", "redis://cache/hidden", "redis://:hid/den@cache", "http://cache"]
NO_RABBITMQ = [
    "rabbitmq://user:hidden@queue",
    "kafka://queue",
    "memory://",
    "amqp://queue:hidden//",
    "amqp://user:hid#den@queue",
    "amqp://queue//;http://queue",
]


@pytest.mark.parametrize("text", REDIS)
def test_a_redis_is_understood(text: str) -> None:
    assert RedisUrl(text).reveal() == BrokerUrl(text).reveal() == text


@pytest.mark.parametrize("text", RABBITMQ)
def test_rabbitmq_is_understood_as_a_broker_alone(text: str) -> None:
    assert BrokerUrl(text).reveal() == text
    with pytest.raises(ValueError, match="write redis://"):
        RedisUrl(text)


@pytest.mark.parametrize("text", [*NO_REDIS, *NO_RABBITMQ])
def test_what_is_no_broker_is_refused_without_a_word_of_it(text: str) -> None:
    for kind in (BrokerUrl, RedisUrl):
        with pytest.raises(ValueError, match="write ") as refused:
            kind(text)
        assert "hid" not in str(refused.value)


@pytest.mark.parametrize("text", ["http://127.0.0.1:9000", "https://s3.example/path", "http://[::1]:1", "http://a_b"])
def test_a_server_that_speaks_http_is_understood(text: str) -> None:
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
        "http://a b",
        "http://[::",
    ],
)
def test_what_is_no_server_that_speaks_http_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write http://"):
        HttpUrl(text)
