"""Runs a script or a program on EC2 instances through Systems Manager Run Command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import CONTRACT_VERSION, FREE_FORM, Context, LocalFile, Params, Permissions
from runbook.errors import Failed
from runbook.model import Action, Change
from runbook.values import Unknown

from ._instances import Instance, Selector, missing, online, require, select, selector_of, wait_online
from ._ssm import Job, Ran, each, run_on_instances
from ._ssm_script import Script, compose, guard_answer, probe, quote, refuse_secrets
from ._unknowns import first_unknown

COMMAND = "command"
"""The name of its effect."""

WAS_HELD = "a guard held it back when the run that was resumed sent the command"

SENT = ("argv", "chdir", "comment", "creates", "environment", "file", "script", "secrets", "unless", "user")
"""Arguments that travel in the command's parameters."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An instance that the command is for, as it was found."""

    id: str
    name: str = ""
    online: bool = True
    held: str = ""
    """Why a guard holds the command back there."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What would be run, and where."""

    script: Any
    instances: Any
    """Ids, or Unknown."""
    held: dict[str, str] = msgspec.field(default_factory=dict)
    """Where it would not be run, and why."""
    chdir: str | None = None
    user: str | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at before the command is run."""

    places: tuple[Place, ...] = ()
    lost: str = ""
    """Which of the instances asked for are not there."""
    unknown: Any = None
    """The Unknown that keeps from looking."""


class Arguments(Params, frozen=True, kw_only=True):
    """What to run, where and how: exactly one of `script`, `file` and `argv`; `instance` or `instances`."""

    script: Annotated[
        str | None, FREE_FORM, Meta(description="Shell script; one with `#!` runs by its own.")
    ] = None
    file: Annotated[LocalFile | None, Meta(description="A script in a file beside the playbook.")] = None
    argv: Annotated[
        tuple[str, ...] | None, Meta(description="A program and its arguments, kept from the shell.")
    ] = None
    instance: Annotated[str | None, Meta(description="Id or `Name` of one instance.")] = None
    instances: Annotated[
        Selector | None,
        Meta(description="Several instances: `ids`, `names`, `tags`; all that fit any of them."),
    ] = None
    chdir: Annotated[str | None, Meta(description="Folder on the instance to run in.")] = None
    environment: Annotated[
        dict[str, str], Meta(description="Environment variables, added to the task's `environment`.")
    ] = msgspec.field(default_factory=dict)
    secrets: Annotated[
        dict[str, str],
        Meta(description="Variables that the instance fetches: `ssm:/name` or `secretsmanager:id`."),
    ] = msgspec.field(default_factory=dict)
    user: Annotated[str | None, Meta(description="Run as this user, through sudo; else as root.")] = None
    shell: Annotated[str, Meta(description="The shell that runs the script and `unless`.")] = "/bin/sh"
    strict: Annotated[
        bool, Meta(description="End at the first command that fails (`set -eu`; `pipefail` under bash).")
    ] = True
    creates: Annotated[str | None, Meta(description="Not run where this path is there.")] = None
    unless: Annotated[str | None, Meta(description="Not run where this shell command succeeds.")] = None
    read_only: Annotated[bool, Meta(description="The command changes nothing.")] = False
    reboot: Annotated[bool, Meta(description="Exit code 194 may reboot the instance.")] = False
    wait_online: Annotated[int, Meta(ge=0, description="Seconds to wait for the agent.")] = 600
    start_timeout: Annotated[int, Meta(description="Seconds within which it must start: 30 to 2592000.")] = (
        600
    )
    execution_timeout: Annotated[int, Meta(description="Seconds that it may run: 5 to 172800.")] = 3600
    max_concurrency: Annotated[str | None, Meta(description="Instances at a time: `10` or `20%`.")] = None
    max_errors: Annotated[str | None, Meta(description="Failures after which no more begin: `1`, `10%`.")] = (
        None
    )
    s3_bucket: Annotated[str | None, Meta(description="Bucket for the whole output.")] = None
    s3_prefix: Annotated[str | None, Meta(description="Folder in that bucket.")] = None
    comment: Annotated[str, Meta(description="A word for the command history.")] = ""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Output, code and time of each instance; with one instance also at the top."""

    instances: Annotated[Sequence[Ran], Meta(description="One entry for each instance, by id.")] = ()
    stdout: Annotated[
        str, Meta(description="Standard output, with one instance, without its last line end.")
    ] = ""
    stderr: Annotated[str, Meta(description="The same of standard error.")] = ""
    stdout_lines: Annotated[Sequence[str], Meta(description="Standard output as lines.")] = ()
    stderr_lines: Annotated[Sequence[str], Meta(description="Standard error as lines.")] = ()
    rc: Annotated[int, Meta(description="Exit code; with several instances the worst.")] = 0
    seconds: Annotated[float, Meta(description="How long it ran; with several the longest.")] = 0.0
    truncated: Annotated[bool, Meta(description="AWS kept only the beginning of an output.")] = False


