"""`runbook undo`, as a person uses it, on files of this machine."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Desk, Ended

PLAY = """
- hosts: localhost
  tasks:
    - {name: edit, copy: {content: "new\\n", dest: old}}
    - {name: again, copy: {content: "newer\\n", dest: old}}
    - {name: several, copy: {content: "{{ item }}", dest: "made-{{ item }}"}, loop: [a, b]}
    - {name: folders, copy: {src: tree, dest: to/here}}
    - {name: ran, command: touch ran}
    - {name: asked, command: whoami, changed_when: false}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "site.yml").write_text(PLAY)
    (tmp_path / "old").write_text("was\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "leaf").write_text("leaf")
    made = Desk(tmp_path)
    assert made.run("play", "site.yml").code == 0
    return made


def world(desk: Desk) -> dict[str, str]:
    """All files that are not the tool's own."""
    files = (p for p in desk.folder.rglob("*") if p.is_file())
    names = {
        str(p.relative_to(desk.folder)): p.read_text(errors="replace") for p in files if p.suffix != ".db"
    }
    return {name: text for name, text in names.items() if not name.startswith(".runbook")}


def runs(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(desk.run("runs", "--output", "json").stdout)
    return found


def undo(desk: Desk, *words: str, run: str = "last") -> Ended:
    return desk.run("undo", run, *words)


def test_it_shows_takes_back_in_reverse_and_tells_what_stays(desk: Desk) -> None:
    ended = undo(desk, "--yes")
    assert ended.code == 0, ended
    assert world(desk) == {"site.yml": PLAY, "old": "was\n", "tree/leaf": "leaf", "ran": ""}
    assert not (desk.folder / "to").exists()
    assert "not taken back: ran: `command` can't take back what it does" in ended.stdout
    assert "asked" not in ended.stdout
    tasks = [line for line in ended.stdout.splitlines() if line.startswith("TASK [Undo")]
    shown = [line.split("[")[1].split("]")[0] for line in tasks][: len(tasks) // 2]
    order = ["Undo: folders"] * (shown.count("Undo: folders")) + ["Undo: several"] * 2 + ["Undo: edit"]
    assert shown == order


def test_without_a_terminal_it_asks_for_a_yes_and_changes_nothing(desk: Desk) -> None:
    before = world(desk)
    ended = undo(desk)
    assert ended.code == 1
    assert "--yes" in ended.stderr
    assert world(desk) == before
    assert undo(desk, "--check").code == 0
    assert world(desk) == before
    assert len(runs(desk)) == 1


def test_twice_there_is_nothing_left_and_an_undo_can_be_undone(desk: Desk) -> None:
    played = world(desk)
    first = runs(desk)[0]["run"]
    assert undo(desk, "--yes", run=first).code == 0
    again = undo(desk, "--yes", run=first)
    assert again.code == 0
    assert "Nothing left to undo" in again.stdout
    redone = undo(desk, "--yes")
    assert redone.code == 0, redone
    assert "Redo: edit" in redone.stdout
    assert world(desk)["old"] == played["old"]
    assert "Nothing left to undo" not in undo(desk, "--check", run=first).stdout, "it is there again"


def test_what_was_taken_back_by_hand_is_left_and_said(desk: Desk) -> None:
    (desk.folder / "old").write_text("was\n")
    for name in ("made-a", "made-b", "to/here/tree/leaf"):
        (desk.folder / name).unlink()
    for name in ("to/here/tree", "to/here", "to"):
        (desk.folder / name).rmdir()
    ended = undo(desk)
    assert ended.code == 0, ended
    assert "Nothing left to undo" in ended.stdout


def test_a_world_that_moved_on_is_refused_field_by_field_before_anything_is_changed(desk: Desk) -> None:
    (desk.folder / "old").write_text("by hand\n")
    (desk.folder / "made-a").chmod(0o600)
    before = world(desk)
    ended = undo(desk, "--yes")
    assert ended.code == 1
    assert 'old: content was left as "newer\\n", and is "by hand\\n" (again)' in ended.stderr
    assert 'made-a: mode was left as "0644", and is "0600" (several)' in ended.stderr
    assert "made-b" not in ended.stderr
    assert world(desk) == before
    assert len(runs(desk)) == 1


def test_a_folder_that_holds_what_the_run_did_not_make_is_not_removed(desk: Desk) -> None:
    (desk.folder / "to" / "mine").write_text("mine")
    ended = undo(desk, "--yes")
    assert ended.code == 1
    assert "to/mine, which it did not make" in ended.stderr
    assert (desk.folder / "to" / "mine").exists()
    assert (desk.folder / "made-a").exists()


def test_a_run_is_not_taken_back_before_the_later_one_that_changed_the_same(desk: Desk) -> None:
    (first,) = runs(desk)
    (desk.folder / "later.yml").write_text(
        "- hosts: localhost\n  tasks: [{copy: {content: later, dest: old}}]\n"
    )
    assert desk.run("play", "later.yml").code == 0
    ended = undo(desk, "--yes", run=first["run"])
    assert ended.code == 1
    assert f"runbook undo {runs(desk)[1]['run']}" in ended.stderr
    assert undo(desk, "--yes").code == 0
    assert undo(desk, "--yes", run=first["run"]).code == 0
    assert (desk.folder / "old").read_text() == "was\n"


def test_a_run_that_was_taken_back_does_not_go_on(desk: Desk) -> None:
    tasks = "[{name: made, copy: {content: x, dest: half}}, {name: bad, fail: {}}]"
    (desk.folder / "half.yml").write_text(f"- hosts: localhost\n  tasks: {tasks}\n")
    assert desk.run("play", "half.yml").code == 2
    half = runs(desk)[-1]["run"]
    assert undo(desk, "--yes", run=half).code == 0
    assert not (desk.folder / "half").exists()
    ended = desk.run("resume", half)
    assert ended.code == 1
    assert "taken back" in ended.stderr
    played = desk.run("play", "half.yml", "--output", "json")
    assert not played.events[0]["resumed"]
    assert (desk.folder / "half").exists()


def test_a_template_is_looked_at_again_though_the_variables_of_its_play_are_not_there(desk: Desk) -> None:
    (desk.folder / "conf.j2").write_text("{{ port }}")
    (desk.folder / "conf.yml").write_text(
        "- {hosts: localhost, vars: {port: 1}, tasks: [{name: conf, template: {src: conf.j2, dest: conf}}]}\n"
    )
    assert desk.run("play", "conf.yml").code == 0
    (desk.folder / "conf").write_text("by hand")
    refused = undo(desk, "--yes")
    assert refused.code == 1
    assert 'content was left as "1", and is "by hand" (conf)' in refused.stderr
    (desk.folder / "conf").write_text("1")
    assert undo(desk, "--yes").code == 0
    assert not (desk.folder / "conf").exists()


def test_an_undo_that_is_killed_goes_on(desk: Desk) -> None:
    (desk.folder / "library").mkdir()
    (desk.folder / "library" / "slow.py").write_text(SLOW)
    tasks = ", ".join(f"{{name: s{n}, slow: {{name: s{n}}}}}" for n in range(4))
    (desk.folder / "slow.yml").write_text(f"- hosts: localhost\n  tasks: [{tasks}]\n")
    assert desk.run("play", "slow.yml").code == 0
    slow = runs(desk)[-1]["run"]
    (desk.folder / "wait").touch()
    process = desk.start("undo", slow, "--yes")
    while not (desk.folder / "s2.undone").exists():
        assert process.poll() is None, process.stdout and process.stdout.read()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (desk.folder / "wait").unlink()
    refused = undo(desk, "--yes", run=slow)
    assert refused.code == 1
    assert "runbook resume" in refused.stderr
    ended = desk.run("resume", "--output", "json")
    assert ended.code == 0, ended
    assert ended.events[0]["resumed"]
    assert (desk.folder / "calls").read_text().split() == [f"s{n}" for n in (3, 2, 1, 0)]
    assert not list(desk.folder.glob("s?"))


SLOW = '''
import time
from pathlib import Path
import msgspec
from runbook.contract import Change, Params, Permissions, Undo
from runbook.model import Action

class SlowParams(Params, frozen=True, kw_only=True):
    name: str
    state: str = "present"

class State(msgspec.Struct, frozen=True):
    there: bool = True

class Slow:
    """A thing that takes its time to go."""

    contract_version = 1
    Params = SlowParams
    Result = State
    permissions = Permissions()

    def resource(self, params):
        return f"slow:{params.name}"

    def observe(self, ctx, params):
        return State() if (ctx.base / params.name).exists() else None

    def plan(self, params, observed):
        wanted = State() if params.state == "present" else None
        action = Action.NONE if wanted == observed else Action.CREATE if wanted else Action.DELETE
        resource = self.resource(params)
        return Change(action=action, resource=resource, before=observed, after=wanted, result=State())

    def apply(self, ctx, params, change):
        place = ctx.base / params.name

        def go(_intent):
            if change.after is not None:
                return place.touch()
            place.unlink()
            with (ctx.base / "calls").open("a") as file:
                print(params.name, file=file)
            (ctx.base / f"{params.name}.undone").touch()

        ctx.effect("go", go)
        while change.after is None and params.name == "s2" and (ctx.base / "wait").exists():
            time.sleep(0.05)
        return State()

    def undo(self, arguments, change):
        return Undo(arguments={"name": arguments["name"], "state": "absent"})
'''
