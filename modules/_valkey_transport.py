"""What `valkey_ops` needs of a way to the cluster, whichever it is."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from runbook.errors import Failed

from ._valkey_cli import Reply
from ._valkey_words import Command, shown, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a cluster answers."""

    host: str
    port: int = 6379
    tls: bool = True
    username: str | None = None
    ca_file: str | None = None
    timeout: float = 60.0
    """Seconds to wait for one reply."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Transport(Protocol):
    """A way to send commands to a cluster. Error replies come back as {"error": text} and end the list, unless
    they are tolerated."""

    def ask(self, commands: Sequence[Command], *, tolerant: bool = False) -> list[Reply]:
        """Replies of commands that only read."""
        ...

    def change(self, commands: Sequence[Command], names: Sequence[str] = ()) -> list[Reply]:
        """Replies of commands that may change something: each is sent once, as an effect. `names`: of those
        effects, where a command's place in the list may be another when the run is resumed."""
        ...

    def keys(self, pattern: bytes) -> list[bytes]:
        """The keys of all primaries that fit a pattern, sorted."""
        ...

    def close(self) -> None: ...


def refuse_errors(commands: Sequence[Command], replies: Sequence[Reply]) -> None:
    """Raise Failed for an error reply, with the replies before it."""
    for command, reply in zip(commands, replies, strict=False):
        if isinstance(reply, dict):
            raise Failed(
                f"{shown(command)} was answered by an error: {reply['error']}",
                result={"replies": [plain(one) for one in replies]},
            )


def plain(reply: Reply) -> Any:
    """A reply as JSON keeps it: text, whole numbers, lists, null. What is not UTF-8 has backslashes."""
    if isinstance(reply, bytes):
        return text(reply)
    if isinstance(reply, list):
        return [plain(one) for one in reply]
    return reply


def binaries(reply: Reply, place: str) -> dict[str, str]:
    """The base64 of all parts of a reply that are not UTF-8, by their place (`0`, `0.2`)."""
    if isinstance(reply, bytes):
        try:
            reply.decode()
        except UnicodeDecodeError:
            return {place: base64.b64encode(reply).decode("ascii")}
    if isinstance(reply, list):
        found: dict[str, str] = {}
        for number, one in enumerate(reply):
            found |= binaries(one, f"{place}.{number}")
        return found
    return {}
