"""kill -9 at every system call that a module makes while it changes files: nothing is ever half there, and a resume
comes to the same end."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from runbook.attempt import Attempt
from runbook.journal import Record

from tests.support.killable import Disk, Life
from tests.support.module_cases import load_module

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process kills itself here")

LARGE = "new\n" * 50_000
"""More than one write takes at once."""

WRITING = """chmod chown close fsync lchown link mkdir open remove rename replace rmdir sendfile symlink unlink
utime write"""
CHANGES = frozenset(WRITING.split())
"""Functions of the system that change something: between two of them, one moment is as good as another."""

Tree = Mapping[str, Any]


@dataclass
class FileDisk(Disk):
    """Records in a file that outlives its process."""

    place: Path = field(default_factory=Path)

    def append(self, record: Record) -> None:
        super().append(record)
        with self.place.open("ab") as file:
            file.write(self.lines[-1] + b"\n")
            os.fsync(file.fileno())

    commit = append

    @property
    def history(self) -> Any:
        self.lines = self.place.read_bytes().splitlines() if self.place.exists() else []
        return super().history


def killed_at(life: Life, number: int) -> bool:
    """Play it in a process of its own that kills itself at its n-th such call after the first intent."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    left = number

    def count(_frame: Any, event: str, called: Any) -> None:
        nonlocal left
        if event == "c_call" and getattr(called, "__name__", "") in CHANGES:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        life.when_it_begins(1, lambda: sys.setprofile(count))
        life.play()
    finally:
        os._exit(0)


def tree(folder: Path) -> Tree:
    """All that is in a folder: contents, modes, links."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name, there = str(path.relative_to(folder)), path.lstat()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        else:
            found[name] = (path.read_bytes(), oct(stat.S_IMODE(there.st_mode)))
    return found


@dataclass(frozen=True)
class Case:
    """A module, with what it finds."""

    name: str
    module: str
    args: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)
    exact: bool = True
    """Each file is the old one or the new one at any moment; a folder may be half copied."""


OLD = {"motd": "old\n"}
CASES = [
    Case("copy new", "copy", {"content": LARGE, "dest": "motd", "mode": "0640"}),
    Case("copy over", "copy", {"content": LARGE, "dest": "motd", "mode": "0600"}, OLD),
    Case("copy with backup", "copy", {"content": "new", "dest": "motd", "backup": True}, OLD),
    Case("copy validated", "copy", {"content": "new", "dest": "motd", "validate": "true %s"}, OLD),
    Case(
        "copy a folder",
        "copy",
        {"src": "site", "dest": "out/"},
        {"files/site/a": "1", "files/site/b/c": "2"},
        False,
    ),
    Case("template", "template", {"src": "t.j2", "dest": "motd"}, {**OLD, "templates/t.j2": "new\n"}),
    Case("lineinfile", "lineinfile", {"path": "motd", "line": "new", "backup": True}, OLD),
    Case(
        "lineinfile that grows",
        "lineinfile",
        {"path": "motd", "regexp": "^(o.*)$", "line": r"\1 more", "backrefs": True},
        OLD,
    ),
    Case("blockinfile", "blockinfile", {"path": "motd", "block": "new\nlines"}, OLD),
    Case(
        "replace that grows", "replace", {"path": "motd", "regexp": "o", "replace": "oo", "backup": True}, OLD
    ),
    Case(
        "assemble", "assemble", {"src": "parts", "dest": "motd"}, {**OLD, "parts/1": "a\n", "parts/2": "b\n"}
    ),
    Case("fetch", "fetch", {"src": "motd", "dest": "got/"}, OLD),
    Case("file mode", "file", {"path": "motd", "mode": "0600"}, OLD),
    Case("file touch", "file", {"path": "new", "state": "touch", "mode": "0600"}),
    Case("file folders", "file", {"path": "a/b/c", "state": "directory", "mode": "0750"}, {}, False),
    Case("file link", "file", {"path": "there", "src": "motd", "state": "link"}, OLD),
    Case(
        "file link over a file",
        "file",
        {"path": "one", "src": "motd", "state": "link", "force": True},
        {**OLD, "one": "1"},
    ),
    Case("file hard link", "file", {"path": "there", "src": "motd", "state": "hard"}, OLD),
    Case("file absent", "file", {"path": "motd", "state": "absent"}, OLD),
    Case("file absent folder", "file", {"path": "d", "state": "absent"}, {"d/a": "1", "d/b/c": "2"}, False),
]


@dataclass
class Desk:
    """Folders in which one case is played again and again."""

    root: Path
    case: Case
    count: int = 0

    def life(self) -> tuple[Life, Path]:
        self.count += 1
        folder = self.root / "work"
        folder.rename(self.root / f"old{self.count}") if folder.exists() else None
        folder.mkdir()
        for name, text in self.case.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        disk = FileDisk(place=self.root / f"journal{self.count}")
        args = {
            name: str(folder / value)
            if name in ("dest", "path") or (name == "src" and not self._named)
            else value
            for name, value in self.case.args.items()
        }
        if str(self.case.args.get("dest", "")).endswith("/"):
            args["dest"] += "/"
        return Life(module=load_module(self.case.module), args=args, base=folder, disk=disk), folder

    @property
    def _named(self) -> bool:
        """Whether `src` is a file of the playbook's."""
        return self.case.module in ("copy", "template")


