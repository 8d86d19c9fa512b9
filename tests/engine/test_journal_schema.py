"""A state file is told from other files, from newer ones, and from damaged ones, with what can be done."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from runbook import journal_migrations, journal_schema
from runbook.errors import JournalError
from runbook.journal import FORMAT_VERSION, StepDone
from runbook.journal_migrations import APPLICATION_ID, reshape
from runbook.journal_reader import SqliteReader
from runbook.journal_schema import DamagedJournal
from runbook.journal_sqlite import SqliteJournal

from tests.support.records import header, outcome, step
from tests.support.rights import held_to_modes, needs_modes

Open = Callable[[Path], SqliteReader]
each_way = pytest.mark.parametrize("opened", [SqliteReader, SqliteJournal], ids=["reading", "writing"])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    with SqliteJournal(path) as journal:
        journal.begin(header())
        for number in range(300):
            journal.append(step(str(number), outcome(text="x" * 300)))
    return path


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def refused(opened: Open, path: Path) -> str:
    with pytest.raises(JournalError) as caught:
        opened(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint
    return str(caught.value)


def test_a_state_file_says_what_it_is(state: Path) -> None:
    with closing(sqlite3.connect(state)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT_VERSION,)


@each_way
def test_a_newer_format_is_refused_by_name(state: Path, opened: Open) -> None:
    change(state, f"PRAGMA user_version = {FORMAT_VERSION + 1}")
    message = refused(opened, state)
    assert f"newer runbook (format {FORMAT_VERSION + 1}; this one knows {FORMAT_VERSION})" in message


def test_a_file_that_nothing_was_written_to_is_an_old_one_without_runs(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    change(path, f"PRAGMA application_id = {APPLICATION_ID}")  # format 0: nothing in it yet
    with SqliteReader(path) as reader:
        assert reader.runs() == []
    with SqliteJournal(path) as journal:
        journal.begin(header())
    with SqliteReader(path) as reader:
        assert [run.run for run in reader.runs()] == ["r1"]
    assert [each.name for each in tmp_path.iterdir() if "format" in each.name] == []


# ---------------------------------------------------------------- older formats


def renamed(connection: sqlite3.Connection) -> None:
    """A made-up step: what is `task` now was called `title`."""

    def change(record: dict[str, Any]) -> dict[str, Any]:
        if record["kind"] == "step":
            record["task"] = record.pop("title")
        return record

    reshape(connection, change)


@pytest.fixture
def old(state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state file as of an older format, with a large record in it."""
    with SqliteJournal(state) as journal:
        journal.begin(header())
        journal.append(step("large", outcome(text="".join(map(chr, range(32, 30000))))))

    def before(record: dict[str, Any]) -> dict[str, Any]:
        if record["kind"] == "step":
            record["title"] = record.pop("task")
        return record

    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        reshape(connection, before)
    monkeypatch.setattr(journal_migrations, "MIGRATIONS", (*journal_migrations.MIGRATIONS, renamed))
    monkeypatch.setattr(journal_schema, "FORMAT_VERSION", FORMAT_VERSION + 1)
    return state


def tasks(reader: SqliteReader) -> list[str]:
    return [record.task for record in reader.records("r1") if isinstance(record, StepDone)]


def test_a_reader_reads_an_older_format_and_leaves_the_file_as_it_is(old: Path) -> None:
    before = old.read_bytes()
    with SqliteReader(old) as reader:
        assert tasks(reader) == ["Say hello"] * 301
    assert old.read_bytes() == before
    assert not list(old.parent.glob("*format*"))


def test_a_writer_brings_it_up_to_date_and_keeps_a_copy(old: Path) -> None:
    before = old.read_bytes()
    with SqliteJournal(old) as journal:
        assert tasks(journal) == ["Say hello"] * 301
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT_VERSION + 1,)
    kept = old.with_name("state.db.format1")
    assert os.name == "nt" or kept.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT_VERSION,)
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (303,)
        (body,) = connection.execute("SELECT body FROM records WHERE seq = 2").fetchone()
    assert '"title"' in body
    assert before


