"""The JSON commands, served on a Valkey that has no JSON module.

A document is kept as its text in a stream of one entry. A stream, because every command for another type then
answers WRONGTYPE by itself, and the few for streams (X...) are the least missed: those are looked after in
`substitutes`. All writes are one Lua script, so that they are atomic and go where the cluster wants them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from . import json_document as documents
from .json_document import JsonError
from .resp import (
    ErrorReply,
    null,
    read_reply,
    write_array,
    write_bulk,
    write_error,
    write_integer,
    write_status,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FIELD = b"\x00json"
NOT_A_DOCUMENT = "WRONGTYPE Not a JSON document key"
NO_DOCUMENT = "NONEXISTENT Document key does not exist"
NEW_KEY_NOT_ROOT = "SYNTAXERR A new Valkey key's path must be root"
OPTION = "SYNTAXERR Command syntax error"
NUMBER = "WRONGTYPE Value is not a number"

# KEYS[1]; ARGV: what to do, the field, the new text, the text that it replaces.
# Answers OK; nil when NX or XX forbids it; 0 when the document is no longer what the caller read (or, for
# "delete", was not there), 1 when it is deleted.
_WRITE = b"""
local kind, text = redis.call('TYPE', KEYS[1]).ok, nil
if kind == 'stream' then
  local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  if entry and entry[2][1] == ARGV[2] then text = entry[2][2] end
end
if kind ~= 'none' and not text then
  return redis.error_reply('WRONGTYPE Not a JSON document key')
end
local todo = ARGV[1]
if todo == 'delete' then
  if not text then return 0 end
  redis.call('DEL', KEYS[1])
  return 1
end
if (todo == 'NX' and text) or (todo == 'XX' and not text) then return false end
if todo == 'change' and text ~= ARGV[4] then return 0 end
if todo ~= 'change' then redis.call('DEL', KEYS[1]) end
redis.call('XADD', KEYS[1], 'MAXLEN', 1, '*', ARGV[2], ARGV[3])
return redis.status_reply('OK')
"""


class Node(Protocol):
    """The node that holds the key: gives the raw reply to a command."""

    async def ask(self, *arguments: bytes | str | int) -> bytes: ...


class _RawAnswerError(Exception):
    """The node's own answer is the answer: an error (MOVED, NOPERM, ...) or nil."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.raw = raw


def is_document(entries: Any) -> bool:
    """Whether the newest entries of a stream, as XREVRANGE gives them, are a document of ours."""
    return bool(isinstance(entries, list) and entries and entries[0][1][0] == FIELD)


async def serve(arguments: list[bytes], node: Node, resp3: bool) -> bytes | None:
    """The raw reply to a JSON command; None if it is a command that is not served here."""
    handler = _COMMANDS.get(arguments[0].upper())
    if handler is None:
        return None
    call, fewest, most = handler
    if not fewest <= len(arguments) <= most:
        return write_error(f"ERR wrong number of arguments for '{arguments[0].decode().lower()}' command")
    try:
        return await call(arguments, node, resp3)
    except JsonError as error:
        return write_error(str(error))
    except _RawAnswerError as answer:
        return answer.raw


async def _text(node: Node, key: bytes) -> bytes | None:
    """The text of a document; None if the key is not there."""
    raw = await node.ask("XREVRANGE", key, "+", "-", "COUNT", 1)
    entries = read_reply(raw)
    if isinstance(entries, ErrorReply):
        if entries.code == "WRONGTYPE":
            raise JsonError(NOT_A_DOCUMENT)
        raise _RawAnswerError(raw)
    if not entries:
        return None
    if not is_document(entries):
        raise JsonError(NOT_A_DOCUMENT)
    return bytes(entries[0][1][1])


async def _write(node: Node, todo: str, key: bytes, new: bytes = b"", old: bytes = b"") -> bytes:
    return await node.ask("EVAL", _WRITE, 1, key, todo, FIELD, new, old)


async def _change(
    node: Node, key: bytes, edit: Callable[[bytes], tuple[bytes, bytes] | bytes]
) -> bytes | None:
    """Read, edit and write back until nobody wrote in between; None if the key is not there.

    `edit` gives the new text and the answer, or the answer alone when nothing is to be written.
    """
    while True:
        old = await _text(node, key)
        if old is None:
            return None
        edited = edit(old)
        if isinstance(edited, bytes):
            return edited
        new, answer = edited
        raw = await _write(node, "change", key, new, old)
        if raw == b"+OK\r\n":
            return answer
        if isinstance(read_reply(raw), ErrorReply):
            return raw


async def _set(arguments: list[bytes], node: Node, resp3: bool) -> bytes:
    _, key, where, text = arguments[:4]
    condition = arguments[4].upper() if len(arguments) > 4 else b""
    if condition not in (b"", b"NX", b"XX"):
        raise JsonError(OPTION)
    path = documents.path(where)
    if path.is_root:
        written = documents.write(documents.parse(text))
        return await _write(node, condition.decode() or "set", key, written)

    def edit(old: bytes) -> tuple[bytes, bytes] | bytes:
        value = documents.parse(text)
        document = documents.parse(old)
        done = documents.put(document, path, value, only_new=condition == b"NX", only_old=condition == b"XX")
        return (documents.write(document), write_status("OK")) if done else null(resp3)

    answer = await _change(node, key, edit)
    if answer is None:
        raise JsonError(NEW_KEY_NOT_ROOT)
    return answer


