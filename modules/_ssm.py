"""Commands on instances through Systems Manager: sent once, found again after a crash, waited for, read back.

`run_on_instances` is the way in, for `ssm_command`, for `valkey_ops`, and for `connection: ssm`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.contract import Absent, Context, Finding, Intent, Landed, Ready, Unsure, Waiting
from runbook.errors import Failed

from ._aws import pages
from ._aws_errors import ServiceError
from ._effects import once, settled
from ._instances import batches

DOCUMENT = "AWS-RunShellScript"

STDOUT_KEPT = 24_000
STDERR_KEPT = 8_000
"""Characters that GetCommandInvocation keeps of each stream (fact 43)."""

CUT = "--output truncated--"

AGENT_SAYS = "failed to run commands: "
"""How the line begins that the agent adds to standard error when a script fails."""

SETTLED = 100.0
"""Seconds after the intent when a command that ListCommands does not name was never received: a call may wait 70
seconds for its answer, and listing is eventually consistent (how far behind it can be is not documented)."""

KEPT = timedelta(days=30)
"""How long Systems Manager keeps its records of commands (fact 50)."""

EXECUTION = (5, 172_800)
START = (30, 2_592_000)
"""Seconds that AWS allows; other execution time-outs it takes for 3600 without a word (fact 41)."""

FINAL = frozenset({"Success", "Cancelled", "TimedOut", "Failed"})

REASONS = {
    "ExecutionTimedOut": "it ran longer than its execution time-out; it may still be running on the instance",
    "DeliveryTimedOut": "it was not delivered within its start time-out; is the agent online?",
    "Undeliverable": "it could not be delivered: the instance does not exist or does not answer",
    "Terminated": "it was not run: too many other instances failed before (`max_errors`)",
    "InvalidPlatform": "the document does not support the instance's platform",
    "AccessDenied": "the instance's role may not run it",
    "Cancelled": "it was cancelled",
}
"""What StatusDetails mean (fact 42), its blanks removed."""

_SECONDS = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A shell text and how Run Command is to run it. Time-outs in seconds."""

    script: str
    comment: str = ""
    start_timeout: int = 600
    execution_timeout: int = 3600
    max_concurrency: str | None = None
    max_errors: str | None = None
    bucket: str | None = None
    prefix: str | None = None

    def __post_init__(self) -> None:
        _within("start_timeout", self.start_timeout, START)
        _within("execution_timeout", self.execution_timeout, EXECUTION)
        if "\0" in self.script:
            raise Failed("The script holds a NUL byte, which Systems Manager can't carry.")


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended on one instance."""

    instance: Annotated[str, Meta(description="The instance's id.")]
    name: Annotated[str, Meta(description="Its `Name` tag, where it was found by it.")] = ""
    status: Annotated[
        str, Meta(description="AWS's word, such as `Success`, `Failed`, `DeliveryTimedOut`.")
    ] = ""
    rc: Annotated[int, Meta(description="Exit code; -1: it never ran to its end.")] = -1
    stdout: Annotated[str, Meta(description="Standard output.")] = ""
    stderr: Annotated[str, Meta(description="Standard error.")] = ""
    seconds: Annotated[float, Meta(description="How long it ran.")] = 0.0
    truncated: Annotated[bool, Meta(description="AWS kept only the beginning of the output.")] = False
    output: Annotated[str, Meta(description="Where in S3 the whole output is, when a bucket was named.")] = ""
    skipped: Annotated[str, Meta(description="Why a guard held it back; empty when it ran.")] = ""

    @property
    def failure(self) -> str:
        """Why it did not end well; empty when it did."""
        if self.status == "Success":
            return ""
        reason = REASONS.get(self.status)
        return reason or (f"exit code {self.rc}" if self.rc >= 0 else f"status {self.status}")


def run_on_instances(
    ctx: Context, key: str, job: Job, instances: Sequence[str], *, effect: bool = True
) -> tuple[Ran, ...]:
    """Run `job` on instances that are online, and wait for its end on each: a `Ran` for every one, in order.

    `effect=False` is for what only reads: it is sent again without a question when its answer was lost. A script
    that ends with another code than 0 is a `Ran` with a `failure`, not an exception. In a run that was resumed, a
    command that was sent before has an end on those instances only that it was sent to.
    """
    commands = [
        _send(ctx, f"{key}/{number}" if number else key, job, batch, effect)
        for number, batch in enumerate(batches(instances))
    ]
    ran = {}
    for sent, batch in zip(commands, batches(instances), strict=True):
        for instance in _wait(ctx, job, sent["command"], sent.get("instances") or batch):
            ran[instance] = _read(ctx, job, sent["command"], instance)
    return tuple(ran[instance] for instance in instances if instance in ran)


# ---------------------------------------------------------------- sending


def _send(ctx: Context, key: str, job: Job, instances: Sequence[str], effect: bool) -> Mapping[str, Any]:
    """The id of the command and the instances that it is for, sent now or, in a run that was resumed, earlier."""
    if not effect:
        command = _sent(ctx.client("ssm"), job, instances, f"runbook reads {ctx.run}")
        return {"command": command, "instances": list(instances)}

    def call(intent: Intent) -> dict[str, Any]:
        sent = once(ctx, "ssm", lambda ssm: _sent(ssm, job, instances, intent.token))
        return {"command": sent, "instances": list(instances)}

    return ctx.effect(key, call, find=lambda intent: find_command(ctx, intent))


def _sent(client: Any, job: Job, instances: Sequence[str], token: str) -> str:
    extra = {
        "MaxConcurrency": job.max_concurrency,
        "MaxErrors": job.max_errors,
        "OutputS3BucketName": job.bucket,
        "OutputS3KeyPrefix": job.prefix,
    }
    answer = client.send_command(
        InstanceIds=list(instances),
        DocumentName=DOCUMENT,
        Comment=f"{token} {job.comment}".strip()[:100],
        TimeoutSeconds=job.start_timeout,
        Parameters={"commands": job.script.split("\n"), "executionTimeout": [str(job.execution_timeout)]},
        **{name: value for name, value in extra.items() if value is not None},
    )
    return str(answer["Command"]["CommandId"])


def find_command(ctx: Context, intent: Intent) -> Finding[dict[str, Any]]:
    """Whether the command of an intent reached Systems Manager: its token stands in the command's comment."""
    age = datetime.now(UTC) - intent.started
    if age > KEPT:
        return Unsure(
            f"Systems Manager keeps its records for {KEPT.days} days, and this is {age.days} days ago"
        )
    # The operator's clock may be ahead of the service's; comments can't be filtered by, only times.
    since = f"{intent.started - timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}"
    asked = [{"key": "InvokedAfter", "value": since}]
    for command in pages(ctx.client("ssm"), "list_commands", "Commands", Filters=asked):
        comment = command.get("Comment") or ""
        if comment == intent.token or comment.startswith(f"{intent.token} "):
            return Landed(
                {"command": command["CommandId"], "instances": list(command.get("InstanceIds", []))}
            )
    if settled(ctx, intent, SETTLED):
        return Absent()
    return Unsure("Systems Manager does not list the command yet")


