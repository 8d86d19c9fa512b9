"""One node: a `valkey-server` process of this machine, and the connection that rules it."""

from __future__ import annotations

import secrets
import shutil
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .access import User, rules
from .resp import ErrorReply, cut_reply, read_reply, write_command
from .tethered import Tethered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Role = Literal["primary", "replica"]
Argument = bytes | str | int

_ADMIN = "sandbox-admin"
_CALL_TIMEOUT = 10.0  # seconds
_START_TIMEOUT = 20.0  # seconds


class DataPlaneError(Exception):
    """The data plane could not do what was asked: what happened, where, and what to look at."""


@dataclass(frozen=True)
class Place:
    """Where a node is reached: `address` and `port` by clients, through its proxy; `internal_port` and
    `bus_port` on the same address by us and by the other nodes."""

    address: str
    port: int
    internal_port: int
    bus_port: int


class Node:
    """One Valkey process. Its data survives a kill, as MemoryDB's transaction log lets it."""

    def __init__(
        self, name: str, place: Place, directory: Path, server: Path, modules: Sequence[Path]
    ) -> None:
        """Describe the node; `start` starts it. `directory` is its own and need not exist."""
        self.name = name
        self.place = place
        self._directory = directory
        self._server = server
        self._modules = tuple(modules)
        self._process: Tethered | None = None
        self._secret = ""
        self._id = ""

    @property
    def alive(self) -> bool:
        """True while its process runs."""
        return self._process is not None and self._process.alive

    @property
    def id(self) -> str:
        """Its name within the cluster protocol: 40 hex digits."""
        return self._id

    @property
    def log(self) -> Path:
        """The log of the server."""
        return self._directory.with_suffix(".log")

    def start(self, *, secret: str, users: Sequence[User]) -> None:
        """Start the process and wait until it answers.

        `secret` is the password that the nodes of one cluster share; `users` are let in. Raises DataPlaneError
        when it does not come up.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        self._secret = secret
        config = self._directory / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(self._config(users))
        self._process = Tethered([str(self._server), str(config)], cwd=self._directory, log=self.log)
        self.wait(lambda: self._answers(), "answer")
        self._id = str(self.call("CLUSTER", "MYID").decode())

    def kill(self) -> None:
        """End the process as a machine that loses power does; the data directory stays."""
        if self._process is not None:
            self._process.kill()

    def erase(self) -> None:
        """End the process and forget its data, so that the next start is a new, empty node."""
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def call(self, *arguments: Argument) -> Any:
        """What the server answers to us, its ruler (types of `resp.read_reply`).

        Raises DataPlaneError for an error reply or when the server can't be reached.
        """
        return self.calls([arguments])[0]

    def calls(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """The same for several commands, sent together."""
        everything = [("AUTH", _ADMIN, self._secret), *commands]
        try:
            with socket.create_connection(
                (self.place.address, self.place.internal_port), timeout=_CALL_TIMEOUT
            ) as link:
                link.sendall(b"".join(write_command(*command) for command in everything))
                replies = _receive(link, len(everything))
        except OSError as error:
            raise DataPlaneError(
                f"node {self.name} does not answer ({error}); its log: {self.log}"
            ) from error
        for command, reply in zip(everything, replies, strict=True):
            if isinstance(reply, ErrorReply):
                named = " ".join(str(part) for part in command[:2])
                raise DataPlaneError(f"node {self.name} refused {named}: {reply.text}")
        return replies[1:]

    def authorize(self, users: Sequence[User]) -> None:
        """Let in exactly these users; connections of others are closed."""
        known = {name.decode() for name in self.call("ACL", "USERS")}
        for user in users:
            self.call("ACL", "SETUSER", user.name, "reset", *rules(user))
        for name in sorted(known - {user.name for user in users} - {_ADMIN}):
            if name == "default":
                self.call("ACL", "SETUSER", name, "reset")
                self.call("CLIENT", "KILL", "USER", name)
            else:
                self.call("ACL", "DELUSER", name)

    def info(self, section: str) -> dict[str, str]:
        """A section of INFO, as its fields."""
        lines = self.call("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def cluster_nodes(self) -> list[list[str]]:
        """CLUSTER NODES as this node sees it, each line split into its fields."""
        return [line.split() for line in self.call("CLUSTER", "NODES").decode().splitlines()]

    @property
    def role(self) -> Role:
        """What it is now, by its own word."""
        return "primary" if self.info("replication")["role"] == "master" else "replica"

    def wait(self, ready: Callable[[], bool], what: str, seconds: float = _START_TIMEOUT) -> None:
        """Block until `ready()`; raises DataPlaneError when that takes longer or the process ends."""
        deadline = time.monotonic() + seconds
        while True:
            if not self.alive:
                raise DataPlaneError(f"node {self.name} ended before it could {what}:\n{self._last_words()}")
            if ready():
                return
            if time.monotonic() > deadline:
                raise DataPlaneError(
                    f"node {self.name} did not {what} within {seconds:.0f} s:\n{self._last_words()}"
                )
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return bool(self.call("PING") == b"PONG")
        except DataPlaneError:
            return False

    def _last_words(self) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
        except OSError as error:
            return f"(no log: {error})"

    def _config(self, users: Sequence[User]) -> str:
        place = self.place
        lines = [
            f"bind {place.address}",
            f"bind-source-addr {place.address}",
            f"port {place.internal_port}",
            "protected-mode yes",
            "daemonize no",
            f'dir "{self._directory}"',
            # Acknowledged writes survive `kill -9`: written to the file before the reply, not synced.
            'save ""',
            "appendonly yes",
            "appendfsync no",
            "cluster-enabled yes",
            f"cluster-port {place.bus_port}",
            f"cluster-announce-ip {place.address}",
            # Clients are told the proxy's port; `cluster-announce-port` would send the replicas there too.
            f"cluster-announce-client-port {place.port}",
            "cluster-node-timeout 2000",
            "cluster-require-full-coverage no",
            "cluster-allow-replica-migration no",
            # CLUSTER SLOTS hides a replica until the primary's first ping to it, after 10 s by default.
            "repl-ping-replica-period 1",
            "repl-diskless-sync-delay 0",
            "repl-backlog-size 1mb",
            "primaryuser " + _ADMIN,
            "primaryauth " + self._secret,
            f"user {_ADMIN} on >{self._secret} ~* &* +@all",
            *([] if any(user.name == "default" for user in users) else ["user default off"]),
            *(f"user {user.name} {' '.join(rules(user))}" for user in users),
            *(f'loadmodule "{module}"' for module in self._modules),
        ]
        return "\n".join(lines) + "\n"


def new_secret() -> str:
    """A password for the nodes of a cluster among themselves."""
    return secrets.token_hex(24)


def _receive(link: socket.socket, count: int) -> list[Any]:
    buffer, start = bytearray(), 0
    replies: list[Any] = []
    while len(replies) < count:
        end = cut_reply(buffer, start)
        if end < 0:
            chunk = link.recv(65536)
            if not chunk:
                raise ConnectionResetError("connection closed")
            buffer += chunk
            continue
        replies.append(read_reply(buffer[start:end]))
        start = end
    return replies
