"""Of a damaged state file all that can be read is read, and nothing that was not written."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from runbook.errors import JournalError
from runbook.journal import Record, StepDone
from runbook.journal_reader import SqliteReader
from runbook.journal_salvage import LOST, salvage
from runbook.journal_sqlite import SqliteJournal

from tests.support.cli import Desk
from tests.support.records import ended, header, intent, outcome, step

PAGE = 4096
STEPS = 400


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    with SqliteJournal(path) as journal:
        for run in ("r1", "r2"):
            journal.begin(header(run))
            for number in range(STEPS):
                journal.append(step(f"{run} {number}", outcome(text="x" * 300)))
            journal.append(step(f"{run} large", outcome(text="y" * 90_000)))
            journal.append(ended())
    return path


def everything(path: Path) -> set[bytes]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {
            (body or "").encode() or large
            for body, large in connection.execute(
                "SELECT records.body, large.body FROM records LEFT JOIN large USING (seq)"
            )
        }


def garble(path: Path, page: int, pages: int = 1) -> None:
    with path.open("r+b") as file:
        file.seek(PAGE * page)
        file.write(os.urandom(PAGE * pages))


def records(path: Path, run: str) -> list[Record]:
    with SqliteReader(path) as reader:
        return list(reader.records(run))


def test_of_a_whole_file_everything_is_kept(state: Path, tmp_path: Path) -> None:
    what = salvage(state, tmp_path / "new.db")
    assert (what.kept, what.lost) == (2 * STEPS + 6, 0)
    for run in ("r1", "r2"):
        assert records(tmp_path / "new.db", run) == records(state, run)
    assert str(what) == f"{2 * STEPS + 6} records can be read"


@pytest.mark.parametrize("page", [0, 2, 3, 5, 8, 13, 34, 55])
def test_a_garbled_page_costs_what_stood_in_it(state: Path, tmp_path: Path, page: int) -> None:
    written = everything(state)
    garble(state, page)
    before = state.read_bytes()
    what = salvage(state, tmp_path / "new.db")
    assert what.kept > STEPS, what
    assert state.read_bytes() == before, "the damaged file is left alone"
    kept = everything(tmp_path / "new.db")
    new = {json.loads(each)["playbook"] for each in kept - written}
    assert new <= {LOST}, "nothing is told that was not written"
    with SqliteReader(tmp_path / "new.db") as reader:
        assert {run.run for run in reader.runs()} == {"r1", "r2"}
        assert all(list(reader.records(run)) for run in ("r1", "r2"))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_of_a_file_that_was_cut_off_its_beginning_is_kept(state: Path, tmp_path: Path, share: float) -> None:
    with state.open("r+b") as file:
        file.truncate(int(state.stat().st_size * share))
    what = salvage(state, tmp_path / "new.db")
    assert what.kept > STEPS * 2 * share * 0.5
    assert len(records(tmp_path / "new.db", "r1")) > 10


def test_a_record_that_was_changed_is_left_out(state: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("UPDATE records SET body = replace(body, 'xxx', 'xyx') WHERE seq = 5")
        connection.execute("UPDATE large SET body = x'00' WHERE seq = 402")
    what = salvage(state, tmp_path / "new.db")
    assert what.lost == 2
    assert str(what) == f"{2 * STEPS + 4} records can be read, 2 records can't"


def test_what_stands_in_the_log_is_kept(tmp_path: Path) -> None:
    with SqliteJournal(tmp_path / "state.db") as journal:
        journal.begin(header())
        journal.commit(intent("a@h"))
        assert salvage(tmp_path / "state.db", tmp_path / "new.db").kept == 2


def test_nothing_is_made_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("my notes\n" * 500)
    with pytest.raises(JournalError, match="Nothing in the state file"):
        salvage(tmp_path / "notes.txt", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()
    (tmp_path / "there").touch()
    with pytest.raises(JournalError, match="is there already"):
        salvage(tmp_path / "notes.txt", tmp_path / "there")


def test_when_the_root_of_all_records_is_gone_another_tool_is_named(state: Path, tmp_path: Path) -> None:
    garble(state, 1)
    with pytest.raises(JournalError, match=r"sqlite3 state.db .recover"):
        salvage(state, tmp_path / "new.db")


def test_the_commands_tell_what_can_be_read(state: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("UPDATE records SET body = body || ' ' WHERE kind = 'end' AND run = 'r2'")
    garble(state, 30, 3)
    listed = desk.run("runs", "--state", str(state))
    assert listed.code == 1
    assert "r1" in listed.stdout
    assert "is damaged" in listed.stderr
    assert "records can't" in listed.stderr
    assert "--salvage NEWFILE" in listed.stderr
    shown = desk.run("show", "r1", "--state", str(state), "--output", "json")
    assert shown.code == 1
    assert len(json.loads(shown.stdout)["steps"]) > 10
    saved = desk.run("runs", "--state", str(state), "--salvage", "new.db")
    assert (saved.code, "records can be read" in saved.stdout) == (0, True)
    assert desk.run("show", "r1", "--state", "new.db").code == 0
    refused = desk.run("resume", "r2", "--state", str(state))
    assert (refused.code, "--salvage" in refused.stderr) == (1, True)


def test_a_salvaged_run_that_lost_its_beginning_is_not_resumed(state: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("UPDATE records SET body = 'x' WHERE kind = 'run' AND run = 'r2'")
        connection.execute("UPDATE records SET body = 'x' WHERE kind = 'end' AND run = 'r2'")
    salvage(state, tmp_path / "new.db")
    with SqliteReader(tmp_path / "new.db") as reader:
        (run,) = [each for each in reader.runs() if each.run == "r2"]
    assert run.header.playbook == LOST
    assert (
        len([each for each in records(tmp_path / "new.db", "r2") if isinstance(each, StepDone)]) == STEPS + 1
    )
    refused = Desk(tmp_path).run("resume", "r2", "--state", "new.db")
    assert refused.code == 1
    assert "does not tell how this run was started" in refused.stderr
