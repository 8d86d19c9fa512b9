"""The agent obeys, reports, and survives what goes wrong with one command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runbook.sandbox.agent_process import Agent
from runbook.sandbox.instance_agent import Ended, Ready, Refused, Report, Start
from runbook.sandbox.overlay import OverlayPlan
from runbook.sandbox.private_folder import PrivatePlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook.sandbox.instance_agent import Plan

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the sandbox runs on Linux and macOS")

COMMAND = [sys.executable, "-P", "-m", "runbook.sandbox.instance_agent"]


def begin(plan: Plan, folder: Path) -> Agent:
    return Agent("i-1", COMMAND, plan, folder / "agent.log")


def hear(agent: Agent) -> Report:
    reports = agent.reports()
    assert reports
    (report,) = reports
    return report


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """An agent of a private folder, which has said that it is ready."""
    (tmp_path / "ssm").mkdir()
    agent = begin(PrivatePlan(tree=str(tmp_path), ssm=str(tmp_path / "ssm")), tmp_path)
    assert isinstance(hear(agent), Ready)
    agent.stands()
    yield agent
    agent.dismiss()
    agent.close()


def start(folder: Path, name: str, text: str) -> Start:
    return Start(
        name,
        "/bin/sh",
        ("sh", "-c", text),
        str(folder),
        {"PATH": os.environ["PATH"]},
        str(folder / f"ssm/{name}.out"),
        str(folder / f"ssm/{name}.err"),
    )


@pytest.mark.parametrize(("text", "code"), [("exit 0", 0), ("exit 255", 255), ("kill -9 $$", 137)])
def test_the_exit_code_or_128_and_the_signal(agent: Agent, tmp_path: Path, text: str, code: int) -> None:
    agent.order(start(tmp_path, "c", text))
    assert hear(agent) == Ended("c", code, quiet=True)


def test_a_process_left_behind_is_reported(agent: Agent, tmp_path: Path) -> None:
    agent.order(start(tmp_path, "c", "sleep 60 & echo started"))
    assert hear(agent) == Ended("c", 0, quiet=False)
    assert (tmp_path / "ssm/c.out").read_text() == "started\n"


def test_a_command_that_can_not_start_ends_and_the_agent_goes_on(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "ssm/bad.out").mkdir()
    agent.order(start(tmp_path, "bad", "true"))
    assert hear(agent) == Ended("bad", 127, quiet=False)
    agent.order(start(tmp_path, "good", "true"))
    assert hear(agent) == Ended("good", 0, quiet=True)


def test_output_longer_than_a_pipe_arrives_whole(agent: Agent, tmp_path: Path) -> None:
    agent.order(start(tmp_path, "c", "head -c 3000000 /dev/zero"))
    assert hear(agent) == Ended("c", 0, quiet=True)
    assert (tmp_path / "ssm/c.out").stat().st_size == 3_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="user namespaces are Linux's")
def test_a_tree_that_can_not_be_built_is_refused_with_the_reason(tmp_path: Path) -> None:
    plan = OverlayPlan(tree=str(tmp_path / "tree"), tools="/no/such/tools", ssm=str(tmp_path), hostname="h")
    agent = begin(plan, tmp_path)
    report = hear(agent)
    assert isinstance(report, Refused)
    assert report.why
    agent.dismiss()
    agent.close()
    assert not (tmp_path / "tree/root/etc").exists(), "nothing stays mounted"
