"""Which IP addresses are those of the public internet. Pure."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

__all__ = ["Address", "is_public", "literal"]

Address = IPv4Address | IPv6Address

_NUMBER = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)\Z")
_CLOSED_4 = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
            "168.63.129.16/32",  # a cloud's own, and reached from inside of it only
            "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        ),
    )
)  # fmt: skip
_OPEN_6 = ip_network("2000::/3")
_CLOSED_6 = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_SIX_TO_FOUR, _NAT64 = ip_network("2002::/16"), ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Is this the address of one machine of the public internet?

    An IPv6 address that holds one of IPv4, and leads there, is what that one is.

    >>> [is_public(ip_address(one)) for one in ("93.184.216.34", "2606:4700::1", "64:ff9b::93.184.216.34")]
    [True, True, True]
    >>> [is_public(ip_address(one)) for one in ("127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1")]
    [False, False, False]
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _CLOSED_4)
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address in _SIX_TO_FOUR:
        return is_public(IPv4Address(int(address) >> 80 & 0xFFFF_FFFF))
    is_open = address.is_global and address in _OPEN_6
    return is_open and not any(address in network for network in _CLOSED_6)


def literal(host: str) -> Address | None:
    """Return the address that a host is written as; None for a name.

    >>> literal("93.184.216.34"), literal("example.org")
    (IPv4Address('93.184.216.34'), None)

    Raises:
        ValueError: it is a number in a spelling that programs read differently: ``127.1``, ``0x7f000001``.
    """
    try:
        return ip_address(host)
    except ValueError:
        if _NUMBER.match(host.rstrip(".").rpartition(".")[2]):
            raise
    return None