class SsmCommand:
    """Run a script or a program on one or several EC2 instances, through Systems Manager Run Command.

    No SSH, no keys and no open port are needed: the agent on the instance fetches the command. The module waits
    until the agent is online, sends, waits for the end, and gives back output, exit code and time of each instance.
    It fails when one of them ends with another code than 0.

    Example::

        - name: Compile valkey-cli
          ssm_command:
            instance: LabInstance
            file: files/install-valkey-cli.sh
            creates: /usr/local/bin/valkey-cli
            environment: {VERSION: 7.2.7}
            execution_timeout: 1800
          register: compiled

        - name: Which version is it
          ssm_command:
            instance: LabInstance
            argv: [valkey-cli, --version]
            read_only: true
          register: version

    Notes:

    * Guards are asked on the instance before anything is run, in a dry run too, and again by the script itself.
    * `read_only: true` declares that the command changes nothing: it never counts as changed and a dry run leaves
      it out.
    * Whoever may read this account's command history can read scripts and arguments, so a secret in them is
      refused: name it under `secrets`, and the instance fetches it with its own role (it needs the AWS CLI and the
      permission).
    * AWS keeps the first 24,000 characters of standard output and 8,000 of standard error. `truncated` tells when
      more was written; with `s3_bucket` the whole is kept there and read back from there.
    * Exit code 194 asks the agent to reboot the instance and to run the script again. It is turned into 1, unless
      `reboot: true`.
    * Systems Manager replaces `{{ssm:name}}` in a script by the (plain) parameter of that name.
    * A command that was sent is never sent again by itself: a resumed run finds it by its comment, waits for it
      and collects its output, whatever the guards would say by then. After a time-out, or Ctrl-C, it may still be
      running on the instance.
    * More than 50 instances are served by several commands; `max_errors` and `max_concurrency` hold for each.
    """

    contract_version: ClassVar[int] = CONTRACT_VERSION
    Params: ClassVar[type[Arguments]] = Arguments
    Result: ClassVar[type[Output]] = Output
    permissions: ClassVar[Permissions] = Permissions(
        read=(
            "ec2:DescribeInstances",
            "ssm:DescribeInstanceInformation",
            "ssm:GetCommandInvocation",
            "ssm:ListCommandInvocations",
            "ssm:ListCommands",
            "s3:GetObject",
            "s3:ListBucket",
        ),
        write=("ssm:SendCommand",),
    )

    def resource(self, params: Arguments) -> str | None:
        """None: what a command changes is not known."""
        return None

    def observe(self, ctx: Context, params: Arguments) -> Seen:
        """Which instances there are, and what the guards say there. Raises Failed for arguments that exclude each
        other."""
        _check(params)
        refuse_secrets(ctx, SENT)
        unknown = first_unknown(params.instance, params.instances)
        if unknown is not None:
            return Seen(unknown=unknown)
        selector = _selector(params)
        found = select(ctx, selector)
        places = tuple(Place(id=i.id, name=i.name) for i in found)
        if found and (params.creates is not None or params.unless is not None) and COMMAND not in ctx.began:
            places = _ask_guards(ctx, params, found)
        return Seen(places=places, lost=missing(selector, found))

    def plan(self, params: Arguments, observed: Seen) -> Change:
        """Where it has to run."""
        action = Action.READ if params.read_only else Action.RUN
        script = _text(params)
        if observed.unknown is not None:
            where = Unknown.describe(observed.unknown)
            after = Command(script=script, instances=observed.unknown, chdir=params.chdir, user=params.user)
            return Change(action=action, after=after, reason=f"to run on the instance that {where} tells")
        held = {place.id: place.held for place in observed.places if place.held}
        there = [place for place in observed.places if not place.held]
        if held and not there and not observed.lost:
            return Change(
                action=Action.NONE,
                reason=f"{observed.places[0].held} on {_names(observed.places)}",
                result=_result([_skipped(place) for place in observed.places]),
            )
        ids = [place.id for place in there]
        after = Command(script=script, instances=ids, held=held, chdir=params.chdir, user=params.user)
        return Change(
            action=action,
            after=after,
            reason=f"to run on {_names(there)}",
            warnings=tuple(_warnings(observed)),
        )

    def apply(self, ctx: Context, params: Arguments, change: Change) -> Output:
        """Wait for the agents, send, wait for the end. Raises Failed, with all results, when one failed."""
        held = change.after.held
        instances = {i.id: i for i in require(ctx, _selector(params))}
        asked = [identity for identity in instances if identity not in held]
        wait_online(ctx, [instances[identity] for identity in asked], params.wait_online)
        job = _job(params, compose(_script(ctx, params)))
        ran = run_on_instances(ctx, COMMAND, job, asked, effect=not params.read_only)
        told = [_told(one, instances[one.instance]) for one in ran]
        kept = [one for one in instances.values() if one.id not in {answer.instance for answer in ran}]
        told += [_skipped(Place(id=i.id, name=i.name, held=held.get(i.id, WAS_HELD))) for i in kept]
        result = _result(sorted(told, key=lambda one: one.instance))
        failures = list(each(told))
        if failures:
            count = "" if len(told) == 1 else f"{len(failures)} of {len(told)} instances: "
            raise Failed(
                f"The command failed on {count}{'; '.join(failures)}", result=msgspec.to_builtins(result)
            )
        if result.truncated and params.s3_bucket is None:
            ctx.warn("The output is longer than AWS keeps, and was cut; with `s3_bucket` all of it is read.")
        return result


