"""
Addresses on the network: which of them are nobody's business but their owner's (SEC-27).
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address


def is_private(address: str) -> bool:
    """
    Return whether an IP address, or `localhost`, cannot be reached from everywhere; False for any other name.
    """
    if address.rstrip(".").lower() in {"localhost", "ip6-localhost"}:
        return True
    try:
        found = ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return not found.is_global or found.is_multicast
