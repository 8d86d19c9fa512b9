"""Events of a run, as an observer is told of them."""

from __future__ import annotations

from typing import Any

from runbook.errors import Position
from runbook.events import (
    Event,
    ItemFinished,
    Notice,
    PlayStarted,
    Progress,
    RunFinished,
    RunStarted,
    StepFinished,
    Tally,
    TaskStarted,
)
from runbook.model import Action, Change, Outcome, Status
from runbook.values import Secret, Unknown

HERE = Position("playbooks/lab.yml", 12, 7)
CLUSTER = "memorydb:cluster/lab-cluster"


class Hides:
    """A masker that knows one secret."""

    def mask(self, text: str) -> str:
        return text.replace("hunter2", "********")


def started(**fields: Any) -> RunStarted:
    known: dict[str, Any] = {"check": False, "resumed": False}
    return RunStarted(run="r1", playbook="playbooks/lab.yml", target="sandbox", **(known | fields))


def play(name: str = "The lab", hosts: tuple[str, ...] = ("web1", "web2")) -> PlayStarted:
    return PlayStarted(name=name, hosts=hosts)


def task(name: str, module: str = "shell", *, handler: bool = False) -> TaskStarted:
    return TaskStarted(name=name, module=module, position=HERE, handler=handler)


def step(name: str, status: Status = Status.OK, host: str = "web1", **fields: Any) -> StepFinished:
    module = fields.pop("module", "shell")
    replayed = fields.pop("replayed", False)
    outcome_fields = ("changes", "ignored", "seconds", "hint", "arguments")
    own = {name: fields.pop(name) for name in outcome_fields if name in fields}
    outcome = Outcome(status=status, result=fields, **own)
    return StepFinished(
        host=host, task=name, module=module, position=HERE, outcome=outcome, replayed=replayed
    )


def item(
    name: str, label: str, status: Status = Status.OK, host: str = "web1", **fields: Any
) -> ItemFinished:
    own = {name: fields.pop(name) for name in ("changes", "hint", "arguments") if name in fields}
    outcome = Outcome(status=status, result=fields, **own)
    return ItemFinished(host=host, task=name, label=label, outcome=outcome)


def progress(
    phase: str, elapsed: float, percent: float | None = None, host: str = "web1", name: str = "Wait"
) -> Progress:
    return Progress(host=host, task=name, phase=phase, elapsed=elapsed, percent=percent)


def finished(exit_code: int = 0, resume: str = "", **hosts: Tally) -> RunFinished:
    return RunFinished(run="r1", hosts=hosts, seconds=72.4, exit_code=exit_code, resume=resume)


CREATE = Change(
    action=Action.CREATE,
    resource=CLUSTER,
    after={"name": "lab-cluster", "endpoint": Unknown("endpoint"), "password": Secret("hunter2")},
    reason="it does not exist",
)
UPDATE = Change(
    action=Action.UPDATE,
    resource=CLUSTER,
    before={"name": "lab-cluster", "replicas": 0},
    after={"name": "lab-cluster", "replicas": 1},
    reason="1 replica is asked for, 0 are there",
)
UNDECIDED = Change(action=Action.UNDECIDED, reason="`when` depends on memorydb:cluster/lab-cluster endpoint")

RUN = Change(action=Action.RUN, reason="runs systemctl restart valkey")
PLAIN = Change(action=Action.RUN)

GOOD: tuple[Event, ...] = (
    started(note="A new run."),
    play(),
    task("Create the cluster", "memorydb_cluster"),
    progress("creating", 0.4, name="Create the cluster"),
    progress("creating", 12, 40, name="Create the cluster"),
    progress("creating", 31, 70, name="Create the cluster"),
    progress("available", 42.5, name="Create the cluster"),
    step(
        "Create the cluster",
        Status.CHANGED,
        changes=(CREATE,),
        seconds=42.6,
        endpoint="lab:6379",
        nodes=[{"id": 1}],
    ),
    step("Create the cluster", host="web2", endpoint="lab:6379", nodes=[{"id": 1}]),
    task("Scale it", "memorydb_cluster"),
    step("Scale it", Status.CHANGED, changes=(UPDATE,), msg="2 nodes"),
    step("Scale it", Status.SKIPPED, host="web2", skip_reason="Conditional result was False"),
    task("Say where", "debug"),
    step("Say where", module="debug", msg="The password is hunter2.\nDo not\ttell."),
    step("Say where", module="debug", host="web2", msg=["one", {"two": 2}]),
    task("Show a variable", "debug"),
    step("Show a variable", module="debug", nodes=[{"zone": "a", "role": "primary"}], none=None),
    task("Make users"),
    item("Make users", "john", Status.CHANGED, rc=0),
    item("Make users", "martha", rc=0),
    item("Make users", "pat", Status.SKIPPED),
    step("Make users", Status.CHANGED, results=[{}, {}, {}], msg="All items completed"),
    Notice(message="An unpinned version.\nPin it with engine_version."),
    task("Restart", handler=True),
    step("Restart", Status.CHANGED, changes=(RUN,), rc=0, stdout="done", stderr=""),
    step("Restart", Status.CHANGED, host="web2", changes=(PLAIN,), msg=Secret("hunter2")),
    finished(web1=Tally(ok=6, changed=4), web2=Tally(ok=2, skipped=1)),
)

BAD: tuple[Event, ...] = (
    started(resumed=True, note="4 steps are recorded. Start afresh with `--fresh`."),
    play(hosts=("web1", "web2", "web3")),
    task("Prepare"),
    step("Prepare", Status.CHANGED, replayed=True, changes=(CREATE,), msg="made"),
    step("Prepare", replayed=True, host="web2"),
    task("Might fail"),
    step("Might fail", Status.FAILED, ignored=True, msg="no such file", rc=1),
    task("Compile"),
    step(
        "Compile",
        Status.FAILED,
        msg="make: exit code 2",
        arguments={
            "cmd": "make all\nmake install",
            "environment": {"TOKEN": Secret("hunter2"), "KEY": "hunter2"},
            "argv": [str(n) for n in range(20)],
        },
        hint="Install gcc first.",
        rc=2,
        stdout="\n".join(f"line {number}" for number in range(1, 31)),
        stderr="gcc: not found, hunter2\n",
    ),
    step("Compile", Status.UNREACHABLE, host="web2", msg="No route to host"),
    task("Loop"),
    item("Loop", "a", Status.FAILED, host="web3", msg="refused", hint="Ask again.", arguments={"name": "a"}),
    item("Loop", "b", host="web3"),
    step("Loop", Status.FAILED, host="web3", results=[{}, {}], msg="One or more items failed"),
    finished(
        2,
        "runbook resume r1",
        web1=Tally(ok=2, changed=1, failed=1, ignored=1),
        web2=Tally(ok=1, unreachable=1),
        web3=Tally(failed=1),
    ),
)

PLANNED: tuple[Event, ...] = (
    started(check=True),
    play(hosts=("web1",)),
    task("Create the cluster", "memorydb_cluster"),
    step("Create the cluster", Status.CHANGED, changes=(CREATE,), endpoint=Unknown("endpoint")),
    task("Scale it", "memorydb_cluster"),
    step("Scale it", Status.CHANGED, changes=(UPDATE,), msg=Unknown("msg")),
    task("Say where", "debug"),
    step("Say where", Status.CHANGED, module="debug", changes=(UNDECIDED,), changed=Unknown("x")),
    step("Say where", module="debug", msg=Secret("hunter2")),
    step("Say where", module="debug", host="web2", msg=Unknown("endpoint")),
    finished(web1=Tally(ok=3, changed=3)),
)
