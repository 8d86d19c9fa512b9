#!/usr/bin/env python3
"""A stand-in for valkey-cli 7.2 on rehearsal instances that can't compile the real one.

One file, standard library only. It speaks as `valkey-cli` does (options, quoting, output formats, exit codes)
for single commands, commands from standard input and `-c`; what it lacks it refuses by name.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import time
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import unquote, urlsplit

VERSION = "valkey-cli 7.2.7 (stand-in of the runbook sandbox)"
USAGE = f"""{VERSION}

Usage: valkey-cli [OPTIONS] [cmd [arg [arg ...]]]
  -h <hostname>  -p <port>  -u <uri>  -n <db>  -t <timeout>
  -a <password> (or REDISCLI_AUTH)  --user <name>  --pass <password>  --no-auth-warning
  --tls  --cacert <file>  --cacertdir <dir>  --cert <file>  --key <file>  --sni <host>  --insecure
  -c             Follow -ASK and -MOVED redirections.
  -x             Read last argument from STDIN.
  -r <repeat>  -i <interval>  -2  -3  -e  -d <delimiter>  -D <delimiter>
  --raw  --no-raw  --csv  --json  --quoted-json  --quoted-input
  --help  --version
Without a command, commands are read from standard input.
"""
_AUTH_WARNING = (
    "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n"
)


class Refusal(Exception):
    """Ends the program with a message and exit code 1."""


class ConnectionFailed(Exception):
    """The server can't be reached, or went away."""


class Reply(NamedTuple):
    """A reply: its RESP type (`$` for strings, `_` for nil) and its bytes or items."""

    kind: str
    value: Any


@dataclass
class Options:
    """What the command line asked for."""

    host: str = "127.0.0.1"
    port: int = 6379
    user: str | None = None
    password: str | None = None
    database: int = 0
    timeout: float | None = None
    tls: bool = False
    sni: str | None = None
    ca_file: str | None = None
    ca_directory: str | None = None
    cert: str | None = None
    key: str | None = None
    insecure: bool = False
    cluster: bool = False
    fail_on_error: bool = False
    last_from_stdin: bool = False
    quoted_input: bool = False
    repeat: int = 1
    interval: float = 0.0
    protocol: int = 0
    output: str = ""
    item_delimiter: bytes = b"\n"
    reply_delimiter: bytes = b"\n"
    warn: bool = False
    no_warning: bool = False
    command: list[bytes] = field(default_factory=list)


# ---- the command line

_TEXT_OPTIONS = {
    "-h": "host",
    "-a": "password",
    "--pass": "password",
    "--user": "user",
    "--sni": "sni",
    "--cacert": "ca_file",
    "--cacertdir": "ca_directory",
    "--cert": "cert",
    "--key": "key",
}
_FLAGS: dict[str, tuple[str, Any]] = {
    "--tls": ("tls", True),
    "--insecure": ("insecure", True),
    "-c": ("cluster", True),
    "-e": ("fail_on_error", True),
    "-x": ("last_from_stdin", True),
    "--quoted-input": ("quoted_input", True),
    "-2": ("protocol", 2),
    "-3": ("protocol", 3),
    "--raw": ("output", "raw"),
    "--no-raw": ("output", "standard"),
    "--csv": ("output", "csv"),
    "--json": ("output", "json"),
    "--quoted-json": ("output", "quoted-json"),
    "--no-auth-warning": ("no_warning", True),
}
_NUMBERS = {"-p": ("port", int), "-n": ("database", int), "-t": ("timeout", float)}
_NUMBERS.update({"-r": ("repeat", int), "-i": ("interval", float)})
_DELIMITERS = {"-d": "item_delimiter", "-D": "reply_delimiter"}