def _check(params: Arguments) -> None:
    given = [name for name in ("script", "file", "argv") if getattr(params, name) is not None]
    if len(given) != 1:
        told = " and ".join(given) or "nothing"
        raise Failed(
            f"ssm_command was told to run {told}.", hint="Give exactly one of `script`, `file` and `argv`."
        )
    if (params.instance is None) == (params.instances is None):
        raise Failed(
            "ssm_command must be told where to run: by `instance` or by `instances`.",
            hint="`instance: NAME-OR-ID` for one; `instances:` with `ids`, `names` or `tags` for several.",
        )


def _selector(params: Arguments) -> Selector:
    if params.instances is not None:
        if not params.instances:
            raise Failed("`instances` selects nothing.", hint="Give it `ids`, `names` or `tags`.")
        return params.instances
    return selector_of(params.instance or "")


def _text(params: Arguments) -> Any:
    """What is run, as text (Unknown in a dry run when it depends on a planned change)."""
    if params.file is not None:
        return params.file.content.decode("utf-8", "backslashreplace")
    if params.argv is not None:
        return " ".join(quote(word) for word in params.argv)
    return params.script


def _script(ctx: Context, params: Arguments) -> Script:
    return Script(
        text=_text(params),
        verbatim=params.argv is not None,
        shell=params.shell,
        strict=params.strict,
        chdir=params.chdir,
        environment={**ctx.environment, **params.environment},
        secrets=params.secrets,
        region=ctx.target.region or "",
        user=params.user,
        creates=params.creates,
        unless=params.unless,
        may_reboot=params.reboot,
    )


def _job(params: Arguments, script: str) -> Job:
    return Job(
        script=script,
        comment=params.comment,
        start_timeout=params.start_timeout,
        execution_timeout=params.execution_timeout,
        max_concurrency=params.max_concurrency,
        max_errors=params.max_errors,
        bucket=params.s3_bucket,
        prefix=params.s3_prefix,
    )


def _ask_guards(ctx: Context, params: Arguments, instances: Sequence[Instance]) -> tuple[Place, ...]:
    """Each instance with what its guards say; those whose agent does not come online stay open."""
    try:
        wait_online(ctx, instances, params.wait_online)
        answering = frozenset(instance.id for instance in instances)
    except Failed:
        answering = online(ctx, [instance.id for instance in instances])
    asked = [instance.id for instance in instances if instance.id in answering]
    job = Job(script=probe(_script(ctx, params)), start_timeout=params.start_timeout)
    answers = {one.instance: one for one in run_on_instances(ctx, "guards", job, asked, effect=False)}
    return tuple(_place(instance, answers.get(instance.id)) for instance in instances)


def _place(instance: Instance, answer: Ran | None) -> Place:
    if answer is None:
        return Place(id=instance.id, name=instance.name, online=False)
    if answer.failure:
        raise Failed(f"The guards could not be asked on {next(each([answer]))}")
    return Place(id=instance.id, name=instance.name, held=guard_answer(answer.stdout) or "")


def _warnings(observed: Seen) -> Iterator[str]:
    if observed.lost:
        yield f"There is no instance {observed.lost} now."
    offline = [place for place in observed.places if not place.online]
    if offline:
        yield f"The agent is not online on {_names(offline)}: the guards could not be asked there."


def _names(places: Sequence[Place]) -> str:
    told = [f"{place.name} ({place.id})" if place.name else place.id for place in places[:5]]
    more = [f"{len(places) - 5} more"] if len(places) > 5 else []
    return ", ".join(told + more) or "no instance"


def _told(ran: Ran, instance: Instance) -> Ran:
    """With the instance's name, and without the outputs' last line ends."""
    skipped = guard_answer(ran.stdout) if ran.rc == 0 else None
    return msgspec.structs.replace(
        ran,
        name=instance.name,
        stdout="" if skipped else ran.stdout.removesuffix("\n"),
        stderr=ran.stderr.removesuffix("\n"),
        skipped=skipped or "",
    )


def _skipped(place: Place) -> Ran:
    return Ran(instance=place.id, name=place.name, status="Success", rc=0, skipped=place.held)


def _result(ran: Sequence[Ran]) -> Output:
    only = ran[0] if len(ran) == 1 else None
    codes = [one.rc for one in ran]
    stdout, stderr = (only.stdout, only.stderr) if only else ("", "")
    return Output(
        instances=list(ran),
        stdout=stdout,
        stderr=stderr,
        stdout_lines=stdout.splitlines(),
        stderr_lines=stderr.splitlines(),
        rc=next((code for code in codes if code != 0), 0),
        seconds=max((one.seconds for one in ran), default=0.0),
        truncated=any(one.truncated for one in ran),
    )
