"""Facts of the network: interfaces with their IPv4 addresses, asked of the kernel; no name is looked up."""

from __future__ import annotations

import ipaddress
import socket
import struct
from pathlib import Path
from typing import Any

NAMES = ("interfaces", "default_ipv4", "all_ipv4_addresses")

_ADDRESS, _NETMASK = 0x8915, 0x891B
"""SIOCGIFADDR, SIOCGIFNETMASK of linux/sockios.h."""


def network() -> dict[str, Any]:
    names = [name for _, name in socket.if_nameindex()]
    addresses = {name: address for name in names if (address := _asked(name, _ADDRESS))}
    return {
        "interfaces": names,
        "all_ipv4_addresses": [a for a in addresses.values() if not ipaddress.ip_address(a).is_loopback],
        "default_ipv4": _default(addresses),
    }


def dns() -> dict[str, Any]:
    """What /etc/resolv.conf says."""
    found: dict[str, Any] = {}
    for line in _text("/etc/resolv.conf").splitlines():
        words = line.split("#")[0].split()
        if len(words) > 1 and words[0] == "nameserver":
            found.setdefault("nameservers", []).append(words[1])
        elif len(words) > 1 and words[0] == "domain":
            found["domain"] = words[1]
        elif len(words) > 1 and words[0] == "search":
            found["search"] = words[1:]
    return {"dns": found}


def _default(addresses: dict[str, str]) -> dict[str, Any]:
    """The interface of the default route, as /proc/net/route names it; empty when there is none."""
    rows = [line.split() for line in _text("/proc/net/route").splitlines()[1:]]
    route = next((row for row in rows if len(row) > 2 and row[1] == "00000000"), None)
    if route is None or route[0] not in addresses:
        return {}
    name, address = route[0], addresses[route[0]]
    made = ipaddress.ip_interface(f"{address}/{_asked(name, _NETMASK) or '255.255.255.255'}")
    return {
        "interface": name,
        "alias": name,
        "address": address,
        "gateway": socket.inet_ntoa(struct.pack("<L", int(route[2], 16))),
        "netmask": str(made.netmask),
        "network": str(made.network.network_address),
        "broadcast": str(made.network.broadcast_address),
        "prefix": str(made.network.prefixlen),
        "macaddress": _text(f"/sys/class/net/{name}/address").strip(),
        "mtu": int(_text(f"/sys/class/net/{name}/mtu").strip() or 0),
        "type": "ether",
    }


def _asked(interface: str, what: int) -> str | None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking.fileno(), what, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