def parse_arguments(arguments: list[str]) -> Options:
    """Read the command line as valkey-cli does: options until the first word that is none."""
    options = Options()
    options.password = os.environ.get("REDISCLI_AUTH") or os.environ.get("VALKEYCLI_AUTH")
    words = list(arguments)
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("--help", "--version", "-v") or (option == "-h" and not words):
            sys.stdout.write(f"{VERSION}\n" if option in ("--version", "-v") else USAGE)
            raise SystemExit(0)
        if option in _FLAGS:
            setattr(options, *_FLAGS[option])
            continue
        if option not in {*_TEXT_OPTIONS, *_NUMBERS, *_DELIMITERS, "-u"}:
            raise Refusal(f"Unrecognized option or bad number of args for: '{option}' (this is {VERSION})")
        if not words:
            raise Refusal(f"Unrecognized option or bad number of args for: '{option}'")
        _take_value(options, option, words.pop(0))
    options.command = [os.fsencode(word) for word in words]
    return options


def _take_value(options: Options, option: str, value: str) -> None:
    if option == "-u":
        _take_uri(options, value)
    elif option in _NUMBERS:
        name, kind = _NUMBERS[option]
        try:
            setattr(options, name, kind(value))
        except ValueError:
            raise Refusal(f"Invalid value '{value}' for {option}") from None
    elif option in _DELIMITERS:
        setattr(options, _DELIMITERS[option], os.fsencode(value))
    else:
        setattr(options, _TEXT_OPTIONS[option], value)
        options.warn = options.warn or option in ("-a", "--pass")


def _take_uri(options: Options, text: str) -> None:
    uri = urlsplit(text)
    if uri.scheme not in ("redis", "valkey", "rediss", "valkeys"):
        raise Refusal("Invalid URI scheme")
    options.tls = options.tls or uri.scheme in ("rediss", "valkeys")
    options.host, options.port = uri.hostname or options.host, uri.port or options.port
    if uri.username:
        options.user = unquote(uri.username)
    if uri.password:
        options.password, options.warn = unquote(uri.password), True
    if uri.path.strip("/"):
        options.database = int(uri.path.strip("/"))


# ---- text with quotes

_ESCAPES = {ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("b"): 8, ord("a"): 7}
_HEX = re.compile(rb"x([0-9a-fA-F]{2})")


def split_arguments(line: bytes) -> list[bytes] | None:
    r"""A line cut into words: "double quotes" know \xHH, \n, \r, \t, \b, \a; 'single quotes' know \' only.

    None when quotes are not closed, or are closed in the middle of a word.
    """
    words: list[bytes] = []
    position = 0
    while True:
        while position < len(line) and line[position : position + 1].isspace():
            position += 1
        if position >= len(line):
            return words
        word = bytearray()
        while position < len(line) and not line[position : position + 1].isspace():
            mark = line[position : position + 1]
            if mark in (b'"', b"'"):
                after = _quoted(line, position, mark, word)
                if after is None:
                    return None
                position = after
                break
            word += mark
            position += 1
        words.append(bytes(word))


def _quoted(line: bytes, start: int, mark: bytes, word: bytearray) -> int | None:
    position = start + 1
    while position < len(line):
        each = line[position : position + 1]
        if each == mark:
            following = line[position + 1 : position + 2]
            return position + 1 if not following or following.isspace() else None
        if each == b"\\" and position + 1 < len(line):
            taken = _escaped(line, position + 1, mark, word)
            position += 1 + taken
            continue
        word += each
        position += 1
    return None


def _escaped(line: bytes, position: int, mark: bytes, word: bytearray) -> int:
    """What stands after a backslash; gives how many bytes of it are used up."""
    if mark == b"'":
        if line[position : position + 1] == b"'":
            word += b"'"
            return 1
        word += b"\\"
        return 0
    digits = _HEX.match(line, position)
    if digits:
        word.append(int(digits[1], 16))
        return 3
    word.append(_ESCAPES.get(line[position], line[position]))
    return 1


_REPR = {10: "\\n", 13: "\\r", 9: "\\t", 7: "\\a", 8: "\\b", 34: '\\"', 92: "\\\\"}


def quoted(value: bytes) -> bytes:
    """A string as it is shown on a terminal."""
    shown = (_REPR.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in value)
    return f'"{"".join(shown)}"'.encode()


_JSON = {10: b"\\n", 13: b"\\r", 9: b"\\t", 12: b"\\f", 8: b"\\b", 34: b'\\"', 92: b"\\\\"}


def json_string(value: bytes) -> bytes:
    """A string as `--json` shows it."""
    shown = (_JSON.get(byte) or (b"\\u%04x" % byte if byte <= 0x1F else bytes([byte])) for byte in value)
    return b'"' + b"".join(shown) + b'"'


