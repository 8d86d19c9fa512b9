"""Identities are structural: they follow what a task is, not where it stands or what it is called."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from runbook.identity import canonical, digest
from runbook.loader import load_playbook
from runbook.model import Block, Node
from runbook.values import Expression, SourceFloat, SourceInt, Template

from tests.support.catalog import SmallCatalog

HEAD = "- name: play\n  hosts: web\n  tasks:\n"


def identities(tmp_path: Path, text: str) -> list[str]:
    """Of all tasks of the first play in the order in which they stand."""
    path = tmp_path / "p.yml"
    path.write_text(text, encoding="utf-8")

    def flat(nodes: tuple[Node, ...]) -> list[str]:
        found: list[str] = []
        for node in nodes:
            found += (
                flat((*node.body, *node.rescue, *node.always)) if isinstance(node, Block) else [node.identity]
            )
        return found

    return flat(load_playbook(str(path), SmallCatalog()).plays[0].tasks)


def playbook(*tasks: str) -> str:
    return HEAD + "".join(f"    - {task}\n" for task in tasks)


def test_it_is_sixteen_hex_digits(tmp_path: Path) -> None:
    (found,) = identities(tmp_path, playbook("debug: {msg: a}"))
    assert len(found) == 16
    assert set(found) <= set("0123456789abcdef")


def test_it_is_the_same_in_another_process_and_version() -> None:
    # A journal of today must be understood tomorrow: this value may change only with the journal's format.
    assert digest("a", "bc") == "d2d40ae3093dd897"
    assert digest("a", "bc") != digest("ab", "c")


@pytest.mark.parametrize("seed", range(20))
def test_reordering_unrelated_tasks_changes_no_identity(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    tasks = [
        f"{{debug: {{msg: {n}}}, when: a{n % 3}}}"
        if n % 4
        else f"{{block: [{{debug: {{msg: {n}}}}}], name: b{n}}}"
        for n in range(12)
    ]
    shuffled = chance.sample(tasks, len(tasks))
    before = dict(zip(tasks, identities(tmp_path, playbook(*tasks)), strict=True))
    after = dict(zip(shuffled, identities(tmp_path, playbook(*shuffled)), strict=True))
    assert after == before
    assert len(set(after.values())) == len(tasks)


@pytest.mark.parametrize("seed", range(20))
def test_editing_inserting_or_removing_a_task_changes_only_its_own(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    tasks = [f"debug: {{msg: {chance.randrange(4)}}}" for _ in range(10)]
    before = Counter(identities(tmp_path, playbook(*tasks)))
    where = chance.randrange(10)
    kind = chance.choice(["edit", "insert", "remove"])
    edited = {
        "edit": [*tasks[:where], "debug: {msg: edited}", *tasks[where + 1 :]],
        "insert": [*tasks[:where], "debug: {msg: new}", *tasks[where:]],
        "remove": [*tasks[:where], *tasks[where + 1 :]],
    }[kind]
    after = Counter(identities(tmp_path, playbook(*edited)))
    assert sum((before - after).values()) == (kind != "insert")
    assert sum((after - before).values()) == (kind != "remove")


@pytest.mark.parametrize(
    "same",
    [
        "debug: {msg: a}  # a comment",
        "{name: called something, debug: {msg: a}}",
        "{tags: [x], debug: {msg: a}}",
        "debug:\n        msg: a",
        "ansible.builtin.debug: msg=a",
        "action: debug msg='a'",
    ],
)
def test_comments_names_tags_and_ways_of_writing_do_not_count(tmp_path: Path, same: str) -> None:
    assert identities(tmp_path, playbook(same)) == identities(tmp_path, playbook("debug: {msg: a}"))


@pytest.mark.parametrize(
    "other",
    [
        "debug: {msg: b}",
        "fail: {msg: a}",
        "debug: {msg: !unsafe a, var: x}",
        "{debug: {msg: a}, when: x}",
        "{debug: {msg: a}, loop: [1]}",
        "{debug: {msg: a}, register: r}",
        "{debug: {msg: a}, vars: {x: 1}}",
        "{debug: {msg: a}, ignore_errors: true}",
        "debug: {msg: '{{ a }}'}",
    ],
)
def test_arguments_and_keywords_count(tmp_path: Path, other: str) -> None:
    assert identities(tmp_path, playbook(other)) != identities(tmp_path, playbook("debug: {msg: a}"))


def test_equal_tasks_are_told_apart_by_their_number(tmp_path: Path) -> None:
    two = identities(tmp_path, playbook("debug: {msg: a}", "debug: {msg: a}"))
    assert len(set(two)) == 2
    assert identities(tmp_path, playbook("debug: {msg: z}", "debug: {msg: a}", "debug: {msg: a}"))[1:] == two


def test_sections_and_blocks_tell_equal_tasks_apart(tmp_path: Path) -> None:
    task = "[{debug: {msg: a}}]"
    found = identities(
        tmp_path,
        playbook("debug: {msg: a}", f"{{block: {task}, rescue: {task}, always: {task}}}", f"block: {task}")
        + f"  pre_tasks: {task}\n",
    )
    assert len(set(found)) == len(found)


def _tree(chance: random.Random, depth: int) -> str:
    """A task, or a block of them; there are few different ones."""
    if depth == 0 or chance.random() < 0.5:
        return f"{{debug: {{msg: {chance.randrange(2)}}}}}"
    name = chance.choice(["", "name: a, ", "name: b, "])
    keys = ["block", *chance.sample(["rescue", "always"], chance.randrange(3))]
    sections = [f"{key}: [{', '.join(_tree(chance, depth - 1) for _ in range(3))}]" for key in keys]
    return f"{{{name}{', '.join(sections)}}}"


@pytest.mark.parametrize("seed", range(20))
def test_no_two_tasks_of_a_play_share_an_identity(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 (no secret)
    found = identities(tmp_path, playbook(*(_tree(chance, 4) for _ in range(8))))
    assert len(set(found)) == len(found)


def test_a_task_that_moves_to_another_section_is_another(tmp_path: Path) -> None:
    (body,) = identities(tmp_path, playbook("{block: [{debug: {msg: a}}], rescue: []}"))
    (rescue,) = identities(tmp_path, playbook("{block: [], rescue: [{debug: {msg: a}}]}"))
    assert body != rescue


def test_a_block_without_a_name_may_be_put_before_another_or_around_finished_tasks(tmp_path: Path) -> None:
    rescue = "rescue: [{debug: {msg: r}}]"
    old = identities(tmp_path, playbook("debug: {msg: a}", f"{{block: [{{debug: {{msg: b}}}}], {rescue}}}"))
    new = identities(
        tmp_path,
        playbook(
            "block: [{debug: {msg: new}}]",
            "block: [{debug: {msg: a}}]",
            f"{{block: [{{debug: {{msg: b}}}}], {rescue}}}",
        ),
    )
    assert new[1:] == old


def test_blocks_with_names_may_change_places_with_equal_tasks_in_them(tmp_path: Path) -> None:
    one, two = (f"{{name: {name}, block: [{{meta: noop}}, {{debug: {{msg: {name}}}}}]}}" for name in "ab")
    before = identities(tmp_path, playbook(one, two))
    assert identities(tmp_path, playbook(two, one)) == before[2:] + before[:2]


def test_what_is_around_a_task_may_be_edited(tmp_path: Path) -> None:
    before = (
        "- name: play\n  hosts: web\n  tasks: [{name: b, block: [{debug: {msg: a}}, {debug: {msg: b}}]}]\n"
    )
    after = """
