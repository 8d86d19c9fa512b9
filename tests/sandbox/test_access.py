"""Access strings as rules that the node understands."""

from __future__ import annotations

from runbook.sandbox.access import RESTRICTED, User, rules


def _granted(access: str, *digests: str) -> list[str]:
    all_rules = rules(User("someone", access, digests))
    taken = RESTRICTED.split()
    assert all_rules[-len(taken) :] == taken
    return all_rules[: -len(taken)]


def test_an_access_string_passes_as_it_is() -> None:
    assert _granted("on ~app:* &* -@all +@read") == ["nopass", "on", "~app:*", "&*", "-@all", "+@read"]


def test_passwords_are_given_as_digests() -> None:
    assert _granted("on", "aa", "bb") == ["#aa", "#bb", "on"]


def test_rights_to_json_become_rights_to_what_serves_it() -> None:
    assert _granted("+json.get") == ["nopass", "+xrevrange", "+exists"]
    assert "+eval" in _granted("+JSON.SET")
    assert "+xadd" in _granted("+@json")
    assert _granted("-json.del") == ["nopass"]
    assert _granted("+@write") == ["nopass", "+@write", "+eval"]


def test_nobody_gets_what_memorydb_keeps() -> None:
    for kept in ("-config", "-debug", "-cluster|meet", "-replicaof", "-acl|setuser"):
        assert kept in rules(User("admin", "on ~* &* +@all"))
