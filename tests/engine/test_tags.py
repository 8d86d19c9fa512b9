"""`--tags` and `--skip-tags` select as in Ansible."""

from __future__ import annotations

import pytest
from runbook.errors import Position
from runbook.model import Task
from runbook.tags import tags
from runbook.values import OMIT, Template


@pytest.mark.parametrize(
    ("only", "skip", "task", "selected"),
    [
        ("", "", "", True),
        ("", "", "a", True),
        ("", "", "never", False),
        ("", "", "never always", True),
        ("a", "", "a b", True),
        ("a", "", "b", False),
        ("a", "", "", False),
        ("a", "", "always", True),
        ("a", "", "never a", True),
        ("never", "", "never", True),
        ("tagged", "", "a", True),
        ("tagged", "", "", False),
        ("tagged", "", "never a", False),
        ("untagged", "", "", True),
        ("untagged", "", "a", False),
        ("untagged", "", "always", True),
        ("all", "", "a", True),
        ("", "a", "a b", False),
        ("", "a", "b", True),
        ("", "tagged", "a", False),
        ("", "tagged", "", True),
        ("", "untagged", "", False),
        ("", "all", "a", False),
        ("", "all", "always", True),
        ("", "all,always", "always", False),
        ("", "always", "always", False),
        ("a", "b", "a b", False),
        ("a, c", "", "c", True),
    ],
)
def test_selection(only: str, skip: str, task: str, selected: bool) -> None:
    made = Task(
        module="debug", args={}, position=Position("f", 1, 1), identity="i", tags=frozenset(task.split())
    )

    assert tags([only], [skip]).select(made) is selected


def test_options_given_several_times_add_up() -> None:
    assert tags(["a,b", "c"], ["d", "e"]).only == {"a", "b", "c"}
    assert tags(["a,b", "c"], ["d", "e"]).skip == {"d", "e"}


def test_a_tag_may_be_a_template_that_the_task_itself_renders() -> None:
    here = Position("site.yml", 1, 1)
    task = Task(
        module="debug", args={}, position=here, identity="x", tags=frozenset({Template("{{ x }}"), "c"})
    )
    wanted = tags(["b"], [])
    assert wanted.select(task, lambda _tag: "a,b")
    assert wanted.select(task, lambda _tag: ["b"])
    assert not wanted.select(task, lambda _tag: OMIT)
    assert not wanted.select(task), "nothing renders it before the run"
