"""Plan truth: what a run does is what the plan said, for random playbooks in random worlds.

The suite plays a spread; `make plan-truth` plays many more (RUNBOOK_TRUTH: how many).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from runbook.journal_reader import SqliteReader

from tests.support.plays import Folder
from tests.support.truth import lies
from tests.truth.playbooks import World, playbooks, worlds

MANY = int(os.environ.get("RUNBOOK_TRUTH", "60"))
"""Examples of each property."""

SETTINGS = settings(
    max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck), database=None,
    derandomize="RUNBOOK_TRUTH" not in os.environ,
)  # fmt: skip


@contextmanager
def a_place(world: World) -> Iterator[Folder]:
    """A folder with that world in it, which is the current one."""
    path = Path(tempfile.mkdtemp(prefix="truth-")).resolve()
    before = Path.cwd()
    try:
        (path / "source.txt").write_text("source\n")
        (path / "source.j2").write_text("{{ color }}\n")
        world.make(path)
        os.chdir(path)
        yield Folder(path)
    finally:
        os.chdir(before)
        shutil.rmtree(path)


def seen(folder: Path) -> dict[str, tuple[int, int, bytes | str]]:
    """Each file and folder with its mode, its time and what it holds."""
    found = {}
    for path in sorted(folder.rglob("*")):
        told = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (told.st_mode, told.st_mtime_ns, content)
    return found


@SETTINGS
@given(world=worlds, book=playbooks())
def test_a_run_does_what_the_plan_says(world: World, book: list[dict[str, Any]]) -> None:
    text = yaml.safe_dump(book, sort_keys=False)
    note(text)
    with a_place(world) as folder:
        folder.write("site.yml", text)
        before = seen(folder.path)
        saved = folder.plan(text)
        (folder.path / "saved.plan").unlink()
        after = {name: told for name, told in seen(folder.path).items() if name != "site.yml"}
        before.pop("site.yml")
        assert after == before, "a dry run changed something"
        played = folder.play(text)
        assert played.code == 0, played.of_failed
        with SqliteReader(folder.state) as reader:
            found = lies(saved.plan, reader.records(played.started.run))
        assert not found, "\n".join(found)


@SETTINGS
@given(world=worlds, other=worlds, book=playbooks(), answer=st.sampled_from(["", "yes"]))
def test_a_run_that_is_held_to_a_plan_does_nothing_else(
    world: World, other: World, book: list[dict[str, Any]], answer: str
) -> None:
    """The world moves on between plan and play: the run stops, or does what was planned, but for steps that nothing
    came of."""
    text = yaml.safe_dump(book, sort_keys=False)
    note(text)
    with a_place(world) as folder:
        saved = folder.plan(text)
        other.make(folder.path)
        played = folder.keep(saved, ask=lambda _prompt: answer)
        assert played.code in (0, 4), played.of_failed
        with SqliteReader(folder.state) as reader:
            found = lies(saved.plan, reader.records(played.started.run))
        if played.code == 4:  # it stopped in time: what it had not done is no lie
            found = [lie for lie in found if "planned, and not done" not in lie]
        assert not found, "\n".join(found)
