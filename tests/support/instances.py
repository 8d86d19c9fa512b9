"""Instances of the sandbox for tests: a real host, and Run Command on a clock that tests move by hand."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.validate import ParamValidator
from runbook.sandbox.clock import Clock
from runbook.sandbox.instance_host import ProcessHost, Script, ScriptEnd, open_host
from runbook.sandbox.instance_setup import HostSettings, Kind
from runbook.sandbox.service import AwsError
from runbook.sandbox.ssm import SsmService
from runbook.sandbox.ssm_instances import InstanceFacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from botocore.model import Shape
    from runbook.sandbox.ssm_assumptions import SsmAssumptions


def new_host(folder: Path, *ways: Kind, source: str = "", authorities: Path | None = None) -> ProcessHost:
    """A host in `folder`, limited to `ways` if any are named."""
    folder.mkdir(parents=True, exist_ok=True)
    if authorities is None:
        authorities = folder / "authorities.pem"
        authorities.write_text("# none\n")
    settings = HostSettings(authorities, "eu-west-2", valkey_source=source)
    return open_host(folder, replace(settings, ways=ways) if ways else settings)


@dataclass(frozen=True)
class Done:
    """What a script came to."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    lost: str


def begin(
    host: ProcessHost, instance_id: str, name: str, text: str, **script: Any
) -> tuple[Callable[[], None], Callable[[], Done]]:
    """Start a script: what ends it early, and what waits for its end."""
    over = threading.Event()
    ends: list[ScriptEnd] = []

    def on_end(end: ScriptEnd) -> None:
        ends.append(end)
        over.set()

    stop = host.run(instance_id, "ip-10-0-0-9", Script(name, text, **script), on_end)

    def wait() -> Done:
        assert over.wait(850), "the script did not end"
        (end,) = ends
        return Done(end.code, end.stdout.read_text(), end.stderr.read_text(), end.seconds, end.lost)

    return stop, wait


def run(host: ProcessHost, instance_id: str, text: str, **script: Any) -> Done:
    """Run a script to its end."""
    _, wait = begin(host, instance_id, f"command-{time.monotonic_ns()}", text, **script)
    return wait()


@dataclass
class HandClock:
    """A clock whose time tests move."""

    seconds: float = 0.0
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(1.0, real_monotonic=lambda: self.seconds)


_MODEL = botocore.session.get_session().get_service_model("ssm")


def _check(members: dict[str, Any], shape: Shape | None) -> None:
    report = ParamValidator().validate(members, cast("Shape", shape))
    # AWS answers with empty strings where its own model wants some length.
    problems = [error for error in report._errors if error[0] != "invalid length"]
    assert not problems, report.generate_report()


class RunCommand:
    """Run Command over a real host; requests and answers are checked against botocore's model."""

    def __init__(self, host: ProcessHost, assumptions: SsmAssumptions | None = None) -> None:
        self.hand = HandClock()
        self.clock = self.hand.clock
        self.instances: dict[str, InstanceFacts] = {}
        self.bucket: dict[tuple[str, str], bytes] = {}
        self.service = SsmService(
            instances=lambda: list(self.instances.values()),
            clock=self.clock,
            host=host,
            s3_put=self._put,
            assumptions=assumptions,
        )

    def _put(self, bucket: str, key: str, content: bytes) -> None:
        if bucket == "missing":
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        self.bucket[bucket, key] = content

    def add(self, instance_id: str, **facts: Any) -> str:
        """A running instance with a profile, launched now."""
        launched = self.clock.now()
        self.instances[instance_id] = InstanceFacts(
            instance_id, facts.pop("name", ""), facts.pop("tags", {}), "running", True, launched, "10.0.0.9"
        )
        self.change(instance_id, **facts)
        return instance_id

    def change(self, instance_id: str, **facts: Any) -> None:
        self.instances[instance_id] = replace(self.instances[instance_id], **facts)

    def pass_time(self, seconds: float) -> None:
        self.hand.seconds += seconds

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        model = _MODEL.operation_model(operation)
        _check(params, model.input_shape)
        answer = self.service.operations[operation](params)
        _check(answer, model.output_shape)
        return answer

    def send(self, *lines: str, **params: Any) -> str:
        parameters = {"commands": list(lines), **params.pop("Parameters", {})}
        answer = self.call("SendCommand", DocumentName="AWS-RunShellScript", Parameters=parameters, **params)
        command_id: str = answer["Command"]["CommandId"]
        return command_id

    def command(self, command_id: str) -> dict[str, Any]:
        (row,) = self.call("ListCommands", CommandId=command_id)["Commands"]
        return dict(row)

    def invocation(self, command_id: str, instance_id: str) -> dict[str, Any]:
        return self.call("GetCommandInvocation", CommandId=command_id, InstanceId=instance_id)

    def wait_for(
        self, command_id: str, instance_id: str, *statuses: str, step: float = 0.0
    ) -> dict[str, Any]:
        """Wait, in real time, until the invocation has one of these StatusDetails."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            invocation = self.invocation(command_id, instance_id)
            if invocation["StatusDetails"] in statuses:
                return invocation
            self.pass_time(step)
            time.sleep(0.02)
        raise AssertionError(f"still {invocation['StatusDetails']}")
