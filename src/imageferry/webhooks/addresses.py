"""Which IP addresses a webhook may be sent to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Networks whose addresses embed IPv4 addresses (RFC 6052, RFC 8215).
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
# Python counts these as public. They are Azure's platform, and ranges that only newer Python versions know.
_INTERNAL = (
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
    IPv6Network("5f00::/16"),
    IPv6Network("fec0::/10"),
)
# Metadata services that return a machine's credentials, in addition to link-local addresses.
_METADATA = (IPv6Address("fd00:ec2::254"), IPv4Address("100.100.100.200"), IPv4Address("192.0.0.192"))


def is_allowed(address: str, *, allow_private: bool) -> bool:
    """Return whether a webhook may be sent to an IP address. With `allow_private`, private networks are permitted.

    Metadata services, link-local, multicast and unspecified addresses never are.
    """
    ip = _unwrap(ip_address(address.partition("%")[0]))
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _METADATA:
        return False
    if allow_private:
        return ip.is_loopback or not ip.is_reserved
    return ip.is_global and not ip.is_reserved and not any(ip in network for network in _networks(ip))


def _unwrap(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address embeds, else the address itself."""
    if isinstance(ip, IPv4Address):
        return ip
    if any(ip in network for network in _NAT64):
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
    return inner or ip


def _networks(ip: IPv4Address | IPv6Address) -> list[IPv4Network | IPv6Network]:
    return [network for network in _INTERNAL if network.version == ip.version]
