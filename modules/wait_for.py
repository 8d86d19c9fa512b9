"""Wait until a port answers, or a file is there, seen from the operator's machine.

- wait_for:
    host: "{{ endpoint }}"
    port: 6379
    timeout: 60
- wait_for:
    path: /tmp/ready
  delegate_to: localhost

It looks from here whatever host the play names; for a file the playbook has to say so, as for `command`. A relative
`path` starts at the playbook's folder.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, field
from runbook.contract import Action, Change, Context, Params, Permissions, Ready, Waiting
from runbook.errors import Failed

from ._files_result import facts
from ._files_state import read_state

_STATES: Mapping[str, str] = {
    "ESTABLISHED": "01",
    "SYN_SENT": "02",
    "SYN_RECV": "03",
    "FIN_WAIT1": "04",
    "FIN_WAIT2": "05",
    "TIME_WAIT": "06",
}
"""States of TCP as /proc/net/tcp numbers them."""

_ACTIVE = tuple(_STATES)
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared with, not bound to)


class WaitForParams(Params, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="Name or address.")] = "127.0.0.1"
    port: Annotated[int | None, Meta(description="TCP port.")] = None
    path: Annotated[str | None, Meta(description="File.")] = None
    search_regex: Annotated[
        str | None, Meta(description="Text that the file holds, or that the port sends.")
    ] = None
    state: Annotated[
        Literal["started", "present", "stopped", "absent", "drained"],
        Meta(
            description="started, present: it answers, it is there; stopped, absent: it does not; drained: nobody "
            "is connected to the port."
        ),
    ] = "started"
    exclude_hosts: Annotated[
        list[str] | None, Meta(description="With `drained`: connections of these do not count.")
    ] = None
    active_connection_states: Annotated[
        list[str], Meta(description="With `drained`: which states of TCP count as connected.")
    ] = field(default_factory=lambda: list(_ACTIVE))
    delay: Annotated[float, Meta(ge=0, description="Seconds before the first look.")] = 0
    sleep: Annotated[float, Meta(gt=0, description="Seconds between two looks.")] = 1
    connect_timeout: Annotated[float, Meta(gt=0, description="Seconds that one try to connect may take.")] = 5
    timeout: Annotated[
        float, Meta(ge=0, description="Seconds until it fails; with neither port nor path, how long to wait.")
    ] = 300
    msg: Annotated[str | None, Meta(description="What to say then.")] = None


class WaitForResult(msgspec.Struct, frozen=True, kw_only=True):
    state: Annotated[str, Meta(description="What was waited for; of a file, what it is.")]
    port: Annotated[int | None, Meta(description="TCP port.")] = None
    path: Annotated[str | None, Meta(description="File.")] = None
    search_regex: Annotated[str | None, Meta(description="As it was asked for.")] = None
    match_groups: Annotated[list[Any], Meta(description="What the groups of `search_regex` found.")] = field(
        default_factory=list
    )
    match_groupdict: Annotated[dict[str, Any], Meta(description="The named ones.")] = field(
        default_factory=dict
    )
    elapsed: Annotated[int, Meta(description="Seconds that were waited.")] = 0
    uid: Annotated[int | msgspec.UnsetType, Meta(description="Of the file.")] = msgspec.UNSET
    gid: Annotated[int | msgspec.UnsetType, Meta(description="Of the file.")] = msgspec.UNSET
    owner: Annotated[str | msgspec.UnsetType, Meta(description="Of the file.")] = msgspec.UNSET
    group: Annotated[str | msgspec.UnsetType, Meta(description="Of the file.")] = msgspec.UNSET
    mode: Annotated[str | msgspec.UnsetType, Meta(description="Of the file.")] = msgspec.UNSET
    size: Annotated[Any, Meta(description="Of the file.")] = msgspec.UNSET


class WaitFor:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = WaitForParams
    Result: ClassVar[type[msgspec.Struct]] = WaitForResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: WaitForParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: WaitForParams) -> None:
        """It looks when it waits. Raises Failed for a file on a host that is not this machine."""
        if params.path is not None and ctx.connection != "local":
            raise Failed(
                f"wait_for would look for {params.path} on this machine, not on host '{ctx.host}'",
                hint="Say `delegate_to: localhost` if that is meant; `ssm_command` looks on an instance.",
            )

    def plan(self, params: WaitForParams, observed: None) -> Change:
        _check(params)
        _pattern(params)
        return Change(action=Action.READ, reason=f"waits until {_what(params)}")

    def apply(self, ctx: Context, params: WaitForParams, change: Change) -> WaitForResult:
        wanted = params.state in ("started", "present", "drained")
        began = time.monotonic()

        def look() -> Waiting | Ready[re.Match[str] | None]:
            found = _there(ctx, params)
            matched = None if isinstance(found, bool) else found
            return Ready(matched) if bool(found) == wanted else Waiting("not yet")

        speed = ctx.target.speed
        if params.delay:
            _pass(ctx, params.delay)
        if params.port is None and params.path is None:
            _pass(ctx, max(0.0, params.timeout - params.delay))
            return WaitForResult(state=params.state, elapsed=int(time.monotonic() - began))
        try:
            matched = ctx.poll(
                f"until {_what(params)}",
                look,
                timeout=params.timeout * speed,
                interval=params.sleep * speed,
                longest=params.sleep * speed,
            )
        except Failed as error:
            elapsed = int(time.monotonic() - began)
            raise Failed(params.msg or _in_vain(params), result={"elapsed": elapsed}) from error
        return _told(ctx, params, matched, int(time.monotonic() - began))


def _check(params: WaitForParams) -> None:
    """How the arguments fit together, in Ansible's words."""
    told = None
    if params.port is not None and params.path is not None:
        told = "port and path parameter can not both be passed to wait_for"
    elif params.path is not None and params.state in ("stopped", "drained"):
        told = f"state={params.state} should only be used for checking a port in the wait_for module"
    elif params.exclude_hosts is not None and params.state != "drained":
        told = "exclude_hosts should only be with state=drained"
    unknown = [name for name in params.active_connection_states if name not in _STATES]
    if told is None and unknown:
        told = f"unknown active_connection_state ({unknown[0]}) defined"
    if told is not None:
        raise Failed(told, result={"elapsed": 0})


