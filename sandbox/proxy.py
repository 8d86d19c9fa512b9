"""What stands before a node: TLS, and the commands that MemoryDB has and this Valkey has not.

Bytes pass as they come. Only a command that is to be answered differently stops the flow: first all replies
to what was sent before it must be through, then its handler talks with the node, answers, and the flow goes on.
The place in the stream is marked by `HELLO 2` with a random option, so that replies need not be counted: its
error names the option, whoever the user is, logged in or not, and changes nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from . import substitutes
from .resp import Command, ProtocolError, cut_command, cut_reply, write_command

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_MARK_BYTES = 16


class NodeLostError(Exception):
    """The node went away in the middle of a command."""


class Gate:
    """The door of one node, or of a cluster endpoint: accepts clients and joins each to a node."""

    def __init__(
        self,
        place: tuple[str, int],
        target: Callable[[], tuple[str, int] | None],
        context: ssl.SSLContext | None,
        *,
        emulate: bool,
    ) -> None:
        """`place` is where clients come, `target` says where the node is (None: nowhere, clients are turned
        away), `context` is the server's TLS, `emulate` has JSON served here and not by the node."""
        self.place = place
        self.target = target
        self.emulate = emulate
        self._context = context
        self._server: asyncio.Server | None = None
        self._clients: set[Client] = set()

    async def open(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        address, port = self.place
        self._server = await loop.create_server(
            lambda: Client(self), address, port, ssl=self._context, reuse_address=True, backlog=512
        )

    async def close(self) -> None:
        """Stop listening and cut all clients off."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for client in list(self._clients):
            client.cut_off()

    def joined(self, client: Client) -> None:
        """A client came."""
        self._clients.add(client)

    def left(self, client: Client) -> None:
        """A client went."""
        self._clients.discard(client)


class Upstream(asyncio.Protocol):
    """The connection to the node on behalf of one client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._mark: bytes | None = None
        self._reading = False
        self._waiter: asyncio.Future[bytes] | None = None
        # True while every reply that was asked for has come: then no mark is needed.
        self._quiet = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's promise
        self._transport = transport

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(NodeLostError("the node went away"))
        self._client.finish()

    def pause_writing(self) -> None:
        self._client.hold(True)

    def resume_writing(self) -> None:
        self._client.hold(False)

    def forward(self, data: bytes | bytearray | memoryview) -> None:
        """Pass commands on; their replies pass back unread."""
        assert self._transport is not None  # noqa: S101 - set before the client is read
        self._quiet = False
        self._transport.write(data)

    def slow_down(self, yes: bool) -> None:
        """Stop or go on reading replies: the client reads slower than the node answers."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.pause_reading if yes else self._transport.resume_reading)()

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    # ---- for handlers

    async def begin(self) -> None:
        """Wait until every earlier reply has gone to the client; from then on `ask` may be used."""
        if not self._quiet:
            option = secrets.token_hex(_MARK_BYTES)
            self._mark = b"-ERR Syntax error in HELLO option '%b'" % option.encode()
            await self._wait_for(write_command("HELLO", 2, option))
        self._reading = self._quiet = True

    async def ask(self, *arguments: bytes | str | int) -> bytes:
        """One command of our own; gives its reply as the bytes that came. Raises NodeLostError."""
        return await self._wait_for(write_command(*arguments))

    async def pass_on(self, raw: bytes) -> bytes:
        """The same for a command that is written already."""
        return await self._wait_for(raw)

    def end(self) -> None:
        """From here on replies pass unread again."""
        self._reading = False

    async def _wait_for(self, raw: bytes) -> bytes:
        if self._transport is None or self._transport.is_closing():
            raise NodeLostError("the node went away")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(raw)
        return await self._waiter

    # ---- replies

    def data_received(self, data: bytes) -> None:
        if self._mark is not None:
            self._seek_mark(data)
        elif self._reading:
            self._read(data)
        else:
            self._client.write(data)

    def _seek_mark(self, data: bytes) -> None:
        assert self._mark is not None and self._waiter is not None  # noqa: PT018, S101 - one mode
        buffer = self._buffer
        buffer += data
        found = buffer.find(self._mark)
        through = found if found >= 0 else len(buffer) - _overlap(buffer, self._mark)
        if through:
            self._client.write(bytes(buffer[:through]))
            del buffer[:through]
        end = buffer.find(b"\r\n") if found >= 0 else -1
        if end < 0:
            return
        del buffer[: end + 2]
        self._mark = None
        if not self._waiter.done():
            self._waiter.set_result(b"")

    def _read(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer:
            end = cut_reply(self._buffer, 0)
            if end < 0:
                return
            reply = bytes(self._buffer[:end])
            del self._buffer[:end]
            if reply[:1] == b">" or self._waiter is None or self._waiter.done():
                self._client.write(reply)  # a push message: it stands between replies
            else:
                self._waiter.set_result(reply)


def _overlap(buffer: bytearray, mark: bytes) -> int:
    """How many bytes at the end of `buffer` may be the beginning of `mark`."""
    for length in range(min(len(mark) - 1, len(buffer)), 0, -1):
        if buffer.endswith(mark[:length]):
            return length
    return 0


class Client(asyncio.Protocol):
    """The connection of one client."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._transport: asyncio.Transport | None = None
        self._upstream: Upstream | None = None
        self._inbox = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._held = False
        self.state = substitutes.State()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's promise
        self._transport = transport
        self._gate.joined(self)
        self._task = asyncio.get_running_loop().create_task(self._join())
        self._reconsider_reading()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._gate.left(self)
        if self._task is not None:
            self._task.cancel()
        if self._upstream is not None:
            self._upstream.close()

    def pause_writing(self) -> None:
        if self._upstream is not None:
            self._upstream.slow_down(True)

    def resume_writing(self) -> None:
        if self._upstream is not None:
            self._upstream.slow_down(False)

    def data_received(self, data: bytes) -> None:
        if self._task is not None or self._inbox:
            self._inbox += data
            if self._task is None:
                self._work()
            return
        self._flow(data)

    def write(self, data: bytes) -> None:
        """Send replies to the client."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def hold(self, yes: bool) -> None:
        """Stop or go on reading commands: the node is slower than the client."""
        self._held = yes
        self._reconsider_reading()

    def cut_off(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """End the connection when what was written has gone out."""
        if self._transport is not None:
            self._transport.close()

    async def _join(self) -> None:
        target = self._gate.target()
        loop = asyncio.get_running_loop()
        try:
            if target is None:
                raise ConnectionRefusedError("no node lives")
            _, self._upstream = await loop.create_connection(lambda: Upstream(self), *target)
        except OSError:
            self.cut_off()
            return
        self._resume()

    def _reconsider_reading(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._held or self._task is not None:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _resume(self) -> None:
        self._task = None
        self._work()
        self._reconsider_reading()

    def _work(self) -> None:
        if self._inbox:
            data, self._inbox = bytes(self._inbox), bytearray()
            self._flow(data)

    def _flow(self, data: bytes) -> None:
        """Pass on what passes, up to the first command that does not, which a task then serves."""
        assert self._upstream is not None  # noqa: S101 - nothing flows before
        position = 0
        try:
            while position < len(data):
                command = cut_command(data, position)
                if command is None:
                    break
                substitute = substitutes.find(command.arguments, self.state) if self._gate.emulate else None
                if substitute is not None:
                    self._substitute(substitute, command, data, position)
                    return
                position = command.end
        except ProtocolError:
            position = len(data)  # the node refuses it, in its place, and ends the connection
        self._pass(data, position)
        self._inbox += data[position:]

    def _pass(self, data: bytes, end: int) -> None:
        assert self._upstream is not None  # noqa: S101 - nothing flows before
        if end == len(data):
            self._upstream.forward(data)
        elif end:
            self._upstream.forward(data[:end])

    def _substitute(
        self, substitute: bytes | substitutes.Handler, command: Command, data: bytes, start: int
    ) -> None:
        assert self._upstream is not None  # noqa: S101 - nothing flows before
        if start:
            self._upstream.forward(data[:start])
        self._inbox += data[command.end :]
        if isinstance(substitute, bytes):
            self._upstream.forward(substitute)
            self._work()
            return
        raw = data[start : command.end]
        self._task = asyncio.get_running_loop().create_task(self._serve(substitute, command, raw))
        self._reconsider_reading()

    async def _serve(self, serve: substitutes.Handler, command: Command, raw: bytes) -> None:
        assert self._upstream is not None  # noqa: S101 - nothing flows before
        try:
            await self._upstream.begin()
            self.write(await serve(command.arguments, raw, self._upstream, self.state))
            self._upstream.end()
        except NodeLostError:
            self.cut_off()
            return
        self._resume()