def test_a_change_of_format_that_is_broken_off_changed_nothing(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(connection: sqlite3.Connection) -> None:
        renamed(connection)
        raise KeyboardInterrupt

    first = journal_migrations.MIGRATIONS[0]
    with monkeypatch.context() as patched:
        patched.setattr(journal_migrations, "MIGRATIONS", (first, killed))
        with pytest.raises(KeyboardInterrupt):
            SqliteJournal(old)
    with SqliteJournal(old) as journal:  # the lock is free, and it is done anew
        assert tasks(journal) == ["Say hello"] * 301


def test_an_empty_file_is_a_state_file_without_runs(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()  # a writer was killed before its first word
    with SqliteReader(path) as reader:
        assert reader.runs() == []
    with SqliteJournal(path) as journal:
        journal.begin(header())
    with SqliteReader(path) as reader:
        assert [run.run for run in reader.runs()] == ["r1"]


def test_any_path_will_do(tmp_path: Path) -> None:
    path = tmp_path / "my runs? 100% #1 & ünï" / "state.db"
    with SqliteJournal(path) as journal:
        journal.begin(header())
    with SqliteReader(path) as reader:
        assert [run.run for run in reader.runs()] == ["r1"]


@each_way
def test_another_programs_database_is_left_alone(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "other.db"
    change(path, "CREATE TABLE things (name TEXT)")
    before = path.read_bytes()
    assert "not a state file of runbook" in refused(opened, path)
    assert path.read_bytes() == before


@each_way
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n" * 500)
    assert "no state file at all" in refused(opened, path)
    assert path.read_text() == "my notes\n" * 500


def test_damage_is_told_with_how_to_save_what_is_left(state: Path) -> None:
    with state.open("r+b") as file:
        file.seek(4096 * 12)
        file.write(os.urandom(4096 * 3))
    with SqliteReader(state) as reader, pytest.raises(DamagedJournal) as caught:
        list(reader.records("r1"))
    message = str(caught.value)
    assert "damaged" in message
    assert "--salvage NEWFILE" in message


def test_a_folder_that_nothing_can_be_written_to_can_be_read_from(state: Path) -> None:
    for ending in ("-wal", "-shm"):
        state.with_name(state.name + ending).unlink(missing_ok=True)
    state.with_name(state.name + "-shm").mkdir()  # as good as a read-only folder, and works for root
    with SqliteReader(state) as reader:
        assert len(list(reader.records("r1"))) == 301


def test_what_may_not_be_read_is_told(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(JournalError, match=r"state.db can't be read: Permission denied"):
        SqliteReader(state)


def said_of(state: Path) -> str:
    """How many records a run that goes on finds, or what it is told."""
    try:
        with SqliteJournal(state) as journal:
            journal.begin(header())
            return f"{len(list(journal.records('r1')))} records"
    except JournalError as error:
        return str(error)


@pytest.mark.parametrize("page", range(1, 8))
def test_damage_anywhere_is_told_or_does_no_harm(state: Path, page: int) -> None:
    with state.open("r+b") as file:
        file.seek(4096 * page)
        file.write(os.urandom(4096))
    said = said_of(state)
    assert said == "302 records" or "damaged" in said
    assert not state.with_name("state.db.holder").exists()  # whatever happened, nobody holds it now


@each_way
def test_a_damaged_beginning_is_told(state: Path, opened: Open) -> None:
    with state.open("r+b") as file:
        file.write(os.urandom(4096))
    assert "damaged" in refused(opened, state)


@needs_modes
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    program = (
        "import sys, pathlib; from runbook.journal_sqlite import SqliteJournal;"
        "SqliteJournal(pathlib.Path(sys.argv[1]))"
    )
    words = held_to_modes([sys.executable, "-c", program, str(tmp_path / "deep" / "state.db")])
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "can't be made or opened" in ended.stderr


def test_a_state_path_that_is_a_folder_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "state.db"
    folder.mkdir()
    assert "can't be made or opened" in refused(SqliteJournal, folder)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "can't be made or opened" in refused(SqliteJournal, tmp_path / "file" / "deep" / "state.db")


def test_a_refused_file_is_not_left_locked(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    change(path, "CREATE TABLE things (name TEXT)")
    for _ in range(2):
        refused(SqliteJournal, path)
