"""The shell text that Run Command carries: the operator's script with its surroundings, guards and interpreter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from runbook.contract import Context
from runbook.errors import Failed

NOT_RUN = "runbook: not run: "
"""How the only line begins that a script prints which its guards held back."""

WOULD_RUN = "runbook: nothing holds it back"

REBOOT = 194
"""The exit code that asks the agent to reboot the instance (fact 44)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SECRET = re.compile(r"(ssm|secretsmanager):(\S+)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script and where and how it runs on the instance."""

    text: str
    verbatim: bool = False
    """Quoted words, in which a carriage return is meant; in a script it is the line end of an editor."""
    shell: str = "/bin/sh"
    strict: bool = True
    """End at the first command that fails (`set -eu`, and `pipefail` under bash): fact 45."""
    chdir: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Variable to `ssm:NAME` or `secretsmanager:ID`, fetched on the instance with its own role."""
    region: str = ""
    """Where the secrets are."""
    user: str | None = None
    creates: str | None = None
    unless: str | None = None
    may_reboot: bool = False

    @property
    def guarded(self) -> bool:
        return self.creates is not None or self.unless is not None


def refuse_secrets(ctx: Context, arguments: Iterable[str]) -> None:
    """Raise Failed when one of these arguments was made from a secret: whoever may read the account's command
    history, or ListCommands, would read it (fact 47)."""
    shown = sorted(ctx.secret_arguments.intersection(arguments))
    if shown:
        told = " and ".join(f"`{name}`" for name in shown)
        raise Failed(
            f"A secret in {told} would stand in the account's command history.",
            hint="Keep it in a parameter or in Secrets Manager, and let the instance fetch it from there.",
        )


def quote(word: str) -> str:
    """One word for a POSIX shell, always in quotes."""
    return "'" + word.replace("'", "'\\''") + "'"


def compose(script: Script) -> str:
    """The whole text to send."""
    if not script.text.strip():
        raise Failed("The script is empty.", hint="Give it what to run.")
    return _carry(script, [*_surroundings(script), *_guards(script), *_fetch(script), *_body(script)])


def probe(script: Script) -> str:
    """A text that runs nothing but the guards, and prints what they say."""
    return _carry(script, [*_surroundings(script), *_guards(script), f"echo {quote(WOULD_RUN)}"])


def guard_answer(stdout: str) -> str | None:
    """Why a guard held the script back, or None when it ran."""
    line = stdout.strip()
    return line.removeprefix(NOT_RUN) if line.startswith(NOT_RUN) and "\n" not in line else None


def _surroundings(script: Script) -> list[str]:
    lines = []
    for name, value in script.environment.items():
        lines.append(f"export {_variable(name)}={quote(value)}")
    if script.chdir is not None:
        lines.append(f"cd -- {quote(script.chdir)} || exit 1")
    return lines


def _guards(script: Script) -> list[str]:
    lines = []
    if script.creates is not None:
        says = quote(f"{NOT_RUN}{script.creates} is there")
        lines.append(f"if [ -e {quote(script.creates)} ]; then echo {says}; exit 0; fi")
    if script.unless is not None:
        says = quote(f"{NOT_RUN}`unless` succeeded")
        test = f"{script.shell} -c {quote(_unix(script.unless))}"
        lines.append(f"if {test} >/dev/null 2>&1 </dev/null; then echo {says}; exit 0; fi")
    return lines


def _fetch(script: Script) -> list[str]:
    lines = []
    for name, source in script.secrets.items():
        variable = _variable(name)
        says = quote(f"runbook: the secret for {variable} could not be read from {source} on this instance")
        lines += [f"{variable}=$({read_secret(source, script.region)}) || {{ echo {says} >&2; exit 1; }}"]
        lines += [f"export {variable}"]
    return lines


def read_secret(source: str, region: str) -> str:
    """The command that prints a secret on the instance. Raises Failed for a source that is neither kind."""
    found = _SECRET.match(source)
    if not found:
        raise Failed(
            f"'{source}' does not say where a secret is kept.",
            hint="Write `ssm:/name/of/the/parameter` or `secretsmanager:name-or-arn`.",
        )
    kind, name = found.groups()
    where = f" --region {quote(region)}" if region else ""
    if kind == "ssm":
        asked = f"ssm get-parameter --name {quote(name)} --with-decryption --query Parameter.Value"
    else:
        asked = f"secretsmanager get-secret-value --secret-id {quote(name)} --query SecretString"
    return f"aws {asked} --output text{where}"


def _body(script: Script) -> list[str]:
    text = script.text if script.verbatim else _unix(script.text)
    if text.startswith("#!"):
        interpreter, _, _ = text[2:].partition("\n")
        return [*_keep("runbook_program", text), f'{interpreter.strip()} "$runbook_program" </dev/null']
    strict = ["set -eu"] if script.strict else []
    if script.strict and script.shell.endswith("bash"):
        strict = ["set -euo pipefail"]
    return [*strict, text]


def _carry(script: Script, lines: list[str]) -> str:
    """Run the lines from a file of their own, so that no quote or `exit` in them touches what stands around, as
    the user and in the shell that were asked for."""
    run = f'{quote(script.shell)} "$runbook_script" </dev/null'
    if script.user is not None:
        run = f"sudo -H -u {quote(script.user)} -- {run}"
    carried = [*_keep("runbook_script", "\n".join(lines)), run]
    if script.may_reboot:
        return "\n".join([*carried, ""])
    says = quote(
        f"runbook: exit code {REBOOT} would make the agent reboot this instance; set `reboot: true` to let it"
    )
    # Without this, a program that happens to end with 194 reboots the instance and runs again.
    held = f"if [ $runbook_code -eq {REBOOT} ]; then echo {says} >&2; runbook_code=1; fi"
    return "\n".join([*carried, "runbook_code=$?", held, "exit $runbook_code", ""])


def _keep(variable: str, text: str) -> list[str]:
    """Lines that put a text into a temporary file, removed at the end."""
    text = text.removesuffix("\n")
    mark = "END_OF_SCRIPT"
    while mark in text.split("\n"):
        mark += "_"
    return [
        f"{variable}=$(mktemp) || exit 1",
        f"trap 'rm -f \"${variable}\"' EXIT",
        f"cat >\"${variable}\" <<'{mark}'",
        text,
        mark,
        f'chmod 644 "${variable}"',
    ]


def _variable(name: str) -> str:
    if not _NAME.match(name):
        raise Failed(
            f"'{name}' can't be the name of an environment variable.", hint="Letters, digits and _ only."
        )
    return name


def _unix(text: str) -> str:
    """Line ends as the instance's shell wants them: an operator's file may come from Windows."""
    return text.replace("\r\n", "\n")