# ---------------------------------------------------------------- waiting


def _wait(ctx: Context, job: Job, command: str, instances: Sequence[str]) -> Sequence[str]:
    """Wait until the command ended on every instance."""
    client = ctx.client("ssm")

    def look() -> Waiting | Ready[None]:
        invocations = {
            raw["InstanceId"]: raw["Status"]
            for raw in pages(client, "list_command_invocations", "CommandInvocations", CommandId=command)
        }
        done = sum(1 for instance in instances if invocations.get(instance) in FINAL)
        if done == len(instances):
            return Ready(None)
        return _progress(invocations, len(instances), done)

    # An undelivered command ends after both time-outs only (fact 41). A rehearsal's commands run in real time,
    # however fast its clock is.
    longest = (job.start_timeout + job.execution_timeout) * max(1.0, ctx.target.speed) + 60
    ctx.poll(f"command {command[:8]}", look, timeout=longest, interval=1, longest=15)
    return instances


def _progress(statuses: Mapping[str, str], count: int, done: int) -> Waiting:
    if count > 1:
        return Waiting(f"ended on {done} of {count} instances", 100 * done / count)
    delayed = "Delayed" in statuses.values()
    return Waiting("delayed: the agent does not answer" if delayed else "running")


# ---------------------------------------------------------------- reading back


