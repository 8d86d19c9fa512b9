"""How the report of a run ends that did not come to its end; whole cards stand in tests/golden/ending."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from runbook.ending import Doubt, Left, Stop
from runbook.errors import Position
from runbook.events import Event, RunFinished, StepFinished, Tally
from runbook.model import Outcome, Status

from tests.engine.test_report_text import shown
from tests.support.golden import assert_golden
from tests.support.records import NOON
from tests.support.told import started

LAB = """\
- hosts: web
  tasks:
    - name: Create the cluster
      memorydb_cluster: {name: lab-cluster}
    - name: Migrate
      command: migrate
"""
CREATE, MIGRATE = 3, 5


@pytest.fixture(autouse=True)
def _beside_the_playbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lab.yml").write_text(LAB)
    monkeypatch.chdir(tmp_path)


def failed(host: str, task: str, line: int, message: str, **more: str) -> StepFinished:
    arguments = {"cmd": f"migrate --on {host}"} if task == "Migrate" else {}
    outcome = Outcome(
        status=Status.FAILED, result={"msg": message}, hint=more.get("hint", ""), arguments=arguments
    )
    at = Position("lab.yml", line, 7)
    return StepFinished(host=host, task=task, module="command", position=at, outcome=outcome)


def finished(exit_code: int, *hosts: str, **fields: object) -> RunFinished:
    tally = Tally(ok=3, changed=1, skipped=1, failed=int(exit_code == 2))
    known: dict[str, object] = {
        "run": "r1",
        "hosts": dict.fromkeys(hosts or ("web1",), tally),
        "seconds": 72.4,
        "exit_code": exit_code,
        "resume": "runbook resume r1",
    }
    return RunFinished(**(known | fields))  # type: ignore[arg-type]


def doubt(host: str, task: str = "Migrate", *, asks: bool = True) -> Doubt:
    return Doubt(host=host, task=task, key="run" if asks else "create", started=NOON, asks=asks)


LEFT = Left(tasks=5, names=("Check", "Tell", "Tidy"), hosts=("web1",), of_hosts=1)
EXPIRED = Stop(
    message="The AWS credentials have expired; everything so far is recorded.",
    hint="Renew them, then run `runbook resume`.",
    host="web1",
    task="Create the cluster",
    file="lab.yml",
    line=CREATE,
    column=7,
)
MANY = tuple(f"web{number}" for number in range(1, 31))

ENDS: dict[str, list[Event]] = {
    "a_step_failed": [
        failed("web1", "Migrate", MIGRATE, "non-zero return code", hint="The command ended with code 1"),
        finished(2, left=LEFT),
    ],
    "many_hosts": [
        *(failed(host, "Create the cluster", CREATE, "no capacity", hint="Wait.") for host in MANY[:20]),
        *(failed(host, "Migrate", MIGRATE, f"{host} is full") for host in MANY[20:]),
        failed("db1", "Migrate", MIGRATE, "another reason"),
        finished(
            2,
            *MANY,
            "db1",
            left=Left(tasks=1, names=("Migrate",), hosts=MANY[:3], of_hosts=20),
        ),
    ],
    "expired_credentials": [finished(4, stops=(EXPIRED,), left=LEFT)],
    "interrupted": [
        finished(
            4,
            "web1",
            "web2",
            stops=(Stop(message="The run was interrupted."),),
            doubts=(doubt("web1"), doubt("web2"), doubt("web3", "Create the cluster", asks=False)),
            left=Left(tasks=1, names=("Check",), hosts=("web1", "web2"), of_hosts=2),
        )
    ],
    "a_question_open": [
        finished(
            4,
            stops=(
                Stop(
                    message="It is in doubt whether 'run' of this step happened.",
                    hint="Look, then resume with `--assume done` or `--assume not-done`.",
                    host="web1",
                    task="Migrate",
                    file="lab.yml",
                    line=MIGRATE,
                    column=7,
                ),
            ),
            doubts=(doubt("web1"), doubt("web2")),
        )
    ],
}


@pytest.mark.parametrize("name", ENDS)
def test_the_end_of_a_run_that_did_not_come_to_its_end(name: str) -> None:
    text = shown([started(), *ENDS[name]])
    text = text[re.search("^(FAILED|STOPPED)", text, re.MULTILINE).start() :]  # type: ignore[union-attr]
    assert_golden(f"ending/{name}.txt", text)


def test_nothing_is_said_of_what_is_not_there() -> None:
    text = shown([started(), finished(4)])
    assert "In doubt" not in text
    assert "Not started" not in text
    assert "--assume" not in text
