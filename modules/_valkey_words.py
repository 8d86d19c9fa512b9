"""Valkey commands as words: text split as valkey-cli splits it, and which commands only read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from runbook.errors import Failed

Command: TypeAlias = tuple[bytes, ...]
"""One command: its name and its arguments, any bytes."""

_SPACE = b" \t\n\r\v\f\0"
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_HEX = b"0123456789abcdefABCDEF"

READ_ONLY = frozenset(
    b"""
    BITCOUNT BITFIELD_RO BITPOS COMMAND DBSIZE DUMP ECHO EVALSHA_RO EVAL_RO EXISTS EXPIRETIME FCALL_RO GEODIST
    GEOHASH GEOPOS GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GET GETBIT GETRANGE HEXISTS HGET HGETALL HKEYS HLEN
    HMGET HRANDFIELD HSCAN HSTRLEN HVALS INFO KEYS LASTSAVE LCS LINDEX LLEN LOLWUT LPOS LRANGE MGET PEXPIRETIME
    PFCOUNT PING PTTL RANDOMKEY ROLE SCAN SCARD SDIFF SINTER SINTERCARD SISMEMBER SMEMBERS SMISMEMBER SORT_RO
    SRANDMEMBER SSCAN STRLEN SUBSTR SUNION TIME TTL TYPE XINFO XLEN XPENDING XRANGE XREAD XREVRANGE ZCARD
    ZCOUNT ZDIFF ZINTER ZINTERCARD ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE
    ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION
    JSON.ARRINDEX JSON.ARRLEN JSON.DEBUG JSON.GET JSON.MGET JSON.OBJKEYS JSON.OBJLEN JSON.RESP JSON.STRLEN
    JSON.TYPE
    """.split()
)
"""Commands that change no key and no setting, whatever their arguments."""

READ_ONLY_SECOND = {
    b"ACL": frozenset(b"CAT DRYRUN GENPASS GETUSER LIST USERS WHOAMI HELP".split()),
    b"CLIENT": frozenset(b"GETNAME ID INFO LIST HELP".split()),
    b"CLUSTER": frozenset(
        b"COUNTKEYSINSLOT INFO KEYSLOT LINKS MYID MYSHARDID NODES REPLICAS SHARDS SLAVES SLOTS".split()
    ),
    b"CONFIG": frozenset({b"GET", b"HELP"}),
    b"FUNCTION": frozenset(b"DUMP LIST STATS HELP".split()),
    b"LATENCY": frozenset(b"DOCTOR GRAPH HISTOGRAM HISTORY LATEST HELP".split()),
    b"MEMORY": frozenset(b"DOCTOR MALLOC-STATS STATS USAGE HELP".split()),
    b"MODULE": frozenset(b"LIST HELP".split()),
    b"OBJECT": frozenset(b"ENCODING FREQ IDLETIME REFCOUNT HELP".split()),
    b"PUBSUB": frozenset(b"CHANNELS NUMPAT NUMSUB SHARDCHANNELS SHARDNUMSUB HELP".split()),
    b"SCRIPT": frozenset(b"EXISTS HELP".split()),
    b"SLOWLOG": frozenset(b"GET LEN HELP".split()),
}
"""Commands of two words that change nothing."""

_NOT_ONE_REPLY = frozenset(
    b"SUBSCRIBE PSUBSCRIBE SSUBSCRIBE MONITOR SYNC PSYNC MULTI EXEC DISCARD WATCH UNWATCH".split()
)


def reads_only(command: Command) -> bool:
    """Whether a command is known to change nothing; what is not known may change something."""
    name = command[0].upper()
    if name in READ_ONLY:
        return True
    return len(command) > 1 and command[1].upper() in READ_ONLY_SECOND.get(name, ())


def command_of(written: str | Sequence[str]) -> Command:
    """A command as the operator wrote it: one text, quoted as valkey-cli reads it, or a list of words.

    Raises Failed for unbalanced quotes, nothing at all, and commands that answer no single reply.
    """
    words = split(written) if isinstance(written, str) else tuple(word.encode() for word in written)
    if not words:
        raise Failed("An empty text is no command.", hint="Write one such as `GET person:1`.")
    if words[0].upper() in _NOT_ONE_REPLY:
        raise Failed(
            f"{text(words[0])} needs a connection that stays open; each command here has its own.",
            hint="For several changes at once that must hang together, use EVAL with a script.",
        )
    return words


def split(line: str) -> Command:
    """Split one line into words as valkey-cli does in its interactive mode.

    Double quotes know `\\n`, `\\xHH` and their like, single quotes only `\\'`; a closing quote ends its word.
    Raises Failed when quotes are unbalanced.
    """
    raw = line.encode("utf-8", "surrogateescape")
    words: list[bytes] = []
    at = _skip_space(raw, 0)
    while at < len(raw):
        word, at = _word(raw, at, line)
        words.append(word)
        at = _skip_space(raw, at)
    return tuple(words)


def _skip_space(raw: bytes, at: int) -> int:
    while at < len(raw) and raw[at] in _SPACE:
        at += 1
    return at


def _word(raw: bytes, at: int, line: str) -> tuple[bytes, int]:
    word = bytearray()
    while at < len(raw) and raw[at] not in _SPACE:
        mark = raw[at : at + 1]
        if mark not in (b'"', b"'"):
            word += mark
            at += 1
            continue
        at = (_double if mark == b'"' else _single)(raw, at + 1, word, line)
        if at < len(raw) and raw[at] not in _SPACE:
            raise _unbalanced(line)
    return bytes(word), at


def _double(raw: bytes, at: int, word: bytearray, line: str) -> int:
    while at < len(raw):
        here = raw[at : at + 1]
        if here == b'"':
            return at + 1
        digits = raw[at + 2 : at + 4]
        if raw[at : at + 2] == b"\\x" and len(digits) == 2 and all(digit in _HEX for digit in digits):
            word.append(int(digits, 16))
            at += 4
        elif here == b"\\" and at + 1 < len(raw):
            escaped = raw[at + 1 : at + 2]
            word += _ESCAPES.get(escaped, escaped)
            at += 2
        else:
            word += here
            at += 1
    raise _unbalanced(line)


def _single(raw: bytes, at: int, word: bytearray, line: str) -> int:
    while at < len(raw):
        if raw[at : at + 2] == b"\\'":
            word += b"'"
            at += 2
        elif raw[at : at + 1] == b"'":
            return at + 1
        else:
            word += raw[at : at + 1]
            at += 1
    raise _unbalanced(line)


def _unbalanced(line: str) -> Failed:
    return Failed(
        f"The quotes of this command do not match: {line}",
        hint="Quote as in valkey-cli, a space after each closing quote; or give the command as a list of words.",
    )


def text(raw: bytes) -> str:
    """Bytes as text; what is not UTF-8 with backslashes."""
    return raw.decode("utf-8", "backslashreplace")


def shown(command: Command) -> str:
    """A command as one line for people, values shortened."""
    words = [text(word) for word in command]
    return " ".join(_shorten(f'"{word}"' if not word or " " in word else word) for word in words)


def _shorten(word: str, most: int = 60) -> str:
    return word if len(word) <= most else f"{word[: most - 1]}…"