- name: play
  hosts: other
  vars: {x: 1}
  tags: t
  tasks:
    - name: b
      when: x
      ignore_errors: true
      block: [{debug: {msg: new}}, {debug: {msg: b}}, {debug: {msg: a}}]
"""
    old, new = identities(tmp_path, before), identities(tmp_path, after)
    assert new[2] == old[0]
    assert new[1] == old[1]


def test_plays_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "p.yml"
    path.write_text("- hosts: web\n- hosts: web\n- hosts: db\n", encoding="utf-8")
    found = [play.identity for play in load_playbook(str(path), SmallCatalog()).plays]
    assert len(set(found)) == 3


def test_it_does_not_depend_on_the_folder(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    text = playbook("debug: {msg: a}")
    assert identities(tmp_path / "here", text) == identities(tmp_path / "there", text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", 1),
        (True, 1),
        (SourceFloat(7.1, "7.10"), 7.1),
        (SourceInt(7, "007"), 7),
        (Template("{{ a }}"), "{{ a }}"),
        (Template("a"), Expression("a")),
        ([1, [2]], [[1], 2]),
        ({"a": {"b": 1}}, {"a": {}, "b": 1}),
        (None, "None"),
    ],
)
def test_different_values_have_different_texts(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


def test_equal_values_have_equal_texts() -> None:
    assert canonical({"a": 1, "b": [Template("{{ x }}")]}) == canonical({"b": (Template("{{ x }}"),), "a": 1})
