"""Commands straight to a Valkey cluster, with valkey-py's cluster client: the only file that imports valkey.

The client keeps the map of the slots and the connections; replies are read raw, so that they are the same as those
that come through valkey-cli, and nothing is ever sent twice by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from runbook.contract import Context, Intent
from runbook.errors import Failed, InDoubt

from ._valkey_cli import Reply
from ._valkey_find import find_for, trace_of
from ._valkey_transport import Endpoint
from ._valkey_words import Command, shown, text

ClusterNode: TypeAlias = Any
"""`valkey.cluster.ClusterNode`; valkey-py has no types for its methods."""

CONNECT_TIMEOUT = 10.0
"""Seconds."""
MOST_REDIRECTS = 8
INSIDE = (
    "A MemoryDB cluster is reached from inside its VPC only: use `transport: ssm` with an `instance` there."
)


class Direct:
    """`Transport` over a connection of this machine."""

    def __init__(self, ctx: Context, endpoint: Endpoint, password: str | None) -> None:
        self._ctx = ctx
        self._endpoint = endpoint
        self._password = password
        self._opened: Any = None

    def ask(self, commands: Sequence[Command], *, tolerant: bool = False) -> list[Reply]:
        replies: list[Reply] = []
        for command in commands:
            replies.append(self._reply(command, reads=True))
            if isinstance(replies[-1], dict) and not tolerant:
                break
        return replies

    def change(self, commands: Sequence[Command], names: Sequence[str] = ()) -> list[Reply]:
        replies: list[Reply] = []
        keys = names or [f"command {n} ({text(one[0]).upper()})" for n, one in enumerate(commands, start=1)]
        for key, command in zip(keys, commands, strict=True):
            replies.append(self._change_one(key, command))
            if isinstance(replies[-1], dict):
                break
        return replies

    def keys(self, pattern: bytes) -> list[bytes]:
        found: set[bytes] = set()
        for node in self._cluster().get_primaries():
            reply = self._at(node, (b"KEYS", pattern), reads=True)
            found.update(key for key in reply if isinstance(key, bytes)) if isinstance(reply, list) else None
        return sorted(found)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    # ------------------------------------------------------------ one command

    def _change_one(self, key: str, command: Command) -> Reply:
        def ask(question: Command) -> Reply:
            return self._reply(question, reads=True)

        trace = trace_of(command)
        before = ask(trace.questions[0]) if trace is not None and trace.compares else None

        def vouched(word: str) -> Reply:
            self._ctx.warn(f"{shown(command)}: {word}")
            return None

        reply: Reply = self._ctx.effect(
            key, self._call(command), find=find_for(command, ask), before=before, vouched=vouched
        )
        return reply

    def _call(self, command: Command) -> Callable[[Intent], Reply]:
        return lambda _intent: self._reply(command, reads=False)

    def _reply(self, command: Command, *, reads: bool) -> Reply:
        return self._at(self._node(command), command, reads=reads)

    def _at(self, node: ClusterNode, command: Command, *, reads: bool) -> Reply:
        """The reply of a node, or of the one that it redirects to."""
        from valkey.exceptions import AskError, MovedError, ResponseError

        asking = False
        for _ in range(MOST_REDIRECTS):
            try:
                return self._once(node, command, reads=reads, asking=asking)
            except (MovedError, AskError) as redirect:  # AskError is the wider one
                asking = not isinstance(redirect, MovedError)
                node = self._redirected(node, redirect)
            except ResponseError as error:
                return {"error": error_text(error)}
        raise Failed(
            f"{shown(command)} was redirected {MOST_REDIRECTS} times.", hint="Is the cluster resharding?"
        )

    def _once(self, node: ClusterNode, command: Command, *, reads: bool, asking: bool) -> Reply:
        from valkey.exceptions import AuthenticationError, BusyLoadingError
        from valkey.exceptions import ConnectionError as Lost
        from valkey.exceptions import TimeoutError as Late

        pool = self._cluster().get_valkey_connection(node).connection_pool
        try:
            connection = pool.get_connection(command[0].decode("latin-1"))
        except (Lost, Late) as error:
            raise self._unreachable(error) from error
        try:
            if asking:
                connection.send_command("ASKING")
                connection.read_response()
            connection.send_command(*command)
            return _plain(connection.read_response())
        except (BusyLoadingError, AuthenticationError) as error:  # replies, though valkey-py thinks otherwise
            return {"error": error_text(error)}
        except (Lost, Late) as error:
            connection.disconnect()
            told = f"{self._endpoint} gave no answer to {shown(command)}: {error}"
            raise Failed(told) if reads else InDoubt(f"{told}; it may have been carried out.") from error
        finally:
            pool.release(connection)

    # ------------------------------------------------------------ nodes

    def _node(self, command: Command) -> ClusterNode:
        """The node that has the command's key, or the one that the endpoint led to when it has none."""
        cluster = self._cluster()
        key = self._key(command)
        node = cluster.get_node_from_key(key) if key is not None else cluster.get_default_node()
        if node is None:
            raise Failed(f"No node of the cluster at {self._endpoint} has the slot of {shown(command)}.")
        return node

    def _key(self, command: Command) -> bytes | None:
        if len(command) < 2:
            return None
        if command[0].upper().startswith(b"JSON."):  # a server may not tell of a module's keys
            return command[1]
        found = self._at(self._cluster().get_default_node(), (b"COMMAND", b"GETKEYS", *command), reads=True)
        first = found[0] if isinstance(found, list) and found else None
        return first if isinstance(first, bytes) else None

    def _redirected(self, node: ClusterNode, redirect: Any) -> ClusterNode:
        cluster = self._cluster()
        host = redirect.host or node.host
        found = cluster.get_node(host=host, port=redirect.port)
        if found is None:
            cluster.nodes_manager.initialize()
            found = cluster.get_node(host=host, port=redirect.port)
        if found is None:
            raise Failed(f"{node.name} redirects to {host}:{redirect.port}, which is no node of the cluster.")
        return found

    def _cluster(self) -> Any:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> Any:
        from valkey.cluster import ValkeyCluster
        from valkey.exceptions import AuthenticationError, ValkeyClusterException, ValkeyError

        endpoint = self._endpoint
        security: dict[str, Any] = {}
        if endpoint.tls:
            security = {"ssl": True, "ssl_ca_certs": endpoint.ca_file, "ssl_check_hostname": True}
        try:
            return ValkeyCluster(
                host=endpoint.host,
                port=endpoint.port,
                username=endpoint.username,
                password=self._password,
                socket_timeout=endpoint.timeout,
                socket_connect_timeout=CONNECT_TIMEOUT,
                cluster_error_retry_attempts=0,
                **security,
            )
        except AuthenticationError as error:
            raise Failed(f"{endpoint} does not accept the user name or password: {error}") from error
        except (ValkeyError, ValkeyClusterException, OSError) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Failed:
        told = str(error.__cause__ or error)
        if "CERTIFICATE_VERIFY" in told or "certificate" in told:
            hint = (
                "Its certificate is not one that this machine trusts; name the authority's file as `ca_file`."
            )
        else:
            hint = INSIDE
        return Failed(f"Valkey at {self._endpoint} can't be used from here: {told}", hint=hint)


def _plain(reply: Any) -> Reply:
    """A reply with the errors within it as data."""
    if isinstance(reply, list):
        return [_plain(one) for one in reply]
    if isinstance(reply, Exception):
        return {"error": error_text(reply)}
    plain: Reply = reply
    return plain


def error_text(error: Exception) -> str:
    """An error reply as the server sent it; valkey-py takes the codes that it knows off."""
    from valkey.cluster import ClusterParser
    from valkey.exceptions import AuthenticationError

    told = str(error)
    if type(error) is AuthenticationError:
        return f"NOAUTH {told}"
    known = (code for code, kind in ClusterParser.EXCEPTION_CLASSES.items() if kind is type(error))
    code = next(known, None)
    if code is not None:
        return f"{code} {told}"
    first = told.partition(" ")[0]
    return told if first.isupper() and first.isalpha() else f"ERR {told}"
