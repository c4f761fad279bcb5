"""Whose network an address belongs to: what requests and failed sign-ins are counted by."""

import ipaddress
from typing import Final

_MAPPED: Final = "::ffff:"


def plain(host: str) -> str:
    """Return an address in its usual form: a server that listens on `::` sees 192.0.2.1 as `::ffff:192.0.2.1`."""
    return host.removeprefix(_MAPPED) if "." in host else host


def network(ip: str | None) -> str:
    """Return the network an address counts as: /32 for IPv4, /64 for IPv6, which is what one household is given."""
    if ip is None:
        return "unknown"
    try:
        address = ipaddress.ip_address(plain(ip))
    except ValueError:
        return "unknown"
    bits = 32 if address.version == 4 else 64
    return str(ipaddress.ip_network((int(address), bits), strict=False))
