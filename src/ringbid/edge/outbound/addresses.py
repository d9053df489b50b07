"""Which IP addresses may be dialled: our own list, judged on the very address that is dialled.

Asked by `edge.outbound.client` just before it connects. The standard library's `is_global` lets through multicast,
a metadata service in its NAT64 and 6to4 forms, and a cloud's own wire server (docs/adr/0004-own-outbound-client.md).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
_Named: TypeAlias = tuple[tuple[IPv4Network | IPv6Network, str], ...]


def _named(*networks: tuple[str, str]) -> _Named:
    return tuple((ip_network(network), f"{name} {network}") for network, name in networks)


# Never, whatever the settings say; looked at first, so that a metadata service inside a private network stays shut.
_FORBIDDEN = _named(
    ("169.254.0.0/16", "link-local and cloud metadata"),
    ("168.63.129.16/32", "Azure's wire server"),
    ("fd00:ec2::/32", "AWS metadata"),
    ("fd20:ce::/32", "Google Cloud metadata"),
    ("0.0.0.0/8", "this network"),
    ("100.64.0.0/10", "shared address space"),
    ("192.0.0.0/24", "IETF protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("100::/64", "discard"),
    ("2001::/23", "IETF protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "AS112"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
# Only where `outbound.allow_private` says so.
_PRIVATE = _named(
    ("127.0.0.0/8", "loopback"),
    ("10.0.0.0/8", "private"),
    ("172.16.0.0/12", "private"),
    ("192.168.0.0/16", "private"),
    ("::1/128", "loopback"),
    ("fc00::/7", "unique local"),
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all there is of it; what lies outside and has no name above is unassigned


def forbidden(address: str | Address, *, allow_private: bool = False) -> str | None:
    """Why `address` may not be dialled, as the name of its network; None where it may.

    An IPv4 address written as IPv6 (`::ffff:a.b.c.d`) is judged as the IPv4 address. Raises ValueError for a text
    that is no address.
    """
    ip = ip_address(address.partition("%")[0]) if isinstance(address, str) else address
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or IPv6Address(int(ip))  # the same number, without a zone
    for network, name in _FORBIDDEN:
        if ip in network:
            return name
    for network, name in _PRIVATE:
        if ip in network:
            return None if allow_private else name
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST:
        return "outside global unicast 2000::/3"
    return None
