"""What takes a module's changes back: arguments from the journal's words alone, no world needed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest
from runbook.contract import Change, Module, Undo
from runbook.journal_codec import Encoder, decode
from runbook.model import Action, Outcome, Status
from runbook.modules._files_state import read_state
from runbook.modules._memorydb_settings import created, updated
from runbook.modules._memorydb_states import ClusterState
from runbook.modules._network import SecurityGroup
from runbook.modules._valkey_records import Records, State
from runbook.modules.sg_rule import Rule
from runbook.plain import plain
from runbook.writers import settled

from tests.support.context import RecordingContext
from tests.support.module_cases import load_module, make_params
from tests.support.records import step


def kept(before: Any, after: Any, resource: str = "a:resource", action: Action = Action.UPDATE) -> Change:
    """The change as it comes out of the journal."""
    change = Change(action=action, resource=resource, before=before, after=after)
    record = step("s1", Outcome(status=Status.CHANGED, result={}, changes=(change,)))
    found: Any = decode(Encoder().encode(record))
    (read,) = found.outcome.changes
    assert isinstance(read, Change)
    return settled(read)


def undo(module: str, arguments: dict[str, Any], change: Change) -> Undo:
    answer = taken_back(module, arguments, change)
    assert isinstance(answer, Undo), answer
    make_params(load_module(answer.module or module), dict(answer.arguments))
    return answer


def taken_back(module: str, arguments: dict[str, Any], change: Change) -> Undo | str:
    answer: Undo | str = load_module(module).undo(arguments, change)  # type: ignore[attr-defined]
    return answer


# ---------------------------------------------------------------- memorydb_cluster

MADE = {"name": "lab", "node_type": "db.r6g.large", "acl": "open-access", "security_groups": ["db"]}
WANTED = {name: value for name, value in MADE.items() if name != "name"}
STANDS = ClusterState(
    name="lab",
    status="available",
    engine_version="7.1",
    node_type="db.r6g.large",
    replicas_per_shard=0,
    acl="open-access",
    tags={"team": "a"},
    security_groups=(SecurityGroup(id="sg-1", name="db", status="active"),),
)


def test_a_created_cluster_is_deleted_with_a_word_about_its_data() -> None:
    answer = undo("memorydb_cluster", MADE, kept(None, created("lab", WANTED), action=Action.CREATE))
    assert answer.arguments == {"name": "lab", "state": "absent", "final_snapshot": "none"}
    assert "all data of cluster lab" in answer.loses
    assert answer.snapshot == "final_snapshot"


def test_a_changed_cluster_gets_back_what_was_changed_and_nothing_else() -> None:
    changed = {"replicas_per_shard": 1, "acl": "other", "security_groups": ["sg-2"]}
    answer = undo("memorydb_cluster", {"name": "lab", **changed}, kept(STANDS, updated(STANDS, changed)))
    back = {"replicas_per_shard": 0, "acl": "open-access", "security_groups": ["sg-1"]}
    assert answer.arguments == {"name": "lab", **back}
    assert answer.left == ""


def test_what_a_cluster_can_not_take_back_is_told() -> None:
    changed = {"engine_version": "7.2", "tags": {"team": "b", "cost": "1"}}
    answer = undo("memorydb_cluster", {"name": "lab", **changed}, kept(STANDS, updated(STANDS, changed)))
    assert answer.arguments == {"name": "lab", "tags": {"team": "a"}}
    assert "engine_version can't go down" in answer.left
    assert "tags stay: cost" in answer.left
    only = {"engine_version": "7.2"}
    told = taken_back("memorydb_cluster", {"name": "lab", **only}, kept(STANDS, updated(STANDS, only)))
    assert "engine_version can't go down" in str(told)


def test_a_deleted_cluster_does_not_come_back() -> None:
    gone = kept(STANDS, None, action=Action.DELETE)
    told = taken_back("memorydb_cluster", {"name": "lab", "final_snapshot": "none"}, gone)
    assert told == "cluster lab was deleted, and its data with it"
    told = taken_back("memorydb_cluster", {"name": "lab", "final_snapshot": "last-1"}, gone)
    assert "snapshot last-1" in str(told)


# ---------------------------------------------------------------- sg_rule

RULE = {"group": "web", "direction": "ingress", "port": 6379, "peer": {"security_group": "db"}}
THERE = Rule(
    id="sgr-1",
    group="web",
    direction="ingress",
    protocol="tcp",
    ports="6379",
    peer="db",
    description="old",
    tags={"a": "1"},
)


def test_a_rule_is_removed_put_back_or_described_again() -> None:
    made = undo("sg_rule", {**RULE, "description": "new"}, kept(None, THERE, action=Action.CREATE))
    assert made.arguments == {**RULE, "state": "absent"}
    removed = undo("sg_rule", {**RULE, "state": "absent"}, kept(THERE, None, action=Action.DELETE))
    assert removed.arguments == {**RULE, "description": "old", "tags": {"a": "1"}}
    assert removed.left
    other = msgspec.structs.replace(THERE, description="new", tags={"a": "1", "b": "2"})
    changed = undo("sg_rule", {**RULE, "description": "new", "tags": {"b": "2"}}, kept(THERE, other))
    assert changed.arguments == {**RULE, "description": "old", "tags": {"a": "1"}}
    assert changed.left == "tags stay: b"


# ---------------------------------------------------------------- valkey_ops

WAY = {"endpoint": "c.example", "transport": "ssm", "instance": "i"}


def test_records_are_declared_as_they_were() -> None:
    records = [
        {"key": "new", "string": "1"},
        {"key": "text", "string": "2"},
        {"key": "doc", "json": 3, "path": "$.price"},
        {"key": "gone", "absent": True},
        {"key": "same", "string": "5"},
        {"key": "list", "string": "6"},
    ]
    before = Records(
        {
            "new": State(kind="absent"),
            "text": State(kind="string", value="old"),
            "doc $.price": State(kind="json", value="9.990"),
            "gone": State(kind="json", value='{"a":[1,true,null]}'),
            "same": State(kind="string", value="5"),
            "list": State(kind="list"),
        }
    )
    after = Records({name: State(kind="string", value="new") for name in before.records if name != "same"})
    after.records["same"] = before.records["same"]
    answer = undo("valkey_ops", {**WAY, "records": records}, kept(before, after))
    assert answer.arguments == {
        **WAY,
        "records": [
            {"key": "new", "absent": True},
            {"key": "text", "string": "old"},
            {"key": "doc", "path": "$.price", "json": 9.99},
            {"key": "gone", "json": {"a": [1, True, None]}},
        ],
    }
    assert "list" in answer.left


def test_a_number_that_would_lose_digits_is_left() -> None:
    before = Records({"n": State(kind="json", value="0.12345678901234567890123")})
    after = Records({"n": State(kind="json", value="1")})
    told = taken_back("valkey_ops", {**WAY, "records": [{"key": "n", "json": 1}]}, kept(before, after))
    assert told == "the json that n held was not kept"


def test_commands_can_not_be_taken_back() -> None:
    told = taken_back("valkey_ops", {**WAY, "commands": ["SET a 1"]}, kept(None, None, action=Action.RUN))
    assert "commands" in str(told)


# ---------------------------------------------------------------- copy


def played(module: Module, given: dict[str, Any]) -> Change:
    """Do it on this machine; the change as it was planned."""
    ctx = RecordingContext(connection="local")
    params = make_params(module, given)
    change = module.plan(params, module.observe(ctx, params))
    if change.action.changes:
        module.apply(ctx, params, change)
    return change


def state(path: Path) -> Any:
    return plain(read_state(str(path), content=True))


@pytest.mark.parametrize("before", [None, "text", "mode", "link"])
def test_a_copied_file_becomes_what_was_there(tmp_path: Path, before: str | None) -> None:
    place = tmp_path / "file"
    if before == "link":
        place.symlink_to("elsewhere")
    elif before is not None:
        place.write_text("old\n" if before == "text" else "new\n")
        place.chmod(0o600)
    was = state(place)
    change = played(load_module("copy"), {"content": "new\n", "dest": str(place), "mode": "0644"})
    assert state(place) != was
    for part in reversed((change, *change.also)):
        answer = undo("copy", {}, kept(part.before, part.after, str(part.resource), part.action))
        played(load_module(answer.module), dict(answer.arguments))
    assert state(place) == was


def test_folders_that_a_copy_made_go_with_it(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "a").write_text("a")
    change = played(load_module("copy"), {"src": f"{tmp_path}/from", "dest": f"{tmp_path}/to/there"})
    parts = [part for part in (change, *change.also) if part.action.changes]
    assert (tmp_path / "to/there/from/a").read_text() == "a"
    for part in sorted(parts, key=lambda one: str(one.resource), reverse=True):
        answer = undo("copy", {}, kept(part.before, part.after, str(part.resource), part.action))
        played(load_module(answer.module), dict(answer.arguments))
    assert [one.name for one in tmp_path.iterdir()] == ["from"]


def test_what_a_file_held_that_was_too_large_to_keep_is_told(tmp_path: Path) -> None:
    place = tmp_path / "large"
    place.write_bytes(bytes(2 << 20))
    change = played(load_module("copy"), {"content": "small", "dest": str(place)})
    large = dataclasses.replace(change, before=msgspec.structs.replace(change.before, content={"size": 1}))
    told = taken_back("copy", {}, kept(large.before, large.after, str(large.resource)))
    assert "was not kept" in str(told)