async def _get(arguments: list[bytes], node: Node, resp3: bool) -> bytes:
    form, raw_paths = _get_options(arguments[2:])
    text = await _text(node, arguments[1])
    if text is None:
        return null(resp3)
    document = documents.parse(text)
    paths = [documents.path(raw) for raw in raw_paths] or [documents.path(b".")]
    legacy = all(path.legacy for path in paths)
    if len(paths) == 1:
        found = paths[0].one(document) if legacy else paths[0].values(document)
    else:
        found = {path.text: path.one(document) if legacy else path.values(document) for path in paths}
    return write_bulk(documents.write(found, form))


def _get_options(rest: list[bytes]) -> tuple[documents.Format, list[bytes]]:
    options = {"indent": "", "newline": "", "space": ""}
    paths = []
    words = iter(rest)
    for word in words:
        name = word.decode("utf-8", "surrogateescape").lower()
        if name == "noescape":
            continue  # kept for old clients; it changes nothing
        if name not in options:
            paths.append(word)
            continue
        value = next(words, None)
        if value is None:
            raise JsonError(OPTION)
        options[name] = value.decode("utf-8", "replace")
    return documents.Format(**options), paths


async def _mget(arguments: list[bytes], node: Node, resp3: bool) -> bytes:
    path = documents.path(arguments[-1])
    # One command with all keys first: a cluster refuses keys of several slots (CROSSSLOT) or of another node.
    raw = await node.ask("EXISTS", *arguments[1:-1])
    if isinstance(read_reply(raw), ErrorReply):
        return raw
    replies = []
    for key in arguments[1:-1]:
        text = await _text(node, key)
        values = [] if text is None else path.values(documents.parse(text))
        if text is None or (path.legacy and not values):
            replies.append(null(resp3))
        else:
            replies.append(write_bulk(documents.write(values[0] if path.legacy else values)))
    return write_array(replies)


async def _delete(arguments: list[bytes], node: Node, resp3: bool) -> bytes:  # noqa: ARG001 - as the others
    key = arguments[1]
    path = documents.path(arguments[2] if len(arguments) > 2 else b".")
    if path.is_root:
        return await _write(node, "delete", key)

    def edit(old: bytes) -> tuple[bytes, bytes] | bytes:
        document = documents.parse(old)
        count = documents.remove(document, path)
        return (documents.write(document), write_integer(count)) if count else write_integer(0)

    return await _change(node, key, edit) or write_integer(0)


async def _type(arguments: list[bytes], node: Node, resp3: bool) -> bytes:
    path = documents.path(arguments[2] if len(arguments) > 2 else b".")
    text = await _text(node, arguments[1])
    if text is None:
        return null(resp3)
    document = documents.parse(text)
    if path.legacy:
        values = path.values(document)
        return write_bulk(documents.type_name(values[0]).encode()) if values else null(resp3)
    return write_array(write_bulk(documents.type_name(value).encode()) for value in path.values(document))


async def _add(arguments: list[bytes], node: Node, resp3: bool) -> bytes:  # noqa: ARG001 - as the others
    _, key, where, number = arguments
    path = documents.path(where)
    try:
        amount = documents.parse(number)
    except JsonError:
        raise JsonError(NUMBER) from None
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise JsonError(NUMBER)

    def edit(old: bytes) -> tuple[bytes, bytes]:
        document, numbers = documents.add(documents.parse(old), path, amount)
        told = next(each for each in reversed(numbers) if each is not None) if path.legacy else numbers
        return documents.write(document), write_bulk(documents.write(told))

    answer = await _change(node, key, edit)
    if answer is None:
        raise JsonError(NO_DOCUMENT)
    return answer


_MANY = 1 << 20
# Each with the fewest and the most arguments, its own name among them.
_COMMANDS: dict[bytes, tuple[Callable[[list[bytes], Node, bool], Awaitable[bytes]], int, int]] = {
    b"JSON.SET": (_set, 4, 5),
    b"JSON.GET": (_get, 2, _MANY),
    b"JSON.MGET": (_mget, 3, _MANY),
    b"JSON.DEL": (_delete, 2, 3),
    b"JSON.FORGET": (_delete, 2, 3),
    b"JSON.TYPE": (_type, 2, 3),
    b"JSON.NUMINCRBY": (_add, 4, 4),
}

# How `COMMAND` describes them: name, arity, flags, first key, last key, step.
DESCRIPTIONS: tuple[tuple[str, int, tuple[str, ...], int, int, int], ...] = (
    ("json.set", -4, ("write", "denyoom", "module"), 1, 1, 1),
    ("json.get", -2, ("readonly", "module"), 1, 1, 1),
    ("json.mget", -3, ("readonly", "module"), 1, -2, 1),
    ("json.del", -2, ("write", "module"), 1, 1, 1),
    ("json.forget", -2, ("write", "module"), 1, 1, 1),
    ("json.type", -2, ("readonly", "module"), 1, 1, 1),
    ("json.numincrby", 4, ("write", "module"), 1, 1, 1),
)
