"""The suite can fail: what differs is told, and a mark can't rot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.language.harness.ansible_output import read_recap, read_steps
from tests.language.harness.case import CASES, Case, Differs, in_spread, is_case, known_gaps, read_case
from tests.language.harness.compare import Difference, compare, unexpected
from tests.language.harness.engines import Engine
from tests.language.harness.normal import normal_item, normal_step, normal_value
from tests.language.harness.played import Played, Step, ending
from tests.language.harness.remembered import VARIABLE
from tests.language.harness.runbook_events import Event
from tests.language.harness.runbook_events import read_recap as our_recap
from tests.language.harness.runbook_events import read_steps as our_steps
from tests.language.harness.suite import Differing, check

PRINTED = """
PLAY [all] *******************

TASK [make it] ***************
changed: [a] => (item=1) => {"msg": 1}
skipping: [a] => (item=two
lines)  => {"false_condition": "x", "item": "two\\nlines"}
ok: [b -> a(127.0.0.1)] => {"msg": "a: [b] => {}"}
failed: [b] (item={'x': 1}) => {"msg": "no"}
...ignoring
FAILED - RETRYING: [a]: make it (1 retries left).

TASK [more] ******************
included: /tmp/more.yml for a, b => (item=1)

RUNNING HANDLER [last] *******
fatal: [a]: FAILED! => {"msg": "boo"}
fatal: [b]: UNREACHABLE! => {"msg": "gone", "unreachable": true}

