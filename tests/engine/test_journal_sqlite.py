"""The state file keeps what was committed, whatever happens to the process that wrote it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import runbook.journal_sqlite
from runbook.errors import JournalError
from runbook.journal import EffectIntent, Record, StepDone
from runbook.journal_reader import SqliteReader
from runbook.journal_sqlite import LARGE, SqliteJournal
from runbook.model import Outcome, Status
from runbook.resume import History
from runbook.values import Unknown

from tests.support.records import ended, header, intent, landed, outcome, step

WRITER = Path(__file__).parents[1] / "support" / "journal_writer.py"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".runbook" / "state.db"


@pytest.fixture
def journal(state: Path) -> Iterator[SqliteJournal]:
    with SqliteJournal(state) as opened:
        yield opened


def read(state: Path, run: str = "r1") -> list[Record]:
    with SqliteReader(state) as reader:
        return list(reader.records(run))


def test_records_come_back_in_order(state: Path) -> None:
    written: list[Record] = [
        header(),
        step("a"),
        intent("b"),
        landed("b", result=b"\xff"),
        step("b"),
        ended(),
    ]
    with SqliteJournal(state) as journal:
        journal.begin(header())
        for record in written[1:-1]:
            journal.append(record)
        journal.commit(written[-1])
    assert read(state) == written


def test_its_own_writer_reads_what_was_only_appended(journal: SqliteJournal) -> None:
    journal.begin(header())
    journal.append(step("a"))
    assert list(journal.records("r1")) == [header(), step("a")]


def test_more_records_than_a_page_are_read(state: Path) -> None:
    with SqliteJournal(state) as journal:
        journal.begin(header())
        for number in range(1_203):
            journal.append(step(str(number)))
    names = [record.step for record in read(state) if isinstance(record, StepDone)]
    assert names == [str(number) for number in range(1_203)]


def test_runs_are_told_apart_and_listed_oldest_first(state: Path) -> None:
    with SqliteJournal(state) as journal:
        journal.begin(header("r1"))
        journal.commit(ended("failed", 2))
        journal.begin(header("r2"))
        journal.append(step("only here"))
        journal.begin(header("r1", argv=("runbook", "resume", "r1")))
    with SqliteReader(state) as reader:
        first, second = reader.runs()
    assert (first.run, first.times_resumed, first.ended, first.finished) == ("r1", 1, None, False)
    assert first.header == header("r1")
    assert (second.run, second.times_resumed, second.ended) == ("r2", 0, None)
    assert read(state, "r2") == [header("r2"), step("only here")]
    assert read(state, "r3") == []


def test_a_run_that_came_to_its_end_is_finished(state: Path) -> None:
    with SqliteJournal(state) as journal:
        journal.begin(header())
        journal.commit(ended())
        (only,) = journal.runs()
    assert only.finished
    assert only.ended == ended()


def test_another_process_sees_a_commit_while_the_run_is_on(journal: SqliteJournal, state: Path) -> None:
    journal.begin(header())
    journal.commit(step("a"))
    assert read(state) == [header(), step("a")]
    with SqliteReader(state) as reader:
        journal.commit(step("b"))
        assert list(reader.records("r1")) == [header(), step("a"), step("b")]


def test_what_was_appended_reaches_the_file_without_a_commit(journal: SqliteJournal, state: Path) -> None:
    journal.begin(header())
    journal.append(step("a"))
    deadline = time.monotonic() + 5
    while len(read(state)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_reader_of_nothing_makes_nothing(state: Path) -> None:
    with SqliteReader(state) as reader:
        assert reader.runs() == []
        assert list(reader.records("r1")) == []
    assert not state.parent.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_may_read_it(journal: SqliteJournal, state: Path) -> None:
    journal.begin(header())
    files = list(state.parent.glob("state.db*"))
    assert len(files) >= 4  # the log, the shared memory, the lock and its holder
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path
    assert state.parent.stat().st_mode & 0o777 == 0o700
    assert (state.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_there_is_left_as_it_is(tmp_path: Path) -> None:
    with SqliteJournal(tmp_path / "state.db") as journal:
        journal.begin(header())
    assert not (tmp_path / ".gitignore").exists()


def test_closed_it_is_one_file(state: Path) -> None:
    with SqliteJournal(state) as journal:
        journal.begin(header())
        journal.append(step("a"))
    assert {path.name for path in state.parent.iterdir()} <= {"state.db", "state.db.lock", ".gitignore"}


def test_long_outputs_are_compressed_and_come_back(state: Path) -> None:
    text = "line of output\n" * 100_000
    with SqliteJournal(state) as journal:
        journal.begin(header())
        journal.append(step("long", outcome(stdout=text)))
        journal.append(step("short", outcome(stdout="x" * 100)))
    long, short = read(state)[1:]
    assert isinstance(long, StepDone)
    assert long.outcome.result["stdout"] == text
    assert isinstance(short, StepDone)
    assert len(text) > 10 * LARGE
    assert state.stat().st_size < 2 * LARGE


def test_many_workers_share_the_journal(state: Path) -> None:
    def work(journal: SqliteJournal, name: int) -> None:
        for number in range(50):
            journal.append(intent(f"{name}/{number}"))
            journal.commit(landed(f"{name}/{number}", result=number))

    with SqliteJournal(state) as journal:
        journal.begin(header())
        workers = [threading.Thread(target=work, args=(journal, name)) for name in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    records = read(state)[1:]
    assert len(records) == 8 * 50 * 2
    seen: dict[str, int] = {}
    for record in records:
        assert isinstance(record, EffectIntent) == (seen.get(record.step, 0) == 0)  # type: ignore[union-attr]
        seen[record.step] = seen.get(record.step, 0) + 1  # type: ignore[union-attr]


def test_waiting_workers_share_a_commit(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteJournal(state) as journal:
        journal.begin(header())
        batches: list[int] = []
        write = runbook.journal_sqlite._Writer._write

        def slow(self: object, lines: list[object], *, sync: bool) -> None:
            batches.append(len(lines))
            time.sleep(0.05)  # a slow disk
            write(self, lines, sync=sync)  # type: ignore[arg-type]

        monkeypatch.setattr(runbook.journal_sqlite._Writer, "_write", slow)
        workers = [threading.Thread(target=journal.commit, args=(step(str(n)),)) for n in range(10)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert len([size for size in batches if size]) <= 5  # 2 alone on the machine


def test_a_commit_is_synced_and_an_append_soon_after(state: Path) -> None:
    """What SQLite was told: FULL for a commit; for appended records NORMAL, then a checkpoint, which syncs."""
    with SqliteJournal(state) as journal:
        told: list[str] = []
        journal._writer._connection.set_trace_callback(told.append)
        journal.begin(header())
        journal.append(step("a"))
        deadline = time.monotonic() + 5
        while not any("wal_checkpoint" in line for line in told):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        journal.commit(step("b"))
    pragmas = [line for line in told if line.startswith("PRAGMA")]
    assert pragmas[:3] == [
        "PRAGMA synchronous = NORMAL",
        "PRAGMA wal_checkpoint(PASSIVE)",
        "PRAGMA synchronous = FULL",
    ]


def test_what_cannot_be_kept_is_refused_at_once_and_the_journal_goes_on(state: Path) -> None:
    with SqliteJournal(state) as journal:
        journal.begin(header())
        with pytest.raises(JournalError, match="can't be kept"):
            journal.append(landed("a", result=Unknown("y")))
        journal.append(step("b"))
    assert read(state) == [header(), step("b")]


def test_a_record_before_the_run_is_a_mistake(journal: SqliteJournal) -> None:
    with pytest.raises(JournalError, match="before its run began"):
        journal.append(step("a"))


def test_known_secrets_do_not_reach_the_file(state: Path) -> None:
    with SqliteJournal(state, mask=lambda text: text.replace("hunter2", "********")) as journal:
        journal.begin(header())
        journal.commit(step("a", Outcome(status=Status.OK, result={"stdout": "it is hunter2"})))
        for path in state.parent.glob("state.db*"):
            assert b"hunter2" not in path.read_bytes()


def test_a_full_disk_is_told_to_everyone_who_waits(state: Path) -> None:
    with SqliteJournal(state) as journal:
        journal.begin(header())
        pages = journal._writer._connection.execute("PRAGMA page_count").fetchone()[0]
        journal._writer._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(JournalError, match="the disk is full") as caught:
            journal.commit(step("a", outcome(data=os.urandom(60_000))))
        assert caught.value.hint
        with pytest.raises(JournalError, match="the disk is full"):
            journal.append(step("b"))
        with pytest.raises(JournalError, match="the disk is full"):
            journal.commit(step("c"))
    assert read(state) == [header()]


def test_a_lost_record_is_told_at_the_latest_when_it_is_closed(state: Path) -> None:
    journal = SqliteJournal(state)
    journal.begin(header())
    journal._writer._connection.execute("PRAGMA max_page_count = 1")
    journal.append(step("a", outcome(data=os.urandom(60_000))))
    with pytest.raises(JournalError, match="the disk is full"):
        journal.close()
    with SqliteJournal(state) as again:  # the lock is free all the same
        assert list(again.records("r1")) == [header()]


# ---------------------------------------------------------------- the writer dies


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
@pytest.mark.parametrize("after", [1, 40, 90])
def test_a_killed_writer_loses_nothing_that_was_committed(state: Path, after: int) -> None:
    told = _write_and_kill(state, "r1", after)
    assert told >= after - 1
    with SqliteJournal(state) as journal:  # the dead one's lock is free at once
        records = list(journal.records("r1"))
        steps = [int(r.step) for r in records if isinstance(r, StepDone)]
        intents = [int(r.step) for r in records if isinstance(r, EffectIntent)]
        assert intents == list(range(len(intents)))
        assert len(intents) > told
        assert steps[: len(intents)] == intents
        (run,) = journal.runs()
        assert run.ended is None
        journal.begin(header("r1"))
        journal.commit(step("goes on"))
    last = read(state)[-1]
    assert last == step("goes on")


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_while_another_process_writes_it_can_be_read_but_not_written(state: Path) -> None:
    with _writer(state) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                if line.strip() == "5":
                    break
            with SqliteReader(state) as reader:
                before = len(list(reader.records("r1")))
                assert before >= 1 + 2 * 6
                deadline = time.monotonic() + 20
                while len(list(reader.records("r1"))) <= before:
                    assert time.monotonic() < deadline
                    child.stdout.readline()
                assert [run.ended for run in reader.runs()] == [None]
            with pytest.raises(JournalError, match=f"process {child.pid} on"):
                SqliteJournal(state)
        finally:
            child.kill()


def _writer(state: Path, run: str = "r1") -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(WRITER), str(state), run], stdout=subprocess.PIPE, text=True)


def _write_and_kill(state: Path, run: str, after: int) -> int:
    """The last step that the killed process said was committed."""
    with _writer(state, run) as child:
        assert child.stdout is not None
        told = -1
        for line in child.stdout:
            if line.strip().isdigit():
                told = int(line)
                if told >= after:
                    child.send_signal(signal.SIGKILL)
                    break
        rest = [int(line) for line in child.stdout if line.endswith("\n")]
    return rest[-1] if rest else told


def _killed_copy(state: Path, tmp_path: Path) -> Path:
    """What a power cut leaves: the files of a journal that nobody closed."""
    copy = tmp_path / "copy.db"
    with SqliteJournal(state) as journal:
        journal.begin(header())
        for name in "abc":
            journal.commit(step(name))
        for side in ("", "-wal"):
            copy.with_name(copy.name + side).write_bytes(Path(f"{state}{side}").read_bytes())
    return copy


def test_a_torn_last_record_is_recognised(state: Path, tmp_path: Path) -> None:
    copy = _killed_copy(state, tmp_path)
    log = copy.with_name("copy.db-wal")
    log.write_bytes(log.read_bytes()[:-1000])
    with SqliteJournal(copy) as journal:
        assert list(journal.records("r1")) == [header(), step("a"), step("b")]
        journal.begin(header())
        journal.commit(step("c"))
        assert list(journal.records("r1")) == [header(), step("a"), step("b"), header(), step("c")]


def test_rubbish_after_the_last_record_is_recognised(state: Path, tmp_path: Path) -> None:
    copy = _killed_copy(state, tmp_path)
    with copy.with_name("copy.db-wal").open("ab") as log:
        log.write(os.urandom(5000))
    assert read(copy) == [header(), step("a"), step("b"), step("c")]


# ---------------------------------------------------------------- speed


def test_appending_costs_little(state: Path) -> None:
    record = step("a", outcome(Status.CHANGED, stdout="hello", rc=0, changed=True))
    with SqliteJournal(state) as journal:
        journal.begin(header())
        began = time.perf_counter()
        for _ in range(5_000):
            journal.append(record)
        each = (time.perf_counter() - began) / 5_000
    assert each < 100e-6  # 8 µs alone on the machine


def test_an_outcome_and_the_next_intent_share_a_sync(state: Path) -> None:
    with SqliteJournal(state) as journal:
        told: list[str] = []
        journal.begin(header())
        journal._writer._connection.set_trace_callback(told.append)
        for number in range(20):
            journal.append(landed(str(number)))
            journal.append(step(str(number)))
            journal.commit(intent(str(number + 1)))
        journal._writer._connection.set_trace_callback(None)
    assert len(told) >= 20 * 3
    assert _syncs(told) <= 20 + 5  # not 40; a slow machine may add one after SYNC_DELAY


def _syncs(told: Sequence[str]) -> int:
    """Commits that SQLite syncs."""
    level, syncs = "FULL", 0
    for line in told:
        level = line.rsplit(" ", 1)[1] if line.startswith("PRAGMA synchronous") else level
        syncs += line == "COMMIT" and level == "FULL"
    return syncs


def test_a_long_run_is_known_again_soon(state: Path) -> None:
    with SqliteJournal(state) as journal:
        journal.begin(header())
        for number in range(20_000):
            journal.append(step(str(number), outcome(Status.CHANGED, stdout="hello", rc=0)))
        began = time.perf_counter()
        assert len(History(journal.records("r1"))) == 20_000
    assert time.perf_counter() - began < 4  # 0.3 s alone on the machine


# ---------------------------------------------------------------- damage


def test_a_changed_record_is_told(state: Path) -> None:
    with SqliteJournal(state) as journal:
        journal.begin(header())
        journal.commit(step("a"))
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("UPDATE records SET body = replace(body, 'web1', 'web2') WHERE seq = 2")
    with SqliteReader(state) as reader, pytest.raises(JournalError, match="damaged: record 2") as caught:
        list(reader.records("r1"))
    assert caught.value.hint
