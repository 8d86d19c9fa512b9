"""What `command` and `shell` share: their guards, their plan, and the two places where they run."""

from __future__ import annotations

import os
import re
import shlex
import string
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from runbook.contract import Action, Change, Context
from runbook.errors import Failed
from runbook.values import Unknown

from ._files_world import World, planned_files
from ._process import RUN, CommandResult, Raw, ended, run_here, shell_call

if TYPE_CHECKING:
    from ._instances import Instance
    from ._ssm_script import Script

SSM = "ssm"
POSIX_SHELL = "/bin/sh"

_NAME = re.compile(r"\$(?:(\w+)|\{([^}]*)\})")

WAIT_ONLINE = 900
"""Seconds that an instance's agent has to come online."""

_PLAIN = frozenset(string.ascii_letters + string.digits + "_-./*?[]")
"""Letters of a glob that a shell takes as they are."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run, and when not."""

    command: str | list[str]
    chdir: str | None = None
    creates: str | None = None
    removes: str | None = None
    stdin: str | None = None
    shell: str | None = None
    """The program that reads `command`; None: there is none, `command` names the program itself."""
    strip: bool = True
    expand: bool = False
    """`$NAME` and `~` in the words mean the environment's and the home, though no shell reads them."""


class Held(msgspec.Struct, frozen=True):
    """What the guards say: why it is not to be run; empty when nothing holds it back."""

    path: str = ""
    exists: bool = True

    @property
    def told(self) -> str:
        """Ansible's words for it."""
        return f"{self.path} {self.fact}"

    @property
    def fact(self) -> str:
        return "exists" if self.exists else "does not exist"


class Run(msgspec.Struct, frozen=True):
    """What a plan shows."""

    command: Any


def look(ctx: Context, call: Call) -> Held:
    """Ask the guards, where the command would run. Raises Failed for what can't be carried there."""
    if ctx.connection != SSM:
        folder = ctx.base / Path(call.chdir or ".").expanduser()
        return guards(ctx, RUN, folder, call.creates, call.removes)
    from ._ssm_script import refuse_secrets

    refuse_secrets(ctx, ("cmd", "argv", "chdir", "creates", "removes", "executable", "environment"))
    if RUN in ctx.began:  # it was sent: its end is waited for, whatever it has left there by now
        return Held()
    if call.stdin is not None:
        raise Failed("`stdin` can't be carried to an instance.", hint="Put the text into the script.")
    return _held_there(ctx, call) if call.creates or call.removes else Held()


def plan(command: Any, held: Held, *, guarded: bool) -> Change:
    """RUN, unless a guard holds it back. `command` may be known after apply only. guarded: it has a guard, so that
    a task with `check_mode: true` can tell whether it would run."""
    if held.path:
        return Change(
            action=Action.NONE,
            reason=held.told,
            result=_not_run(command, f"Did not run command since '{held.path}' {held.fact}", held),
            checked=_not_run(command, f"Would not run command since '{held.path}' {held.fact}", held),
        )
    checked = CommandResult(
        cmd=command,
        msg="Command would have run if not in check mode",
        skipped=msgspec.UNSET if guarded else True,
        failed=False,
    )
    if isinstance(command, Unknown):
        reason = f"runs what {Unknown.describe(command)} will tell"
        return Change(action=Action.RUN, after=Run(command), reason=reason, checked=checked)
    shown = command if isinstance(command, str) else shlex.join(command)
    reason = f"runs {shown.strip().splitlines()[0]}"
    return Change(action=Action.RUN, after=Run(shown), reason=reason, checked=checked)


def _not_run(command: Any, why: str, held: Held) -> CommandResult:
    said = f"skipped, since {held.told}"
    return CommandResult(cmd=command, msg=why, stdout=said, stdout_lines=[said])


def run(ctx: Context, call: Call) -> CommandResult:
    """Run it where the task acts. Raises Failed for an exit code other than 0."""
    if ctx.connection == SSM:
        return _run_there(ctx, call)
    argv: str | list[str] = call.command
    if call.shell is not None:
        argv = shell_call(call.shell, str(call.command))
    elif call.expand and not isinstance(argv, str):
        argv = expanded(argv, {**os.environ, **ctx.environment})
    return run_here(ctx, argv, shown=call.command, chdir=call.chdir, stdin=call.stdin, strip=call.strip)