# ---- output

_EMPTY = {"*": b"(empty array)\n", "%": b"(empty hash)\n", "~": b"(empty set)\n", ">": b"(empty push)\n"}
_AGGREGATES = "*~>%"


def format_reply(reply: Reply, options: Options, verbatim: bool) -> bytes:
    """A reply as bytes for standard output; `verbatim` for the commands that answer with a text for people."""
    if verbatim:
        return _raw(reply, options)
    if options.output == "standard":
        return _standard(reply, "")
    if options.output == "raw":
        return _raw(reply, options) + options.reply_delimiter
    if options.output == "csv":
        return _csv(reply) + b"\n"
    return _json(reply, json_string if options.output == "json" else _quoted_json) + b"\n"


def _raw(reply: Reply, options: Options) -> bytes:
    kind, value = reply
    if kind == "_":
        return b""
    if kind == "-":
        return bytes(value) + b"\n"
    if kind == "#":
        return b"(true)" if value else b"(false)"
    if kind == "%":
        pairs = zip(value[::2], value[1::2], strict=True)
        return options.item_delimiter.join(_raw(k, options) + b" " + _raw(v, options) for k, v in pairs)
    if kind in _AGGREGATES:
        return options.item_delimiter.join(_raw(item, options) for item in value)
    return bytes(value)


def _standard(reply: Reply, prefix: str) -> bytes:
    kind, value = reply
    if kind == "_":
        return b"(nil)\n"
    if kind == "#":
        return b"(true)\n" if value else b"(false)\n"
    if kind in _AGGREGATES:
        return _standard_items(kind, value, prefix) if value else _EMPTY[kind]
    labels = {"-": b"(error) ", ":": b"(integer) ", ",": b"(double) "}
    return labels.get(kind, b"") + (quoted(value) if kind == "$" else bytes(value)) + b"\n"


