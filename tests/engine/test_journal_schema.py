"""A state file is told from other files, from newer ones, and from damaged ones, with what can be done."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from runbook.errors import JournalError
from runbook.journal import FORMAT_VERSION
from runbook.journal_reader import SqliteReader
from runbook.journal_schema import APPLICATION_ID
from runbook.journal_sqlite import SqliteJournal

from tests.support.records import header, outcome, step

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


def test_an_older_format_is_brought_up_to_date_by_a_writer_only(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    change(path, f"PRAGMA application_id = {APPLICATION_ID}")  # format 0: nothing in it yet
    assert "older runbook" in refused(SqliteReader, path)
    with SqliteJournal(path) as journal:
        journal.begin(header())
    with SqliteReader(path) as reader:
        assert [run.run for run in reader.runs()] == ["r1"]


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


def test_damage_is_told_with_what_can_still_be_read(state: Path) -> None:
    with state.open("r+b") as file:
        file.seek(4096 * 12)
        file.write(os.urandom(4096 * 3))
    with SqliteReader(state) as reader, pytest.raises(JournalError) as caught:
        list(reader.records("r1"))
    message = str(caught.value)
    assert "damaged" in message
    assert "records of 1 runs can still be read" in message
    assert ".recover" in message


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


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "can't be made or opened" in refused(SqliteJournal, tmp_path / "deep" / "state.db")


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