def steady(made: Attempt) -> Any:
    """A result without what differs each time: times in the names of backups."""
    told = {name: value for name, value in made.result.items() if "backup" not in name}
    backup = any(str(value) for name, value in made.result.items() if "backup" in name)
    return made.changed, told, backup, [(one.action, one.resource) for one in made.changes]


def without_backups(found: Tree) -> tuple[Tree, list[Any]]:
    kept = {name: value for name, value in found.items() if not name.endswith("~")}
    return kept, [value for name, value in found.items() if name.endswith("~")]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    return Desk(tmp_path, request.param)


def test_a_kill_leaves_the_old_or_the_new_and_a_resume_ends_the_same(desk: Desk) -> None:
    life, folder = desk.life()
    before = tree(folder)
    undisturbed = life.play()
    assert undisturbed.changed, undisturbed.result
    after = tree(folder)
    number = 1
    while True:
        life, folder = desk.life()
        if not killed_at(life, number):
            break
        check_whole(desk.case, tree(folder), before, after)
        made = life.play()
        where = f"killed at call {number}"
        assert without_backups(tree(folder)) == without_backups(after), where
        assert steady(made) == steady(undisturbed), where
        number += 1
    assert number > 3, "nothing was killed"


def check_whole(case: Case, found: Tree, before: Tree, after: Tree) -> None:
    """What stands under each name is the old or the new; only hidden drafts are anything else."""
    for name in {*before, *found}:
        if Path(name).name.startswith(".") or name.endswith("~"):
            continue
        allowed = [before.get(name), after.get(name)]
        if not case.exact:
            allowed += [None, "folder"]
        assert found.get(name) in allowed, f"{name} is half done"


@pytest.mark.parametrize("state", ["file", "directory"])
def test_a_temporary_place_is_made_once(tmp_path: Path, state: str) -> None:
    def life(number: int) -> Life:
        there = tmp_path / str(number)
        there.mkdir()
        args = {"state": state, "path": str(there), "suffix": ".x"}
        disk = FileDisk(place=tmp_path / f"journal{number}")
        return Life(module=load_module("tempfile"), args=args, base=tmp_path, disk=disk)

    number = 1
    while killed_at(made := life(number), number):
        path = Path(made.play().result["path"])
        assert list(path.parent.iterdir()) == [path], f"killed at call {number}"
        assert oct(stat.S_IMODE(path.stat().st_mode)) == ("0o600" if state == "file" else "0o700")
        number += 1
    assert number > 2