def _standard_items(kind: str, items: list[Reply], prefix: str) -> bytes:
    step = 2 if kind == "%" else 1
    width = len(str(len(items) // step))
    inner = prefix + " " * (width + 2)
    mark = {"~": "~", "%": "#"}.get(kind, ")")
    out = []
    for number, position in enumerate(range(0, len(items), step), 1):
        out.append(f"{prefix if number > 1 else ''}{number:>{width}}{mark} ".encode())
        out.append(_standard(items[position], inner))
        if kind == "%":
            value = items[position + 1]
            out[-1] = out[-1][:-1] + b" => " + (f"\n{inner}".encode() if _multiline(value) else b"")
            out.append(_standard(value, inner))
    return b"".join(out)


def _multiline(reply: Reply) -> bool:
    if reply.kind not in _AGGREGATES or not reply.value:
        return False
    single = 2 if reply.kind == "%" else 1
    return len(reply.value) > single or _multiline(reply.value[single - 1])


def _csv(reply: Reply) -> bytes:
    kind, value = reply
    if kind == "_":
        return b"NULL"
    if kind == "#":
        return b"true" if value else b"false"
    if kind in _AGGREGATES:
        return b",".join(_csv(item) for item in value)
    if kind in (":", ","):
        return bytes(value)
    return (b"ERROR," if kind == "-" else b"") + quoted(value)


def _quoted_json(value: bytes) -> bytes:
    return quoted(value).replace(b"\\", b"\\\\")


def _json(reply: Reply, string: Any) -> bytes:
    kind, value = reply
    if kind == "_":
        return b"null"
    if kind == "#":
        return b"true" if value else b"false"
    if kind == "%":
        pairs = zip(value[::2], value[1::2], strict=True)
        return b"{" + b",".join(_json_key(k, string) + b":" + _json(v, string) for k, v in pairs) + b"}"
    if kind in _AGGREGATES:
        return b"[" + b",".join(_json(item, string) for item in value) + b"]"
    if kind in (":", ","):
        return bytes(value)
    return (b"error:" if kind == "-" else b"") + bytes(string(value))


def _json_key(reply: Reply, string: Any) -> bytes:
    text = _json(reply, string)
    return text if text.startswith(b'"') else b'"' + text + b'"'


def is_verbatim(command: list[bytes]) -> bool:
    """Commands whose reply is a text for people, printed as it is."""
    words = [word.lower() for word in command[:2]]
    return words[0] in (b"info", b"lolwut") or (
        words
        in ([b"client", b"list"], [b"client", b"info"], [b"memory", b"doctor"], [b"memory", b"malloc-stats"])
        or (len(command) == 2 and words in ([b"cluster", b"nodes"], [b"cluster", b"info"]))
    )


# ---- the connection


class Connection:
    """One connection to a server."""

    def __init__(self, options: Options) -> None:
        self._options = options
        try:
            plain = socket.create_connection((options.host, options.port), timeout=options.timeout)
            self._socket = self._wrapped(plain) if options.tls else plain
        except ssl.SSLError as error:
            raise ConnectionFailed(self._failure(f"SSL_connect failed: {_ssl_reason(error)}")) from error
        except OSError as error:
            raise ConnectionFailed(self._failure(error.strerror or str(error))) from error
        self._file: BinaryIO = self._socket.makefile("rb")
        self._greet()

    def send(self, command: list[bytes]) -> None:
        """Send one command."""
        parts = [b"*%d\r\n" % len(command)]
        parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in command]
        try:
            self._socket.sendall(b"".join(parts))
        except OSError as error:
            raise ConnectionFailed(f"Error: {error.strerror or error}") from error

    def receive(self) -> Reply:
        """The next reply."""
        try:
            line = self._file.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionFailed("Error: Server closed the connection")
            return self._rest(chr(line[0]), line[1:-2])
        except OSError as error:
            raise ConnectionFailed(f"Error: {error.strerror or error}") from error

    def ask(self, *command: bytes) -> Reply:
        """One command and its reply."""
        self.send(list(command))
        return self.receive()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _rest(self, kind: str, line: bytes) -> Reply:
        if kind in "$=!":
            if int(line) < 0:
                return Reply("_", None)
            text = self._file.read(int(line) + 2)[:-2]
            return Reply({"=": "=", "!": "-"}.get(kind, "$"), text[4:] if kind == "=" else text)
        if kind == "|":
            for _ in range(2 * int(line)):
                self.receive()
            return self.receive()
        if kind in _AGGREGATES:
            if int(line) < 0:
                return Reply("_", None)
            return Reply(kind, [self.receive() for _ in range(int(line) * (2 if kind == "%" else 1))])
        if kind == "#":
            return Reply(kind, line == b"t")
        return Reply(":" if kind == "(" else kind, line)

    def _greet(self) -> None:
        options = self._options
        if options.password is not None:
            secret = [os.fsencode(word) for word in (options.user, options.password) if word is not None]
            reply = self.ask(b"AUTH", *secret)
            if reply.kind == "-":
                sys.stderr.write(f"AUTH failed: {reply.value.decode('utf-8', 'replace')}\n")
        if options.database:
            reply = self.ask(b"SELECT", b"%d" % options.database)
            if reply.kind == "-":
                sys.stderr.write(f"SELECT {options.database} failed: {reply.value.decode()}\n")
        wants_3 = options.protocol == 3 or (not options.protocol and "json" in options.output)
        if wants_3:
            reply = self.ask(b"HELLO", b"3")
            if reply.kind == "-" and options.protocol == 3:
                sys.stderr.write(f"HELLO 3 failed: {reply.value.decode()}\n")

    def _wrapped(self, plain: socket.socket) -> ssl.SSLSocket:
        options = self._options
        try:
            context = ssl.create_default_context(cafile=options.ca_file, capath=options.ca_directory)
            if options.cert:
                context.load_cert_chain(options.cert, options.key)
        except OSError as error:
            raise Refusal(f"Invalid CA Certificate File/Directory or client certificate: {error}") from error
        context.check_hostname = False  # valkey-cli verifies the chain, not the name
        if options.insecure:
            context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(plain, server_hostname=options.sni)

    def _failure(self, why: str) -> str:
        return f"Could not connect to Valkey at {self._options.host}:{self._options.port}: {why}"


def _ssl_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed ({error.verify_message})"
    return (error.reason or str(error)).replace("_", " ").lower()


# ---- running commands


class Session:
    """Commands in a row over one connection, which `-c` may move to another node."""

    def __init__(self, options: Options, interactive: bool) -> None:
        self._options = options
        self._interactive = interactive
        self._connection: Connection | None = None

    def connect(self) -> Connection:
        """The connection, made if there is none."""
        if self._connection is None:
            self._connection = Connection(self._options)
        return self._connection

    def run(self, command: list[bytes], repeat: int = 1) -> None:
        """Send a command, print its reply. Raises ConnectionFailed."""
        try:
            while repeat:
                self._run_once(command)
                repeat -= 1
                if repeat and self._options.interval:
                    time.sleep(self._options.interval)
        except ConnectionFailed:
            self._drop()
            raise

    def _run_once(self, command: list[bytes]) -> None:
        asking = False
        while True:
            connection = self.connect()
            if asking:
                connection.ask(b"ASKING")
            connection.send(command)
            reply = connection.receive()
            while reply.kind == ">":
                self._print(reply, command)
                reply = connection.receive()
            redirected = self._options.cluster and self._follow(reply)
            if not redirected:
                break
            asking = reply.value.startswith(b"ASK ")
        if reply.kind == "-" and self._options.fail_on_error and not self._interactive:
            raise Refusal(reply.value.decode("utf-8", "surrogateescape"))
        self._print(reply, command)
        if (
            command[0].lower() in (b"subscribe", b"psubscribe", b"ssubscribe", b"monitor")
            and reply.kind != "-"
        ):
            while True:
                self._print(self.connect().receive(), command)

    def _follow(self, reply: Reply) -> bool:
        if reply.kind != "-" or not reply.value.startswith((b"MOVED ", b"ASK ")):
            return False
        _, slot, place = reply.value.decode().split(" ", 2)
        host, _, port = place.rpartition(":")
        self._options.host, self._options.port = host or self._options.host, int(port)
        if self._interactive:
            _out(f"-> Redirected to slot [{slot}] located at {self._options.host}:{port}\n".encode())
        self._drop()
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _print(self, reply: Reply, command: list[bytes]) -> None:
        _out(format_reply(reply, self._options, is_verbatim(command)))


def _out(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def run_one(options: Options) -> int:
    """The command of the command line."""
    command = options.command
    if options.quoted_input:
        command = [_unquote(word) for word in command]
    if options.last_from_stdin:
        command = [*command, sys.stdin.buffer.read()]
    try:
        Session(options, interactive=False).run(command, options.repeat)
    except ConnectionFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _unquote(word: bytes) -> bytes:
    parts = split_arguments(word) if word[:1] in (b'"', b"'") else [word]
    if parts is None or len(parts) != 1:
        raise Refusal("Invalid quoted string")
    return parts[0]


def run_lines(options: Options) -> int:
    """Commands from standard input, one a line. As with valkey-cli, their errors do not change the exit code."""
    session = Session(options, interactive=True)
    prompt = f"{options.host}:{options.port}> ".encode() if sys.stdin.isatty() else b""
    while True:
        _out(prompt)
        line = sys.stdin.buffer.readline()
        if not line:
            return 0
        words = split_arguments(line.rstrip(b"\r\n"))
        if words is None:
            _out(b"Invalid argument(s)\n")
        elif words and words[0].lower() in (b"quit", b"exit"):
            return 0
        elif words:
            repeat = int(words.pop(0)) if len(words) > 1 and words[0].isdigit() else 1
            _run_line(session, words, repeat)


def _run_line(session: Session, words: list[bytes], repeat: int) -> None:
    try:
        session.run(words, repeat)
    except ConnectionFailed as error:
        sys.stderr.write(f"{error}\n")


def main(arguments: list[str]) -> int:
    """Run; gives the exit code."""
    try:
        options = parse_arguments(arguments)
        if options.warn and not options.no_warning:
            sys.stderr.write(_AUTH_WARNING)
        if not options.output:
            terminal = sys.stdout.isatty() or "FAKETTY" in os.environ
            options.output = "standard" if terminal else "raw"
        return run_one(options) if options.command else run_lines(options)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
