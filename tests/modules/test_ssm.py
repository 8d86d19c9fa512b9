"""Run Command beyond the cases: finding a command again, many instances, durations."""

from __future__ import annotations

import base64
import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from runbook.contract import Absent, Intent, Landed, Unsure
from runbook.errors import Failed
from runbook.modules._ssm import SETTLED, Job, find_command, last_line, run_on_instances, seconds_of
from runbook.modules._valkey_ssm import unpack

from tests.support.context import RecordingContext
from tests.support.world import World

TOKEN = "runbook run-1 send 1"


def intent(age: timedelta) -> Intent:
    return Intent("send", TOKEN, 1, datetime.now(UTC) - age)


def find(age: timedelta, *comments: str) -> Any:
    sent = {"InstanceIds": ["i-1"]}
    commands = [{"CommandId": f"{n:036}", "Comment": comment, **sent} for n, comment in enumerate(comments)]
    world = World([{"call": "ssm.ListCommands", "answer": {"Commands": commands}}])
    with world.running():
        return find_command(RecordingContext(clients=world.client), intent(age)), world.calls


def test_a_command_is_found_by_its_token_with_or_without_a_word_of_the_operators() -> None:
    found, calls = find(timedelta(0), f"{TOKEN}2", "something else", f"{TOKEN} tidy")

    assert found == Landed({"command": f"{2:036}", "instances": ["i-1"]})
    (asked,) = calls[0].params["Filters"]
    assert asked["key"] == "InvokedAfter"
    assert datetime.fromisoformat(asked["value"]) < datetime.now(UTC) - timedelta(minutes=9)


def test_another_try_of_the_same_effect_is_another_command() -> None:
    found, _ = find(timedelta(hours=1), f"{TOKEN}2", "runbook run-1 send 11")

    assert isinstance(found, Absent)


def test_an_empty_list_is_believed_only_after_it_had_time_to_settle() -> None:
    early, _ = find(timedelta(seconds=SETTLED / 2))
    late, _ = find(timedelta(seconds=SETTLED + 1))

    assert isinstance(early, Unsure)
    assert isinstance(late, Absent)


def test_records_older_than_systems_manager_keeps_them_tell_nothing() -> None:
    """Fact 50."""
    world = World([])
    with world.running():
        found = find_command(RecordingContext(clients=world.client), intent(timedelta(days=31)))

    assert isinstance(found, Unsure)
    assert "30 days" in found.why


def test_more_than_fifty_instances_take_several_commands() -> None:
    """Fact 40."""
    ids = [f"i-{n:017x}" for n in range(120)]
    commands = [f"{n:036}" for n in range(3)]
    done = [{"InstanceId": i, "Status": "Success"} for i in ids]
    world = World(
        [
            *({"call": "ssm.SendCommand", "answer": {"Command": {"CommandId": c}}} for c in commands),
            {"call": "ssm.ListCommandInvocations", "answer": {"CommandInvocations": done}},
            {"call": "ssm.GetCommandInvocation", "answer": {"Status": "Success", "ResponseCode": 0}},
        ]
    )
    ctx = RecordingContext(clients=world.client)

    with world.running():
        ran = run_on_instances(ctx, "send", Job(script="true"), ids)

    sent = [call.params["InstanceIds"] for call in world.calls if call.name == "ssm.SendCommand"]
    assert [len(batch) for batch in sent] == [50, 50, 20]
    assert [one.instance for one in ran] == ids
    assert ctx.effects == ["send", "send/1", "send/2"]


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("PT0.005S", 0.005), ("PT2M3.5S", 123.5), ("PT1H0M1S", 3601), ("P1DT1S", 86401), ("", 0), ("soon", 0)],
)
def test_durations(duration: str, seconds: float) -> None:
    assert seconds_of(duration) == seconds


@pytest.mark.parametrize(
    ("stderr", "line"),
    [
        ("", ""),
        ("a\nb\n", "b"),
        ("b\nfailed to run commands: exit status 3", "b"),
        ("failed to run commands: x\n", ""),
    ],
)
def test_the_last_line_is_the_scripts_own(stderr: str, line: str) -> None:
    assert last_line(stderr) == line


def test_a_nul_byte_can_not_be_sent() -> None:
    with pytest.raises(Failed, match="NUL"):
        Job(script="a\0b")


def test_answers_of_an_instance_are_unpacked() -> None:
    packed = base64.b64encode(
        gzip.compress(b"0\n1\n 3 1.out\n0 1.err\n0 2.out\n4 2.err\n7 total\ndata\nOK\nERR\n")
    )

    answers = unpack(packed.decode())

    assert [(a.code, a.out, a.err) for a in answers] == [(0, b"OK\n", ""), (1, b"", "ERR\n")]


@pytest.mark.parametrize("packed", ["%%%", "AAAA", base64.b64encode(b"not packed").decode()])
def test_a_damaged_answer_is_told(packed: str) -> None:
    with pytest.raises(Failed, match="damaged"):
        unpack(packed)
