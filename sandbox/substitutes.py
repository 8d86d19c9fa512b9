"""Which commands the proxy answers otherwise than the node would, and how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from . import json_store
from .resp import ErrorReply, read_reply, write_array, write_bulk, write_command, write_error, write_integer

_WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


class Node(json_store.Node, Protocol):
    """The node: also passes on a command that is written already."""

    async def pass_on(self, raw: bytes) -> bytes: ...


@dataclass
class State:
    """What a connection has been set to."""

    resp3: bool = False
    in_transaction: bool = False
    subscribed: bool = False


# Gets the command's arguments and bytes, the node, and the connection's state; gives the raw reply.
Handler = Callable[[list[bytes], bytes, Node, State], Awaitable[bytes]]


def find(arguments: list[bytes], state: State) -> Handler | bytes | None:
    """What takes the place of a command: nothing (None), another command's bytes, or a handler."""
    if not arguments:
        return None
    name = arguments[0].upper()
    if name.startswith(b"JSON."):
        return _find_json(name, state)
    if name not in _SPECIAL:
        return None
    _note(name, arguments, state)
    if state.in_transaction or (state.subscribed and not state.resp3):
        return None
    if name == b"CLIENT":
        return _find_client(arguments)
    return _HANDLERS.get(name)


def _note(name: bytes, arguments: list[bytes], state: State) -> None:
    if name == b"MULTI" and len(arguments) == 1:
        state.in_transaction = True
    elif name in (b"EXEC", b"DISCARD", b"RESET"):
        state.in_transaction = False
    elif name in (b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"):
        state.subscribed = True


def _find_json(name: bytes, state: State) -> Handler | bytes | None:
    if state.in_transaction:
        # An unknown command: the node refuses it in its place in the stream, and EXEC then too.
        return write_command(name + b" inside MULTI is not served by the rehearsal sandbox")
    return None if state.subscribed and not state.resp3 else _json


def _find_client(arguments: list[bytes]) -> bytes | None:
    # Without replies nothing could tell where in the stream we are.
    if len(arguments) > 1 and arguments[1].upper() == b"REPLY":
        return write_command(b"CLIENT REPLY is not served by the rehearsal sandbox")
    return None


async def _json(arguments: list[bytes], raw: bytes, node: Node, state: State) -> bytes:
    answer = await json_store.serve(arguments, node, state.resp3)
    return await node.pass_on(raw) if answer is None else answer


async def _type(arguments: list[bytes], raw: bytes, node: Node, state: State) -> bytes:  # noqa: ARG001
    answer = await node.pass_on(raw)
    if answer == b"+stream\r\n" and await _holds_document(node, arguments[1:2]):
        return b"+ReJSON-RL\r\n"
    return answer


async def _stream(arguments: list[bytes], raw: bytes, node: Node, state: State) -> bytes:  # noqa: ARG001
    if await _holds_document(node, _stream_keys(arguments)):
        return write_error(_WRONG_TYPE)
    return await node.pass_on(raw)


def _stream_keys(arguments: list[bytes]) -> list[bytes]:
    name = arguments[0].upper()
    if name in (b"XREAD", b"XREADGROUP"):
        words = [word.upper() for word in arguments]
        after = arguments[words.index(b"STREAMS") + 1 :] if b"STREAMS" in words else []
        return after[: len(after) // 2]
    position = 2 if name in (b"XINFO", b"XGROUP") else 1
    return arguments[position : position + 1]


async def _holds_document(node: Node, keys: list[bytes]) -> bool:
    for key in keys:
        if json_store.is_document(read_reply(await node.ask("XREVRANGE", key, "+", "-", "COUNT", 1))):
            return True
    return False


async def _hello(arguments: list[bytes], raw: bytes, node: Node, state: State) -> bytes:
    answer = await node.pass_on(raw)
    if len(arguments) > 1 and not isinstance(read_reply(answer), ErrorReply):
        state.resp3 = arguments[1] == b"3"
    return answer


async def _reset(arguments: list[bytes], raw: bytes, node: Node, state: State) -> bytes:  # noqa: ARG001
    state.resp3 = state.subscribed = False
    return await node.pass_on(raw)


async def _command(arguments: list[bytes], raw: bytes, node: Node, state: State) -> bytes:
    """COMMAND: clients of a cluster read in it where a command's keys are."""
    answer = await node.pass_on(raw)
    if len(arguments) > 1 or not answer.startswith(b"*"):
        return answer
    count, _, entries = answer[1:].partition(b"\r\n")
    described = b"".join(_describe(entry, state.resp3) for entry in json_store.DESCRIPTIONS)
    return b"*%d\r\n%b%b" % (int(count) + len(json_store.DESCRIPTIONS), entries, described)


def _describe(entry: tuple[str, int, tuple[str, ...], int, int, int], resp3: bool) -> bytes:
    name, arity, flags, first, last, step = entry
    empty = write_array([])
    flag_set = (b"~" if resp3 else b"*") + write_array(b"+%b\r\n" % flag.encode() for flag in flags)[1:]
    numbers = [write_integer(number) for number in (first, last, step)]
    return write_array(
        [write_bulk(name.encode()), write_integer(arity), flag_set, *numbers, empty, empty, empty, empty]
    )


_STREAM_COMMANDS = (
    b"XACK XADD XAUTOCLAIM XCLAIM XDEL XGROUP XINFO XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE XSETID XTRIM"
).split()
_HANDLERS: dict[bytes, Handler] = {
    b"TYPE": _type,
    b"HELLO": _hello,
    b"RESET": _reset,
    b"COMMAND": _command,
    **dict.fromkeys(_STREAM_COMMANDS, _stream),
}
_SPECIAL = frozenset(
    {*_HANDLERS, b"MULTI", b"EXEC", b"DISCARD", b"CLIENT", b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"}
)