def _in_vain(params: WaitForParams) -> str:
    if params.port is not None:
        subject = f"{params.host}:{params.port}"
        if params.state in ("absent", "stopped"):
            return f"Timeout when waiting for {subject} to stop."
        if params.state == "drained":
            return f"Timeout when waiting for {subject} to drain"
        return f"Timeout when waiting for {_search(params)}{subject}"
    if params.state == "absent":
        return f"Timeout when waiting for {params.path} to be absent."
    return f"Timeout when waiting for {_search(params) or 'file '}{params.path}"


def _search(params: WaitForParams) -> str:
    return f"search string {params.search_regex} in " if params.search_regex else ""


def _told(ctx: Context, params: WaitForParams, matched: re.Match[str] | None, elapsed: int) -> WaitForResult:
    place = str(ctx.base / Path(params.path).expanduser()) if params.path is not None else None
    found = read_state(place) if place is not None else None
    seen = facts(found) if found is not None else {}
    return WaitForResult(
        port=params.port,
        path=params.path,
        search_regex=params.search_regex,
        match_groups=list(matched.groups()) if matched is not None else [],
        match_groupdict=matched.groupdict() if matched is not None else {},
        elapsed=elapsed,
        **{"state": params.state, **seen},
    )


def _pass(ctx: Context, seconds: float) -> None:
    ends = time.monotonic() + seconds

    def look() -> Waiting | Ready[None]:
        return Ready(None) if time.monotonic() >= ends else Waiting("delay")

    speed = ctx.target.speed
    step = min(seconds, 1.0) * speed
    ctx.poll("delay", look, timeout=(seconds + 60) * speed, interval=step, longest=step)


def _what(params: WaitForParams) -> str:
    subject = f"{params.host}:{params.port}" if params.port is not None else str(params.path)
    if params.search_regex:
        subject = f"{subject} holds /{params.search_regex}/"
    return f"{subject} is {params.state}"


def _pattern(params: WaitForParams) -> re.Pattern[str] | None:
    if params.search_regex is None:
        return None
    try:
        return re.compile(params.search_regex, re.MULTILINE)
    except re.error as error:
        raise Failed(f"`search_regex` is no regular expression: {error}") from error


def _there(ctx: Context, params: WaitForParams) -> bool | re.Match[str]:
    pattern = _pattern(params)
    try:
        if params.state == "drained":
            return not _connected(params)
        if params.port is not None:
            return _answers(params, pattern)
        path = ctx.base / Path(str(params.path)).expanduser()
        if pattern is None:
            return path.exists()
        return pattern.search(path.read_text(encoding="utf-8", errors="replace")) or False
    except (OSError, UnicodeError):  # a name that is no host's can't be connected to either
        return False


def _answers(params: WaitForParams, pattern: re.Pattern[str] | None) -> bool | re.Match[str]:
    where: Any = (params.host, params.port)
    ends = time.monotonic() + params.connect_timeout
    with socket.create_connection(where, timeout=params.connect_timeout) as connection:
        if pattern is None or params.state in ("stopped", "absent"):
            return True
        heard = ""
        while not (found := pattern.search(heard)):
            connection.settimeout(max(0.01, ends - time.monotonic()))
            piece = connection.recv(4096)
            if not piece:
                return False
            heard += piece.decode("utf-8", "replace")
        return found


def _connected(params: WaitForParams) -> bool:
    """Whether anybody is connected to the port of this machine. Raises Failed where the system does not tell."""
    wanted = {_STATES[name] for name in params.active_connection_states}
    ours = _addresses(params.host)
    left_out = {address for host in params.exclude_hosts or () for address in _addresses(host)}
    for local, remote, state in _connections():
        if state not in wanted or local[1] != params.port or remote[0] in left_out:
            continue
        if local[0] in ours or ours & _ANY or local[0] in _ANY:
            return True
    return False


def _connections() -> Iterator[tuple[tuple[str, int], tuple[str, int], str]]:
    """Local end, remote end and state of each TCP connection, as Linux tells them."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    if not any(table.exists() for table in tables):
        raise Failed("state=drained needs /proc/net/tcp, which this machine does not have")
    for table in tables:
        rows = table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []
        for words in map(str.split, rows):
            yield _end(words[1]), _end(words[2]), words[3]


def _end(text: str) -> tuple[str, int]:
    """`0100007F:0016` is 127.0.0.1, port 22: words of 32 bits in the machine's own order."""
    address, _, port = text.partition(":")
    raw = bytes.fromhex(address)
    if sys.byteorder == "little":
        raw = b"".join(raw[n : n + 4][::-1] for n in range(0, len(raw), 4))
    made = ipaddress.ip_address(raw)
    inner = getattr(made, "ipv4_mapped", None)
    return str(inner or made), int(port, 16)


def _addresses(host: str) -> set[str]:
    try:
        return {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError) as error:
        raise Failed(f"The host '{host}' is not known: {error}") from error