def expanded(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Words with `$NAME`, `${NAME}` and a leading `~` put in, as Ansible's `command` does; unknown names stay."""

    def value(found: re.Match[str]) -> str:
        return environment.get(found[1] or found[2], found[0])

    return [_NAME.sub(value, os.path.expanduser(word)) for word in words]  # noqa: PTH111 (a text, no path)


def default_shell(ctx: Context) -> str:
    """The shell of the place where the task acts."""
    return "cmd.exe" if sys.platform == "win32" and ctx.connection != SSM else POSIX_SHELL


# ---------------------------------------------------------------- on this machine


def guards(ctx: Context, effect: str, folder: Path, creates: str | None, removes: str | None) -> Held:
    """What the guards say on this machine; nothing when what `effect` answered is recorded: it ran, and may have
    made what they look for."""
    return Held() if ctx.began.get(effect) else held_here(ctx, folder, creates, removes)


def held_here(ctx: Context, folder: Path, creates: str | None, removes: str | None) -> Held:
    """Both guards take a glob, as Ansible's do; relative ones start at `folder`. In a dry run they see what earlier
    steps would leave behind."""
    if creates and _there(ctx, folder, creates):
        return Held(creates)
    if removes and not _there(ctx, folder, removes):
        return Held(removes, exists=False)
    return Held()


def _there(ctx: Context, folder: Path, pattern: str) -> bool:
    path = folder / Path(pattern).expanduser()
    try:
        if planned_files(ctx):
            return World(ctx).matches(str(path))
        return path.exists() or any(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    except (ValueError, NotImplementedError) as error:
        raise Failed(f"'{pattern}' can't be looked for: {error}") from error


# ---------------------------------------------------------------- on an instance


def _instance(ctx: Context) -> Instance:
    """The one that `ansible_host`, or else the host's own name, names by its id or its Name tag."""
    from ._instances import one

    return one(ctx, str(ctx.variables.get("ansible_host", ctx.host)))


def _script(ctx: Context, call: Call) -> Script:
    from ._ssm_script import Script

    return Script(
        text=call.command if isinstance(call.command, str) else shlex.join(call.command),
        verbatim=not isinstance(call.command, str),
        shell=call.shell or POSIX_SHELL,
        strict=False,
        chdir=call.chdir,
        environment=ctx.environment,
        unless=_unless(call),
    )


def _unless(call: Call) -> str | None:
    """Both guards as one shell test that succeeds when one of them holds the command back."""
    tests = []
    if call.creates:
        tests.append(f'for f in {_glob(call.creates)}; do [ -e "$f" ] && exit 0; done')
    if call.removes:
        tests.append(f'for f in {_glob(call.removes)}; do [ -e "$f" ] && exit 1; done; exit 0')
    return "\n".join([*tests, "exit 1"]) if tests else None


def _glob(pattern: str) -> str:
    escaped = "".join(letter if letter in _PLAIN else f"\\{letter}" for letter in pattern)
    return escaped.replace("\\~/", "~/", 1) if pattern.startswith("~/") else escaped


def _held_there(ctx: Context, call: Call) -> Held:
    """The guards' word from the instance: asking them changes nothing, so that a dry run asks them, too."""
    from ._instances import wait_online
    from ._ssm import Job, each, run_on_instances
    from ._ssm_script import guard_answer, probe

    instance = _instance(ctx)
    wait_online(ctx, [instance], WAIT_ONLINE)
    test = _unless(call)
    if call.chdir is not None:  # a step before may still have to make that folder
        test = f"cd -- {shlex.quote(call.chdir)} 2>/dev/null || exit {0 if call.removes else 1}\n{test}"
    asked = Job(script=probe(replace(_script(ctx, call), chdir=None, unless=test)))
    (answer,) = run_on_instances(ctx, "guards", asked, [instance.id], effect=False)
    if answer.failure:
        raise Failed(f"The guards could not be asked on {next(each([answer]))}")
    if guard_answer(answer.stdout) is None:
        return Held()
    return Held(call.creates) if call.creates else Held(str(call.removes), exists=False)


def _run_there(ctx: Context, call: Call) -> CommandResult:
    """The same code as `ssm_command`."""
    from ._instances import wait_online
    from ._ssm import AGENT_SAYS, Job, last_line, run_on_instances
    from ._ssm_script import compose, guard_answer

    instance = _instance(ctx)
    wait_online(ctx, [instance], WAIT_ONLINE)
    (ran,) = run_on_instances(ctx, RUN, Job(script=compose(_script(ctx, call))), [instance.id])
    shown: str | list[str] = call.command
    if ran.rc == 0 and (why := guard_answer(ran.stdout)):
        return CommandResult(cmd=shown, msg=f"Did not run command: {why}")
    own = [line for line in ran.stderr.splitlines(keepends=True) if not line.startswith(AGENT_SAYS)]
    end = datetime.now()  # noqa: DTZ005 (Ansible's results tell local time)
    start = end - timedelta(seconds=ran.seconds)
    raw = Raw(rc=ran.rc, stdout=ran.stdout, stderr="".join(own), start=start.isoformat(), end=end.isoformat())
    result = ended(shown, raw, strip=call.strip)
    if ran.failure:
        said = last_line(ran.stderr)
        raise Failed(
            f"The command failed on {instance}: {ran.failure}" + (f": {said}" if said else ""),
            result=msgspec.to_builtins(result),
        )
    if ran.truncated:
        ctx.warn("The output is longer than AWS keeps, and was cut; `ssm_command` can keep all of it in S3.")
    return result


def with_newline(stdin: str | None) -> str | None:
    """A text that ends with a line end, as most programs want to read it; None stays None."""
    return stdin if stdin is None or stdin.endswith("\n") else f"{stdin}\n"


def words(text: str) -> Sequence[str]:
    """A command's text as its words. Raises Failed when a quote is open, or nothing is there."""
    try:
        split = shlex.split(text)
    except ValueError as error:
        raise Failed(f"The command can't be split into words: {error}") from error
    if not split:
        raise Failed("The command is empty")
    return split
