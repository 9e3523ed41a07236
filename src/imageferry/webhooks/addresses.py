"""Addresses, told apart by whether a stranger's webhook may lead there."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Networks whose addresses stand for IPv4 addresses (RFC 6052, RFC 8215).
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
# Public by their numbers, and yet a cloud's own: Azure's platform, and what Python's table has learnt only lately.
_NOT_FOR_STRANGERS = (
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
    IPv6Network("5f00::/16"),
    IPv6Network("fec0::/10"),
)
# Where clouds answer with a machine's credentials, beside the link-local addresses.
_METADATA = (IPv6Address("fd00:ec2::254"), IPv4Address("100.100.100.200"), IPv4Address("192.0.0.192"))


def is_open_to(address: str, *, private: bool) -> bool:
    """True: a webhook may be sent to this IP address; with `private`, also within our own networks.

    Never to where a cloud tells its secrets, nor to what is no single machine.
    """
    ip = _standing_for(ip_address(address.partition("%")[0]))
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _METADATA:
        return False
    if private:
        return ip.is_loopback or not ip.is_reserved
    return ip.is_global and not ip.is_reserved and not any(ip in network for network in _networks(ip))


def _standing_for(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address wraps, where it does."""
    if isinstance(ip, IPv4Address):
        return ip
    if any(ip in network for network in _TRANSLATED):
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
    return inner or ip


def _networks(ip: IPv4Address | IPv6Address) -> list[IPv4Network | IPv6Network]:
    return [network for network in _NOT_FOR_STRANGERS if network.version == ip.version]
