"""Commands to a Valkey cluster by valkey-cli on an instance in its VPC, through Systems Manager.

A list of commands travels as one script. Each command is a valkey-cli of its own (`-c` follows redirects, `-e`
makes an error reply an exit code, `--no-raw` keeps any bytes), and what all of them printed comes back compressed
in base64, in pieces where it is longer than Systems Manager keeps.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from runbook.contract import Context
from runbook.errors import Failed

from ._instances import one, wait_online
from ._ssm import Job, Ran, last_line, run_on_instances
from ._ssm_script import quote, read_secret
from ._valkey_cli import Reply, arguments, parse_reply
from ._valkey_transport import Endpoint
from ._valkey_words import Command, reads_only, shown, text

PIECE = 20_000
"""Characters that come back at a time; Systems Manager keeps 24,000 (fact 43)."""

NO_ANSWER = 124
"""The exit code of `timeout` when it ended its program."""

_HEAD = re.compile(r"runbook (\d+) (-|/var/tmp/runbook\.\w+)\n")

_SCRIPT = """\
PATH=$PATH:/usr/local/bin
command -v valkey-cli >/dev/null || { echo 'there is no valkey-cli on this instance' >&2; exit 127; }
umask 077
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0
: >"$work/codes"
v() {
  count=$((count + 1))
  timeout @TIMEOUT@ valkey-cli @OPTIONS@ "$@" >"$work/$count.out" 2>"$work/$count.err" </dev/null
  code=$?
  echo "$code" >>"$work/codes"
  return @RETURN@
}
@COMMANDS@
cd "$work" || exit 1
set --
number=0
while [ "$number" -lt "$count" ]; do
  number=$((number + 1))
  set -- "$@" "$number.out" "$number.err"
done
{ cat codes; wc -c "$@"; echo data; cat "$@"; } | gzip -c | base64 | tr -d '\n' >packed
size=$(wc -c <packed | tr -d ' ')
kept=-
if [ "$size" -gt @PIECE@ ]; then
  kept=$(mktemp /var/tmp/runbook.XXXXXXXX) || exit 1
  cp packed "$kept"