PLAY RECAP *******************
a                          : ok=1    changed=1    unreachable=0    failed=1    skipped=1    rescued=0    ignored=0
"""


def test_what_ansible_prints_is_read() -> None:
    steps = list(read_steps(PRINTED))
    assert [(s.host, s.task, s.handler, s.status, s.item) for s in steps] == [
        ("a", "make it", False, "changed", "1"),
        ("a", "make it", False, "skipped", "two\nlines"),
        ("b", "make it", False, "ok", None),
        ("b", "make it", False, "failed", "{'x': 1}"),
        ("a", "more", False, "included", "1"),
        ("b", "more", False, "included", "1"),
        ("a", "last", True, "failed", None),
        ("b", "last", True, "unreachable", None),
    ]
    assert steps[2].result == {"msg": "a: [b] => {}"}
    assert read_recap(PRINTED)["a"]["failed"] == 1


def told(event: str, **fields: Any) -> dict[str, Any]:
    return {"event": event, "position": {"line": 1}, **fields}


def outcome(status: str, **result: Any) -> dict[str, Any]:
    return {"status": status, "result": result, "ignored": False}


def test_our_events_are_read() -> None:
    events: list[Event] = [
        told("play_started", name="p"),
        told("task_started", name="h", module="debug", handler=True),
        told("item_finished", host="a", task="h", label="1", outcome=outcome("ok", msg=1)),
        told("step_finished", host="a", task="h", module="debug", outcome=outcome("ok", results=[])),
        told("step_finished", host="a", task="h", module="meta", outcome=outcome("ok")),
        told("step_finished", host="b", task="i", module="include_tasks", outcome=outcome("ok", include="x")),
        told("run_finished", hosts={"a": dict.fromkeys(("ok", "changed", "unreachable"), 0)}),
    ]
    steps = list(our_steps(events[:-1]))
    assert steps == [
        Step("a", "p", "h", True, "ok", "1", {"msg": 1}),
        Step("b", "p", "i", False, "included", None, {}),
    ]
    assert our_recap(events[:-1]) == {}


@pytest.mark.parametrize(
    ("ours", "ansible", "where"),
    [
        ({"msg": 1}, {"msg": "1"}, "a | p | task t: ok | msg"),
        ({"msg": 1}, {"msg": 1.0}, "a | p | task t: ok | msg"),
        ({"msg": [1]}, {"msg": [2]}, "a | p | task t: ok | msg[0]"),
        ({"x": {"y": 1}}, {"x": {}}, "a | p | task t: ok | x | y"),
        ({"x": 1}, {}, "a | p | task t: ok | x"),
        ({"x": {"failed": True, "msg": "a"}}, {"x": {"failed": True}}, "a | p | task t: ok | x | msg"),
    ],
)
def test_results_that_differ_are_told(ours: Any, ansible: Any, where: str) -> None:
    (found,) = compare(played(ours), played(ansible))
    assert found.where == where


@pytest.mark.parametrize(
    ("ours", "ansible"),
    [
        ({"changed": False, "skip_reason": "x"}, {}),
        ({"x": {"failed": True, "msg": "a"}}, {"x": {"failed": True, "msg": "b"}}),
        ({"msg": "<secret>"}, {"censored": "hidden"}),
    ],
)
def test_what_cannot_be_equal_is_no_difference(ours: Any, ansible: Any) -> None:
    assert compare(played(ours), played(ansible)) == []


def played(result: dict[str, Any], **other: Any) -> Played:
    steps = (Step("a", "p", "t", False, "ok", None, result),)
    return Played(**({"steps": steps, "recap": {}, "ending": "done"} | other))


def test_order_recap_files_and_exit_are_compared() -> None:
    more = (*played({}).steps, Step("a", "p", "u", False, "ok"))
    found = compare(
        played({}, ending="failed", recap={"a": {"ok": 1}}, files={"x": "0644 y"}),
        played({}, steps=more, recap={"a": {"ok": 2}}, files={}),
    )
    assert [one.where for one in found] == ["exit", "order of a", "recap | a | ok", "files | x"]


def test_a_refused_run_differs_by_its_exit_alone() -> None:
    assert [one.where for one in compare(played({}, ending="refused"), played({}))] == ["exit"]


def test_exit_classes() -> None:
    assert [ending(0, False), ending(4, False), ending(4, True), ending(2, True)] == [
        "done",
        "refused",
        "unreachable",
        "failed",
    ]


def test_a_chosen_difference_must_still_show_as_told() -> None:
    found = [Difference("exit", "refused", "failed")]
    assert unexpected(found, (Differs("exit", "refused", "failed", "why"),)) == []
    assert len(unexpected(found, (Differs("exit", "refused", "done", "why"),))) == 1
    assert len(unexpected([], (Differs("exit", "refused", "failed", "why"),))) == 1
    assert unexpected(found, ()) == found


def test_what_belongs_to_one_engine_or_moment_is_dropped() -> None:
    result = {
        "rc": 0,
        "delta": "0:00",
        "invocation": {},
        "x": "/srv/1/y.7.2026-01-01@10:00:00~",
        "_ansible_x": 1,
    }
    assert normal_value(result, "/srv/1") == {"rc": 0, "x": "<case>/y.<backup>~"}
    assert normal_value({"start": 1}, "/x") == {"start": 1}
    assert normal_item("{'x': 1}") == normal_item('{"x": 1}')
    gathered = normal_step(Step("a", "p", "Gathering Facts", False, "ok", None, {"ansible_facts": {}}), "/x")
    assert gathered.result == {}


def engine(name: str, text: str, code: int = 0) -> Engine:
    return Engine(name, ("sh", "-c", f"cat <<'EOF'\n{text}\nEOF\nexit {code}", "sh"), {})


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "area").mkdir()
    playbook = tmp_path / "area" / "x.yml"
    playbook.write_text("# options: -e a=1\n- hosts: all\n", encoding="utf-8")
    return read_case(playbook, tmp_path)


def events(msg: str) -> str:
    return "\n".join(
        json.dumps(event)
        for event in [
            told("play_started", name="all"),
            told("task_started", name="say", module="debug", handler=False),
            told("step_finished", host="a", task="say", module="debug", outcome=outcome("ok", msg=msg)),
        ]
    )


PRINTED_OK = 'PLAY [all] ***\n\nTASK [say] ***\nok: [a] => {"msg": "hi"}\n'


def test_a_case_whose_runs_are_equal_passes(case: Case, tmp_path: Path) -> None:
    check(case, engine("runbook", events("hi")), engine("ansible", PRINTED_OK), tmp_path / "place")


def test_a_case_that_differs_is_reported_with_the_way_to_play_it(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Differing) as error:
        check(case, engine("runbook", events("ho"), 2), engine("ansible", PRINTED_OK), tmp_path / "place")
    text = str(error.value)
    assert "exit\n    ours:    failed\n    ansible: done" in text
    assert "task say: ok | msg\n    ours:    ho\n    ansible: hi" in text
    assert f"{tmp_path}/place/run*/" in text
    script = (tmp_path / "place" / "run1" / "ansible.sh").read_text(encoding="utf-8")
    assert script.endswith(" -e a=1 x.yml\n")


def test_a_case_that_ansible_refuses_compares_nothing(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Differing, match="is no case"):
        check(case, engine("runbook", "", 1), engine("ansible", "", 4), tmp_path / "place")


def test_a_header_says_only_what_cases_can_say(tmp_path: Path) -> None:
    playbook = tmp_path / "x.yml"
    playbook.write_text("# nonsense: 1\n- hosts: all\n", encoding="utf-8")
    with pytest.raises(ValueError, match="nonsense"):
        read_case(playbook, tmp_path)


PLAYBOOKS = sorted(path for path in CASES.rglob("*.yml") if is_case(path))


def test_each_case_can_be_read_and_each_known_gap_is_of_a_case() -> None:
    names = {read_case(path).name for path in PLAYBOOKS}
    assert len(names) == len(PLAYBOOKS)
    assert set(known_gaps()) <= names


def test_the_spread_holds_a_third_of_each_area() -> None:
    for area in CASES.iterdir():
        cases = [path for path in PLAYBOOKS if path.is_relative_to(area)]
        assert sum(map(in_spread, cases)) == -(-len(cases) // 3)
