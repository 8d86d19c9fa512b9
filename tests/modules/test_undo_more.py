"""What takes changes of files, subnet groups and stacks back: the world is as it was, or it is told why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from runbook.contract import Change, Module, Undo
from runbook.model import Action
from runbook.modules._memorydb_states import SubnetGroupState
from runbook.modules._network import Subnet
from runbook.modules._stacks import StackState
from runbook.values import Unknown

from tests.modules.test_undo import kept, taken_back, undo
from tests.support.context import RecordingContext
from tests.support.module_cases import load_module, make_params


def played(module: Module, given: dict[str, Any], base: Path) -> Change:
    """Do it on this machine; the change as it was planned."""
    ctx = RecordingContext(connection="local", base=base)
    params = make_params(module, given)
    change = module.plan(params, module.observe(ctx, params))
    if change.action.changes:
        module.apply(ctx, params, change)
    return change


def tree(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        there = path.lstat()
        held = str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else None
        found[str(path.relative_to(folder))] = (there.st_mode if not path.is_symlink() else 0, held)
    return found


CASES: list[tuple[str, dict[str, Any]]] = [
    ("template", {"src": "t.j2", "dest": "new"}),
    ("template", {"src": "t.j2", "dest": "motd", "mode": "0600"}),
    ("assemble", {"src": "parts", "dest": "motd"}),
    ("fetch", {"src": "motd", "dest": "deep/er/"}),
    ("lineinfile", {"path": "motd", "line": "more"}),
    ("lineinfile", {"path": "new", "line": "more", "create": True}),
    ("blockinfile", {"path": "motd", "block": "more"}),
    ("replace", {"path": "motd", "regexp": "o", "replace": "oo"}),
    ("replace", {"path": "link", "regexp": "o", "replace": "oo"}),
    ("file", {"path": "motd", "mode": "0600"}),
    ("file", {"path": "a/b/c", "state": "directory", "mode": "0750"}),
    ("file", {"path": "parts", "state": "directory", "mode": "0700", "recurse": True}),
    ("file", {"path": "new", "state": "touch"}),
    ("file", {"path": "new", "src": "motd", "state": "link"}),
    ("file", {"path": "link", "src": "parts", "state": "link", "follow": False}),
    ("file", {"path": "link", "state": "absent"}),
]


@pytest.mark.parametrize(("module", "given"), CASES, ids=[f"{m} {list(g.values())}" for m, g in CASES])
def test_files_become_what_they_were(tmp_path: Path, module: str, given: dict[str, Any]) -> None:
    for name, text in {
        "motd": "old\n",
        "parts/1": "a\n",
        "parts/2": "b\n",
        "templates/t.j2": "made\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "link").symlink_to("motd")
    was = tree(tmp_path)
    names = ("path", "dest") if module in ("template", "file") else ("path", "dest", "src")
    args = {key: f"{tmp_path}/{value}" if key in names else value for key, value in given.items()}
    change = played(load_module(module), args, tmp_path)
    assert tree(tmp_path) != was
    parts = [part for part in (change, *change.also) if part.resource is not None and part.action.changes]
    for part in sorted(parts, key=lambda one: str(one.resource), reverse=True):
        answer = undo(module, {}, kept(part.before, part.after, str(part.resource), part.action))
        played(load_module(answer.module), dict(answer.arguments), tmp_path)
    assert tree(tmp_path) == was


def test_a_second_name_goes_and_the_first_stays(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1")
    change = played(
        load_module("file"),
        {"path": f"{tmp_path}/two", "src": f"{tmp_path}/one", "state": "hard"},
        tmp_path,
    )
    (other,) = change.also
    told = taken_back("file", {}, kept(other.before, other.after, str(other.resource), other.action))
    assert "another name" in str(told)
    answer = undo("file", {}, kept(change.before, change.after, str(change.resource), change.action))
    played(load_module(answer.module), dict(answer.arguments), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_what_a_deleted_file_held_was_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    change = played(load_module("file"), {"path": f"{tmp_path}/secret", "state": "absent"}, tmp_path)
    told = taken_back("file", {}, kept(change.before, change.after, str(change.resource), change.action))
    assert "was not kept" in str(told)


@pytest.mark.parametrize(
    "module", ["command", "shell", "raw", "script", "ssm_command", "memorydb_failover", "uri"]
)
def test_what_only_runs_has_no_undo(module: str) -> None:
    assert not hasattr(load_module(module), "undo")


# ---------------------------------------------------------------- memorydb_subnet_group

GROUP = SubnetGroupState(
    name="g", subnets=(Subnet(id="subnet-1", name="one"),), description="old", tags={"a": "1"}
)


def test_a_subnet_group_goes_comes_back_and_is_set_back() -> None:
    module = "memorydb_subnet_group"
    made = undo(module, {"name": "g", "subnets": ["one"]}, kept(None, GROUP, action=Action.CREATE))
    assert made.arguments == {"name": "g", "state": "absent"}
    gone = undo(module, {"name": "g", "state": "absent"}, kept(GROUP, None, action=Action.DELETE))
    whole = {"subnets": ["subnet-1"], "description": "old", "tags": {"a": "1"}}
    assert gone.arguments == {"name": "g", **whole}
    unknown: Any = Unknown("id")
    other = msgspec.structs.replace(
        GROUP,
        subnets=(*GROUP.subnets, Subnet(id=unknown, name="two")),
        description="new",
        tags={"a": "2", "b": "1"},
    )
    changed = undo(module, {"name": "g"}, kept(GROUP, other))
    assert changed.arguments == {"name": "g", **whole}
    assert changed.left == "tags stay: b"
    only = msgspec.structs.replace(GROUP, tags={"a": "1", "b": "1"})
    assert taken_back(module, {"name": "g"}, kept(GROUP, only)) == "of subnet group g, tags stay: b"


def test_tags_of_a_deleted_group_that_were_not_read_are_told() -> None:
    untold = msgspec.structs.replace(GROUP, tags=None)
    gone = undo("memorydb_subnet_group", {"name": "g"}, kept(untold, None, action=Action.DELETE))
    assert "tags" not in gone.arguments
    assert gone.left == "its tags were not read"


# ---------------------------------------------------------------- cloudformation_stack

STACK = StackState(
    name="s",
    status="CREATE_COMPLETE",
    template="Resources: {}\n",
    parameters={"Size": "1", "Password": "****"},
    tags={"a": "1"},
    outputs={},
    termination_protection=False,
)


def test_a_stack_goes_or_is_updated_back() -> None:
    module, about = "cloudformation_stack", {"name": "s", "capabilities": ["CAPABILITY_IAM"]}
    made = undo(module, about, kept(None, STACK, action=Action.CREATE))
    assert made.arguments == {**about, "state": "absent", "termination_protection": False}
    assert made.loses == "all that stack s made"
    outputs: Any = Unknown("outputs")
    other = msgspec.structs.replace(STACK, template="Resources: {A: {}}\n", tags={}, outputs=outputs)
    changed = undo(module, {**about, "parameters": {"Password": "x"}}, kept(STACK, other))
    assert changed.arguments == {
        **about,
        "template_body": "Resources: {}\n",
        "parameters": {"Size": "1"},
        "tags": {"a": "1"},
        "termination_protection": False,
    }
    assert "come back empty" in changed.left
    assert "stay: Password" in changed.left


def test_a_stack_that_was_deleted_or_replaced_does_not_come_back() -> None:
    module = "cloudformation_stack"
    for after, action in ((None, Action.DELETE), (STACK, Action.REPLACE)):
        told = taken_back(module, {"name": "s"}, kept(STACK, after, action=action))
        assert not isinstance(told, Undo)
        assert "stack s" in told
