"""A state file that is torn, damaged, or has no room left: told in a sentence, and no effect happens twice."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.crash.desk import MARKS, TASKS, Desk
from tests.crash.driver import KILLED, Driver
from tests.crash.points import Point
from tests.crash.state import differences

PAGE = 4096
FULL = os.environ.get("RUNBOOK_CRASH") == "full"
RECORDS = 25
"""That the playbook's run writes."""

FRAME = PAGE + 24
"""Bytes of a page, and of one in the write-ahead log."""


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    with Driver() as made:
        yield made


@pytest.fixture
def desk(driver: Driver, tmp_path: Path) -> Desk:
    return Desk.with_playbook(driver, tmp_path / "desk")


def record(number: int, phase: str) -> Point:
    return Point("journal", "record", number, phase)


@pytest.fixture(scope="module")
def undisturbed(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any]:
    """The file that the playbook writes, and what its steps came to."""
    desk = Desk.with_playbook(driver, tmp_path_factory.mktemp("undisturbed") / "desk")
    assert desk.play() == 0, desk.told()
    assert desk.marks() == MARKS
    return desk.copied(), desk.results()


@pytest.fixture
def finish(desk: Desk, undisturbed: tuple[str, Any]) -> Callable[[], None]:
    """Goes on with the desk's run; it must end as if nothing had happened."""

    def end() -> None:
        assert desk.play() == 0, desk.told()
        assert desk.marks() == MARKS
        assert list(differences(undisturbed, (desk.copied(), desk.results()))) == []

    return end


# ---------------------------------------------------------------- torn


def cut(log: bytes, start: int, end: int) -> bytes:
    """A power cut in the middle of the last write."""
    return log[: (start + end) // 2]


def blank(log: bytes, start: int, end: int) -> bytes:
    """The file has its new length, and its end is not there."""
    return log[: end - 1000] + bytes(1000) + log[end:]


def rubbish(log: bytes, start: int, end: int) -> bytes:
    return log[:start] + bytes(reversed(log[start:end])) + log[end:]


@pytest.mark.parametrize("tear", [cut, blank, rubbish])
@pytest.mark.parametrize("number", range(2, RECORDS) if FULL else (2, 3, 13, 21))
def test_a_last_write_that_is_torn_is_recognised(
    desk: Desk, finish: Callable[[], None], number: int, tear: Callable[[bytes, int, int], bytes]
) -> None:
    """An intent that is torn was not acted upon, an outcome that is torn is found out anew."""
    assert desk.play(death=record(number, "after")) == KILLED
    log = desk.log.read_bytes()
    before = steps_and_more(desk)
    desk.log.write_bytes(tear(log, *last_transaction(log)))
    assert steps_and_more(desk) < before
    finish()


def last_transaction(log: bytes) -> tuple[int, int]:
    """Where the last one begins and ends in a write-ahead log (https://sqlite.org/fileformat2.html#walformat)."""
    salt = log[16:24]
    start = end = at = 32
    while len(log) >= at + FRAME and log[at + 8 : at + 16] == salt:
        at += FRAME
        if int.from_bytes(log[at - FRAME + 4 : at - FRAME + 8]):  # the last frame of a transaction
            start, end = end, at
    return start, end


def steps_and_more(desk: Desk) -> int:
    """Records in a copy of the state file: to look at the file itself might repair it."""
    copy = desk.folder.with_name("copy.db")
    for side in ("", "-wal"):
        shutil.copy(f"{desk.state}{side}", f"{copy}{side}")
    with closing(sqlite3.connect(copy)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM records").fetchone()
    return int(count)


# ---------------------------------------------------------------- damaged


@pytest.mark.parametrize("page", range(1, 9))
def test_a_damaged_page_is_told_and_nothing_is_played(driver: Driver, tmp_path: Path, page: int) -> None:
    desk = Desk.with_playbook(driver, tmp_path / "desk", [*TASKS, {"name": "no", "fail": {"msg": "no"}}])
    assert desk.play() == 2
    done = desk.marks()
    data = bytearray(desk.state.read_bytes())
    assert len(data) >= page * PAGE
    data[(page - 1) * PAGE : page * PAGE] = bytes(reversed(data[(page - 1) * PAGE : page * PAGE]))
    desk.state.write_bytes(data)
    code = desk.play()
    if code == 2:
        return  # nothing stands there that is read
    assert code == 1
    assert "damaged" in desk.told()
    assert "can still be read" in desk.told() or "nothing in it can be read" in desk.told()
    assert "--fresh" in desk.told()
    assert "Traceback" not in desk.told()
    assert desk.marks() == done


# ---------------------------------------------------------------- no room left


@pytest.mark.parametrize("size", [8_000, 20_000, 40_000, 60_000, 100_000])
def test_without_room_it_stops_and_goes_on_when_there_is_some(
    desk: Desk, finish: Callable[[], None], size: int
) -> None:
    """No file may grow beyond `size`: what is written then fails as on a full disk."""
    code = desk.play(file_limit=size)
    assert code == (4 if size > 30_000 else 1)
    assert desk.told().count("The state file state.db can't be used") == 1
    assert "Traceback" not in desk.told()
    assert desk.marks() == MARKS[: len(desk.marks())]
    finish()


FULL_DISK = """
mount -t tmpfs -o size=400k none "$1" && cp -r "$2"/. "$1" && cd "$1" || exit 99
head -c 250k /dev/zero >filler
shift 2
"$@"; echo "first $?"
rm filler
"$@"; echo "second $?"
cut -d'|' -f1 log
"""
"""A disk of its own, seen by these processes alone, and a run on it without room and with."""


def own_disks() -> bool:
    """Whether this machine lets anybody mount one."""
    if shutil.which("unshare") is None:
        return False
    words = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not own_disks(), reason="no user namespaces here")
def test_a_full_disk_is_named(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    outer = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", FULL_DISK, "sh"]
    words = [sys.executable, "-m", "runbook", "play", "site.yml", "--state", "state.db"]
    done = subprocess.run(
        [*outer, str(tmp_path / "disk"), str(desk.folder), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    first, _, rest = done.stdout.partition("first 4\n")
    assert "the disk is full" in first, done
    second, _, marks = rest.partition("second 0\n")
    assert "goes on" in second, done
    assert marks.split("\n") == [*MARKS, ""]
