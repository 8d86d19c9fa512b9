"""MemoryDB's users as Valkey's: `ACL SETUSER` rules from access strings."""

from __future__ import annotations

from dataclasses import dataclass

# What MemoryDB keeps for itself (AWS, "Restricted commands" in its developer guide), and what would let a
# client of the sandbox break the process that serves it. Each user loses these rights, whatever it was given.
RESTRICTED = (
    "-acl|deluser -acl|load -acl|log -acl|save -acl|setuser -bgrewriteaof -bgsave -config -debug -failover "
    "-migrate -module -psync -replconf -replicaof -slaveof -save -shutdown -sync "
    "-cluster|addslots -cluster|addslotsrange -cluster|bumpepoch -cluster|delslots -cluster|delslotsrange "
    "-cluster|failover -cluster|flushslots -cluster|forget -cluster|meet -cluster|replicate -cluster|reset "
    "-cluster|saveconfig -cluster|set-config-epoch -cluster|setslot -cluster|migrateslots "
    "-cluster|cancelslotmigrations -cluster|syncslots"
)

# The proxy serves JSON with these commands of the node, in the name of the user who asked (see json_store).
_JSON_READS = ("+xrevrange", "+exists")
_JSON_WRITES = (*_JSON_READS, "+eval", "+type", "+del", "+xadd")
_READING = frozenset({"json.get", "json.mget", "json.type"})


@dataclass(frozen=True)
class User:
    """A user: its name, its access string (`on ~* &* +@all`), and the SHA-256 digests of its passwords in hex.

    Without a digest it needs no password.
    """

    name: str
    access: str
    password_digests: tuple[str, ...] = ()


OPEN_ACCESS = (User("default", "on ~* &* +@all"),)


def rules(user: User) -> list[str]:
    """The rules that `ACL SETUSER <name> reset` is to be followed by."""
    passwords = [f"#{digest}" for digest in user.password_digests] or ["nopass"]
    granted = [rule for token in user.access.split() for rule in _translated(token)]
    return [*passwords, *granted, *RESTRICTED.split()]


def _translated(token: str) -> tuple[str, ...]:
    """An access string may name JSON commands; the node has none and would refuse their names."""
    name = token[1:].lower()
    if token[:1] not in ("+", "-") or not name.startswith(("@json", "json.")):
        # Who may write at all may write documents, which takes a script.
        return (token, "+eval") if token.lower() == "+@write" else (token,)
    if token[0] == "-":
        return ()
    return _JSON_READS if name in _READING else _JSON_WRITES