fi
echo "runbook $size $kept"
head -c @PIECE@ packed
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one valkey-cli said."""

    code: int
    out: bytes
    err: str


class ThroughInstance:
    """`Transport` through an instance."""

    def __init__(
        self, ctx: Context, endpoint: Endpoint, instance: str, password_from: str | None, wait: int
    ) -> None:
        self._ctx = ctx
        self._endpoint = endpoint
        self._wanted = instance
        self._password_from = password_from
        self._wait = wait
        self._found: str | None = None

    def ask(self, commands: Sequence[Command], *, tolerant: bool = False) -> list[Reply]:
        return self._send("ask", commands, tolerant=tolerant)

    def change(self, commands: Sequence[Command], names: Sequence[str] = ()) -> list[Reply]:
        # All travel together, and are found again together by the token of that one sending.
        del names
        return self._send("commands", commands, effect=True)

    def keys(self, pattern: bytes) -> list[bytes]:
        command: Command = (b"KEYS", pattern)
        found: set[bytes] = set()
        for endpoint in self._primaries():
            (reply,) = self._send("ask", [command], at=endpoint)
            if isinstance(reply, dict):
                raise Failed(f"{shown(command)} at {endpoint} was answered by an error: {reply['error']}")
            found.update(key for key in reply if isinstance(key, bytes)) if isinstance(reply, list) else None
        return sorted(found)

    def close(self) -> None:
        """Nothing is kept open."""

    def _primaries(self) -> list[Endpoint]:
        (slots,) = self._send("ask", [(b"CLUSTER", b"SLOTS")])
        if not isinstance(slots, list):
            raise Failed(f"{self._endpoint} does not tell its slots: {slots!r}")
        places = {_primary(shard, self._endpoint.host) for shard in slots}
        return [replace(self._endpoint, host=host, port=port) for host, port in sorted(places)]

    # ------------------------------------------------------------ one script

    def _send(
        self,
        key: str,
        commands: Sequence[Command],
        *,
        tolerant: bool = False,
        effect: bool = False,
        at: Endpoint | None = None,
    ) -> list[Reply]:
        if not commands:
            return []
        endpoint = at or self._endpoint
        script = compose(
            commands, endpoint, self._password_from, self._ctx.target.region or "", tolerant=tolerant
        )
        limit = min(172_800, 60 + len(commands) * (int(endpoint.timeout) + 1))
        job = Job(script=script, execution_timeout=max(limit, 300))
        packed = self._packed(self._run(key, job, effect=effect))
        answers = unpack(packed)
        if len(answers) < len(commands) and (tolerant or all(answer.code == 0 for answer in answers)):
            raise Failed(f"Only {len(answers)} of {len(commands)} commands came back from {self._wanted}.")
        return [self._reply(command, answer) for command, answer in zip(commands, answers, strict=False)]

    def _run(self, key: str, job: Job, *, effect: bool) -> str:
        (ran,) = run_on_instances(self._ctx, key, job, [self._instance()], effect=effect)
        if ran.failure:
            raise _broken(ran)
        return ran.stdout

    def _packed(self, stdout: str) -> str:
        head = _HEAD.match(stdout)
        if not head:
            raise Failed(f"The answer of {self._wanted} can't be read: {stdout[:200]!r}")
        size, kept = int(head.group(1)), head.group(2)
        packed = stdout[head.end() :].strip()
        while len(packed) < size and kept != "-":
            piece = f"tail -c +{len(packed) + 1} {kept} | head -c {PIECE}"
            last = f"{piece}\nrm -f {kept}" if len(packed) + PIECE >= size else piece
            packed += self._run("ask", Job(script=last), effect=False).strip()
        return packed

    def _reply(self, command: Command, answer: Answer) -> Reply:
        if answer.code == 0:
            return parse_reply(answer.out, command)
        told = answer.err.strip().rsplit("\n", 1)[-1]
        if answer.code == NO_ANSWER:
            told = f"{self._endpoint} gave no answer to {shown(command)} within {self._endpoint.timeout:g} s"
            raise Failed(f"{told}." if reads_only(command) else f"{told}; it may have been carried out.")
        if not told or told.split(" ")[0] != told.split(" ")[0].upper():
            raise Failed(
                f"valkey-cli on {self._wanted} could not run {shown(command)} at {self._endpoint}: "
                f"{told or f'exit code {answer.code}'}",
                hint="Check that the security groups let the instance reach the cluster, and `tls`.",
            )
        return {"error": told}

    def _instance(self) -> str:
        if self._found is None:
            instance = one(self._ctx, self._wanted)
            wait_online(self._ctx, [instance], self._wait)
            self._found = instance.id
        return self._found


def compose(
    commands: Sequence[Command], endpoint: Endpoint, password_from: str | None, region: str, *, tolerant: bool
) -> str:
    """The script that runs the commands and prints what they answered. The password is fetched on the instance."""
    lines = [f"v {arguments(command)}" for command in commands]
    told = {
        "TIMEOUT": f"{endpoint.timeout:g}",
        "OPTIONS": _options(endpoint),
        "RETURN": "0" if tolerant else '"$code"',
        "PIECE": str(PIECE),
        "COMMANDS": "\n".join(lines) if tolerant else " &&\n".join(lines),
    }
    script = re.sub(r"@([A-Z]+)@", lambda found: told[found.group(1)], _SCRIPT)
    if password_from is None:
        return script
    says = quote(f"the password could not be read from {password_from} on this instance")
    fetch = f"REDISCLI_AUTH=$({read_secret(password_from, region)}) || {{ echo {says} >&2; exit 1; }}"
    # Both names: valkey-cli 7.2 knows the first only, and later ones may drop it.
    return f"{fetch}\nVALKEYCLI_AUTH=$REDISCLI_AUTH\nexport REDISCLI_AUTH VALKEYCLI_AUTH\n{script}"


def _options(endpoint: Endpoint) -> str:
    options = f"-h {quote(endpoint.host)} -p {endpoint.port}"
    if endpoint.tls:
        options += " --tls"
    if endpoint.tls and endpoint.ca_file is not None:
        options += f" --cacert {quote(endpoint.ca_file)}"
    if endpoint.username is not None:
        options += f" --user {quote(endpoint.username)}"
    return f"{options} -c -e --no-raw"


def unpack(packed: str) -> list[Answer]:
    """What each valkey-cli said. Raises Failed for a text that is not what the script packs."""
    try:
        head, _, data = gzip.decompress(base64.b64decode(packed, validate=True)).partition(b"data\n")
        lines = [line.split() for line in head.splitlines()]
        codes = [int(line[0]) for line in lines if len(line) == 1]
        sizes = iter([int(line[0]) for line in lines if len(line) == 2])
    except (ValueError, OSError, EOFError, binascii.Error) as error:
        raise Failed(f"The answer of the instance came back damaged: {error}") from error
    answers, at = [], 0
    for code, out, err in zip(codes, sizes, sizes, strict=False):
        answers.append(Answer(code, data[at : at + out], text(data[at + out : at + out + err])))
        at += out + err
    return answers


def _primary(shard: Any, asked: str) -> tuple[str, int]:
    """Host and port of a shard's primary, from an entry of CLUSTER SLOTS; an empty host is the one asked."""
    host, port = shard[2][0], shard[2][1]
    return text(host) if host else asked, int(port)


def _broken(ran: Ran) -> Failed:
    told = last_line(ran.stderr)
    hint = "Install it first, as part 2 of the lab does." if ran.rc == 127 else None
    return Failed(f"The commands could not be run on {ran.instance}: {told or ran.failure}", hint=hint)
