"""Loopback addresses for the clusters of the sandbox, so that an endpoint can really be `<address>:6379`.

Linux answers on all of 127.0.0.0/8: a sandbox takes a free /24 of it, and every node and every cluster
endpoint has an address of its own with the port that was asked for. macOS answers on 127.0.0.1 only: there
the endpoint gets the port that was asked for, and the nodes take other ports.
"""

from __future__ import annotations

import hashlib
import socket
import threading
from contextlib import closing

# The last address of a taken /24 carries the lock; nothing listens there.
_LOCK_HOST = 254
_LOCK_PORT = 6379
# A node's bus port is told apart from its port (`cluster-port`), so any two free ports do.
_FIRST_INTERNAL_PORT = 20000
_LAST_INTERNAL_PORT = 30000


class NoAddressError(Exception):
    """No free address, or the port that was asked for is taken."""


class Addresses:
    """Gives out loopback addresses and ports, and takes them back."""

    def __init__(self, seed: str) -> None:
        """Take a network; `seed` (the sandbox's folder) decides which one is tried first, so that a sandbox
        keeps its addresses from one start to the next.

        Raises NoAddressError when no network is free.
        """
        self._guard = threading.Lock()
        self._taken: set[tuple[str, int]] = set()
        self._lock_socket: socket.socket | None = None
        self._network: str | None = None
        if _can_bind("127.81.0.1", 0):
            self._take_network(seed)

    def close(self) -> None:
        """Give the network back."""
        if self._lock_socket is not None:
            self._lock_socket.close()

    def endpoint(self, port: int) -> tuple[str, int]:
        """An address for a cluster endpoint, with exactly `port`.

        Raises NoAddressError when all addresses, or on macOS the port, are taken.
        """
        with self._guard:
            if self._network is None:
                return self._take("127.0.0.1", port, f"port {port} of 127.0.0.1 is taken by another program")
            return self._own_address(port)

    def node(self, port: int) -> tuple[str, int]:
        """An address for a node: with `port` where nodes have addresses of their own, else another port."""
        with self._guard:
            return self._own_address(port) if self._network else self._any_port("127.0.0.1")

    def internal(self, address: str) -> tuple[str, int]:
        """A free port of `address` that no client is told of."""
        with self._guard:
            return self._any_port(address)

    def release(self, *places: tuple[str, int]) -> None:
        """Take back what the other methods gave."""
        with self._guard:
            self._taken.difference_update(places)

    def _take_network(self, seed: str) -> None:
        start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:2], "big")
        for number in range(256):
            # 127.64.0.0 to 127.127.255.0: away from 127.0.0.1 and from what resolvers use (127.0.0.53).
            index = (start + number * 257) % (64 * 256)
            network = f"127.{64 + index // 256}.{index % 256}"
            try:
                lock = socket.socket()
                lock.bind((f"{network}.{_LOCK_HOST}", _LOCK_PORT))
            except OSError:
                lock.close()
                continue
            self._lock_socket, self._network = lock, network
            return
        raise NoAddressError(
            "256 loopback networks are all taken; end other sandboxes (`runbook sandbox down`)"
        )

    def _own_address(self, port: int) -> tuple[str, int]:
        in_use = {address for address, _ in self._taken}
        for host in range(1, _LOCK_HOST):
            address = f"{self._network}.{host}"
            if address not in in_use and _can_bind(address, port):
                self._taken.add((address, port))
                return address, port
        raise NoAddressError(
            f"the sandbox has no loopback address left in {self._network}.0/24 whose port {port} is free: "
            f"{len(in_use)} are in use; delete a cluster or use fewer nodes"
        )

    def _any_port(self, address: str) -> tuple[str, int]:
        for port in range(_FIRST_INTERNAL_PORT, _LAST_INTERNAL_PORT):
            if (address, port) not in self._taken and _can_bind(address, port):
                self._taken.add((address, port))
                return address, port
        raise NoAddressError(f"no port of {address} from {_FIRST_INTERNAL_PORT} on is free")

    def _take(self, address: str, port: int, why_not: str) -> tuple[str, int]:
        if (address, port) in self._taken or not _can_bind(address, port):
            raise NoAddressError(f"{why_not}; give the cluster another port")
        self._taken.add((address, port))
        return address, port


def _can_bind(address: str, port: int) -> bool:
    with closing(socket.socket()) as probe:
        # As the servers do: a port whose last connections still linger (TIME_WAIT) is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
