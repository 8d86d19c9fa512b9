"""The lab, killed or interrupted wherever it is, goes on where it was; its effects happen once."""

from __future__ import annotations

import signal
import time
from collections import Counter

import pytest

from tests.support.cli import Desk, recap

STOPS = [
    ("TASK [1.1", signal.SIGKILL),
    ("cluster lab-cluster: creating", signal.SIGKILL),
    ("cluster lab-cluster: creating", signal.SIGINT),
    ("TASK [2.5", signal.SIGKILL),
    ("TASK [4.4", signal.SIGTERM),
    ("cluster lab-cluster: updating", signal.SIGKILL),
]
"""What is on the screen when the run is stopped, and how."""


def stop_at(desk: Desk, text: str, how: signal.Signals) -> tuple[int, str]:
    """Play the lab until `text` shows, stop it: its exit code and what it printed."""
    playbook, inventory = str(desk.playbook("lab.yml")), str(desk.inventory("sandbox.yml"))
    process = desk.start("play", playbook, "-i", inventory)
    assert process.stdout is not None
    shown = []
    for line in process.stdout:
        shown.append(line)
        if text in line:
            break
    process.send_signal(how)
    rest, _ = process.communicate(timeout=30)
    return process.returncode, "".join(shown) + rest


@pytest.mark.long
def test_a_lab_that_is_stopped_again_and_again_ends_as_if_it_never_was(desk: Desk) -> None:
    for text, how in STOPS:
        began = time.monotonic()
        code, shown = stop_at(desk, text, how)
        assert text in shown, shown
        if how is signal.SIGKILL:
            assert code == -signal.SIGKILL
        else:
            assert code == 4, shown
            assert "runbook resume" in shown
        assert time.monotonic() - began < 60
    played = desk.play("lab.yml")
    assert played.code == 0, played
    assert played.events[0]["resumed"], played
    asked = Counter(call["action"] for call in desk.calls() if call["outcome"] == "ok")
    assert asked["CreateCluster"] == 1
    assert asked["CreateSubnetGroup"] == 1
    assert asked["UpdateCluster"] == 1
    again = desk.play("lab.yml")
    assert again.code == 0, again
    assert not again.events[0]["resumed"]
    assert recap(again)["changed"] == 0


def test_two_at_once_on_one_state_file_are_refused(desk: Desk) -> None:
    desk.folder.joinpath("slow.yml").write_text(
        "- hosts: localhost\n  tasks: [{name: slow, command: sleep 5}]\n"
    )
    first = desk.start("play", "slow.yml")
    assert first.stdout is not None
    while "TASK [slow]" not in first.stdout.readline():
        pass
    second = desk.run("play", "slow.yml")
    first.kill()
    first.communicate()
    assert second.code == 1
    assert str(first.pid) in second.stderr, second
    third = desk.start("play", "slow.yml", "--assume", "not-done")
    assert third.stdout is not None
    while "TASK [slow]" not in third.stdout.readline():
        pass
    third.send_signal(signal.SIGINT)
    began = time.monotonic()
    third.communicate(timeout=10)
    assert time.monotonic() - began < 2
    assert third.returncode == 4


def test_a_command_in_doubt_is_asked_about(desk: Desk) -> None:
    desk.folder.joinpath("doubt.yml").write_text(
        "- hosts: localhost\n  tasks: [{name: doubtful, shell: 'echo x >> doubt.txt; sleep 3'}]\n"
    )
    process = desk.start("play", "doubt.yml")
    mark = desk.folder / "doubt.txt"
    while not mark.exists():
        time.sleep(0.05)
    process.kill()
    process.communicate()
    asked = desk.run("play", "doubt.yml")
    assert asked.code == 4, asked
    assert "--assume done" in asked.stdout
    assert desk.run("resume", "--assume", "done").code == 0
    assert mark.read_text() == "x\n"
