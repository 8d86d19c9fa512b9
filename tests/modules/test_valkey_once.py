"""Writing to Valkey directly: each command is carried out once, whatever becomes of its answer or of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from runbook.attempt import Attempt
from runbook.errors import InDoubt, Stopped
from runbook.modules import _valkey
from runbook.modules.valkey_ops import ValkeyOps
from runbook.plain import plain

from tests.support.clusters import Lab, running_lab
from tests.support.context import TARGET
from tests.support.killable import Life, Moment, before_the_answer, before_the_call

RECORDS = [
    {"key": "person:1", "string": "John"},
    {"key": "product:1", "json": {"price": 9.99}},
    {"key": "product:2", "json": 10.99, "path": "$.price"},
    {"key": "product:2", "absent": True, "path": "$.old"},
    {"key": "gone", "absent": True},
]
WRITES = 5


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("valkey-once"), shards=1) as lab:
        yield lab


@pytest.fixture
def life(shared: Lab) -> Life:
    with shared.cluster_client() as client:
        client.flushall(target_nodes="primaries")
        client.set("gone", "1")
        client.execute_command("JSON.SET", "product:2", "$", '{"price": 1, "old": 2}')
    place = {"endpoint": shared.handle.address, "port": shared.handle.port}
    target = replace(TARGET, ca_file=str(shared.certificates.ca_file), speed=1000.0)
    return Life(module=ValkeyOps(), args=place, target=target)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the commands that reached the server and may change something."""
    found: list[str] = []
    once = _valkey.Direct._once

    def counted(self: Any, node: Any, command: Any, *, reads: bool, asking: bool) -> Any:
        reply = once(self, node, command, reads=reads, asking=asking)
        if not reads:
            found.append(command[0].decode())
        return reply

    monkeypatch.setattr(_valkey.Direct, "_once", counted)
    return found


@pytest.fixture(params=["response", "request"])
def lost(request: pytest.FixtureRequest, sent: list[str], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the writes that get no answer, because it, or they themselves, were lost."""
    numbers: list[int] = []
    once, count = _valkey.Direct._once, iter(range(1, 1000))

    def cut(self: Any, node: Any, command: Any, *, reads: bool, asking: bool) -> Any:
        if reads or next(count) not in numbers:
            return once(self, node, command, reads=reads, asking=asking)
        if request.param == "response":
            once(self, node, command, reads=reads, asking=asking)
        raise InDoubt("no answer; it may have been carried out.")

    monkeypatch.setattr(_valkey.Direct, "_once", cut)
    return numbers


def is_whole(made: Attempt) -> bool:
    told = [(one["key"], one["changed"]) for one in made.result["records"]]
    names = ["person:1", "product:1", "product:2 $.price", "product:2 $.old", "gone"]
    (change,) = made.changes
    before = {name: state["kind"] for name, state in plain(change.before)["records"].items()}
    return (
        made.changed
        and told == [(name, True) for name in names]
        and before == dict(zip(names, ["absent", "absent", "json", "json", "string"], strict=True))
    )


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("kill", [before_the_answer, before_the_call])
def test_a_killed_writing_of_records_goes_on(
    life: Life, sent: list[str], number: int, kill: Callable[[int], Moment]
) -> None:
    life.args = {**life.args, "records": RECORDS}
    made = life.resumed(kill(number))
    assert is_whole(made), made.result
    assert len(sent) == WRITES, "each record was written once"
    assert not life.again().play().changed


@pytest.mark.parametrize("number", [1, 2])
def test_equal_looking_writes_are_told_apart(life: Life, sent: list[str], number: int) -> None:
    life.args = {**life.args, "records": [{"key": f"k:{n}", "string": "x"} for n in range(3)]}
    assert not life.resumed(before_the_answer(number)).failed
    assert sent == ["SET"] * 3


@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_an_answer_that_is_lost_is_found_in_the_data(
    life: Life, lost: list[int], sent: list[str], number: int
) -> None:
    life.args = {**life.args, "records": RECORDS}
    lost.append(number)
    made = life.play()
    assert made.changed
    again = number == 4  # what JSON.DEL at a path did nothing tells, and once more does no harm
    assert len(sent) in ({WRITES, WRITES + 1} if again else {WRITES})
    assert not life.again().play().changed


@pytest.mark.parametrize("number", [1, 2, 3])
def test_commands_that_were_answered_are_not_sent_again(life: Life, sent: list[str], number: int) -> None:
    life.args = {**life.args, "commands": ["SET a 1", "GET a", "DEL a"]}
    made = life.resumed(before_the_answer(number))
    assert made.result["replies"] == ["OK", "1", 1]
    assert sent.count("SET") == sent.count("DEL") == 1


def test_what_adds_to_the_data_is_asked_about(life: Life, sent: list[str]) -> None:
    life.args = {**life.args, "commands": ["INCR n", "INCR n"]}
    life.killed(before_the_answer(2))
    with pytest.raises(Stopped, match=r"'command 2 \(INCR\)' of this step happened"):
        life.play()
    life.assume = "not-done"
    assert life.play().result["replies"] == [1, 3]
    assert sent == ["INCR", "INCR", "INCR"]


def test_what_stands_behind_a_command_that_counts_as_done_is_sent(life: Life, sent: list[str]) -> None:
    life.args = {**life.args, "commands": ["INCR n", "SET behind 1"]}
    life.killed(before_the_answer(1))
    life.assume = "done"
    assert life.play().result["replies"] == [None, "OK"]
    assert sent == ["INCR", "SET"]


def test_what_may_run_twice_runs_twice(life: Life, sent: list[str]) -> None:
    life.args, life.rerun = {**life.args, "commands": ["INCR n"]}, "safe"
    assert life.resumed(before_the_answer(1)).result["reply"] == 2
