"""Addresses: every endpoint and node gets one, nobody gets one twice."""

from __future__ import annotations

import socket
import sys
from contextlib import closing

import pytest
from runbook.sandbox import addresses as module
from runbook.sandbox.addresses import Addresses, NoAddressError

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")


@linux
def test_each_endpoint_and_node_has_its_own_address_with_the_port_that_was_asked_for() -> None:
    with closing(Addresses("here")) as pool:
        places = [pool.endpoint(6379), pool.node(6379), pool.node(6379)]
        assert len({address for address, _ in places}) == 3
        assert {port for _, port in places} == {6379}
        assert all(address.startswith("127.") for address, _ in places)


@linux
def test_a_sandbox_keeps_its_addresses_from_one_start_to_the_next() -> None:
    with closing(Addresses("here")) as pool:
        first = pool.endpoint(6379)
    with closing(Addresses("here")) as pool:
        assert pool.endpoint(6379) == first


@linux
def test_two_sandboxes_never_share_a_network() -> None:
    with closing(Addresses("here")) as one, closing(Addresses("here")) as other:
        assert one.endpoint(6379)[0].rpartition(".")[0] != other.endpoint(6379)[0].rpartition(".")[0]


@linux
def test_an_address_whose_port_is_in_use_is_passed_over_and_a_released_one_is_given_again() -> None:
    with closing(Addresses("here")) as pool:
        taken = pool.endpoint(6379)
        pool.release(taken)
        with closing(socket.create_server(taken)):
            assert pool.endpoint(6379) != taken
        assert pool.endpoint(6379) == taken


def test_internal_ports_of_an_address_are_all_different() -> None:
    with closing(Addresses("here")) as pool:
        address, _ = pool.node(6379)
        assert len({pool.internal(address) for _ in range(5)}) == 5


def test_where_only_one_address_exists_the_endpoint_keeps_its_port_and_nodes_take_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = module._can_bind
    monkeypatch.setattr(
        module, "_can_bind", lambda address, port: address == "127.0.0.1" and real(address, port)
    )
    with closing(Addresses("here")) as pool:
        with closing(socket.create_server(("127.0.0.1", 0))) as other:
            with pytest.raises(NoAddressError, match="another port"):
                pool.endpoint(other.getsockname()[1])
            free = other.getsockname()[1]
        assert pool.endpoint(free) == ("127.0.0.1", free)
        nodes = {pool.node(free) for _ in range(3)}
        assert len(nodes) == 3
        assert {address for address, _ in nodes} == {"127.0.0.1"}
        with pytest.raises(NoAddressError, match="taken"):
            pool.endpoint(free)