def _read(ctx: Context, job: Job, command: str, instance: str) -> Ran:
    client = ctx.client("ssm")

    def look() -> Waiting | Ready[Any]:
        try:
            return Ready(client.get_command_invocation(CommandId=command, InstanceId=instance))
        except ServiceError as error:
            if error.code != "InvocationDoesNotExist":
                raise
            return Waiting("its output is not there yet")

    answer = ctx.poll(f"command {command[:8]}", look, timeout=120, interval=1, longest=10)
    ran = _ran(answer, instance)
    return _whole(ctx, job, command, ran) if job.bucket else ran


def _ran(answer: Mapping[str, Any], instance: str) -> Ran:
    stdout = answer.get("StandardOutputContent", "")
    stderr = answer.get("StandardErrorContent", "")
    return Ran(
        instance=instance,
        status=(answer.get("StatusDetails") or answer["Status"]).replace(" ", ""),
        rc=answer.get("ResponseCode", -1),
        stdout=stdout,
        stderr=stderr,
        seconds=seconds_of(answer.get("ExecutionElapsedTime") or ""),
        truncated=_is_cut(stdout, STDOUT_KEPT) or _is_cut(stderr, STDERR_KEPT),
    )


def _is_cut(text: str, kept: int) -> bool:
    return len(text) >= kept or text.rstrip().endswith(CUT)


def seconds_of(duration: str) -> float:
    """Seconds of an ISO 8601 duration such as `PT2M3.4S`; 0 for anything else."""
    found = _SECONDS.match(duration)
    if not found:
        return 0.0
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _whole(ctx: Context, job: Job, command: str, ran: Ran) -> Ran:
    """With the whole output from S3, where the agent put it there."""
    folder = "/".join(part for part in (job.prefix, command, ran.instance) if part)
    place = f"s3://{job.bucket}/{folder}/"
    if not ran.truncated:
        return msgspec.structs.replace(ran, output=place)
    s3 = ctx.client("s3")
    keys = [
        item["Key"]
        for item in pages(s3, "list_objects_v2", "Contents", Bucket=job.bucket, Prefix=f"{folder}/")
    ]
    streams = {name: _object(s3, job.bucket, keys, name) for name in ("stdout", "stderr")}
    if streams["stdout"] is None and streams["stderr"] is None:
        ctx.warn(f"The output on {ran.instance} was cut, and the whole of it is not in {place} yet.")
        return msgspec.structs.replace(ran, output=place)
    stdout = ran.stdout if streams["stdout"] is None else streams["stdout"]
    stderr = ran.stderr if streams["stderr"] is None else streams["stderr"]
    return msgspec.structs.replace(ran, stdout=stdout, stderr=stderr, truncated=False, output=place)


def _object(s3: Any, bucket: str | None, keys: Sequence[str], name: str) -> str | None:
    found = next((key for key in keys if key.endswith(f"/{name}")), None)
    if found is None:
        return None
    body: bytes = s3.get_object(Bucket=bucket, Key=found)["Body"].read()
    return body.decode("utf-8", "backslashreplace")


def _within(name: str, value: int, allowed: tuple[int, int]) -> None:
    least, most = allowed
    if not least <= value <= most:
        raise Failed(
            f"{name} must be between {least} and {most} seconds, not {value}.",
            hint="AWS would take 3600 without a word." if name == "execution_timeout" else None,
        )


def each(ran: Sequence[Ran]) -> Iterator[str]:
    """A line for each instance on which it did not end well."""
    for one in ran:
        if one.failure:
            last = last_line(one.stderr)
            yield f"{one.instance}: {one.failure}" + (f": {last}" if last else "")


def last_line(stderr: str) -> str:
    """The last line of what a script itself wrote; the agent adds one of its own."""
    lines = [line for line in stderr.strip().splitlines() if not line.startswith(AGENT_SAYS)]
    return lines[-1].strip() if lines else ""
