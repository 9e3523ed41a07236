"""Where a webhook may be sent, by its URL and by the address that its host resolves to."""

import pytest

from imageferry.errors import UsageError
from imageferry.webhooks.addresses import is_allowed
from imageferry.webhooks.urls import validate_url

PRIVATE = ["127.0.0.1", "127.1.2.3", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"]
FORBIDDEN = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "100.100.100.200",
    "192.0.0.192",
    "0.0.0.0",  # noqa: S104 - not bound, only checked
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
]
EMBEDDED = [
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "::127.0.0.1",
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1::", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]


@pytest.mark.parametrize(
    "address", [*PRIVATE, *FORBIDDEN, *EMBEDDED, "168.63.129.16", "fec0::1", "192.0.2.1", "2001:db8::1"]
)
def test_a_private_address_is_refused(address: str) -> None:
    assert not is_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_allowed_for_a_configured_host(address: str) -> None:
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_metadata_and_other_special_addresses_are_always_refused(address: str) -> None:
    assert not is_allowed(address, allow_private=True)


@pytest.mark.parametrize(
    "url", ["https://hooks.example/a?b=c", "https://93.184.216.34:8443/", "https://[2606:2800:220:1::]/"]
)
def test_a_valid_url_is_accepted(url: str) -> None:
    assert str(validate_url(url)) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "http://hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@hooks.example/",
        "https://user:secret@hooks.example/",
        "https://hooks.example:99999/",
        "https://hooks.example:x/",
        "https://localhost/",
        "https://x.localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.1.2.3/",
        "https://[/",
        "https://hooks.example/" + "x" * 2048,
        "javascript:alert(1)",
    ],
)
def test_an_invalid_url_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(UsageError, match=r"^The webhook URL can't be used: .+\.$"):
        validate_url(url)


def test_a_configured_private_host_may_use_http() -> None:
    assert validate_url("http://hooks.internal:8080/", private_hosts=["hooks.internal"]).port == 8080
    with pytest.raises(UsageError):
        validate_url("http://other.internal/", private_hosts=["hooks.internal"])
