"""Making files as a change says: whole files moved into place, links, folders, owners, modes, times."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from runbook.contract import Absent, Action, Change, Context, Finding, Intent, Landed
from runbook.errors import Failed

from ._files_state import Blob, FileState, digest_of, sha1
from ._files_validate import validated
from ._files_world import path_of

WRITE = "write"
"""The name of the effect."""

PRIVATE = 0o600
NOW = -1.0
"""Stands in `Times` for the moment of the change."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How files are put in place."""

    backup: bool = False
    """Keep what was there beside it."""
    validate: str | None = None
    """A command that must accept the new file, `%s`, before it is moved into place."""


class Try(msgspec.Struct, frozen=True):
    """One try to make files as a change says."""

    mark: str
    """Stands in the names of drafts."""
    backups: Sequence[str | None]
    """Where the backup of the one file is, or goes; the first that fits."""


def carry_out(ctx: Context, change: Change, manner: Manner | None = None) -> str | None:
    """Do what the change and those that belong to it say, as one effect. The backup's path, where one was made.

    Each file is moved into place whole: a kill leaves the old one or the new one. Raises Failed where the system
    refuses.
    """
    every = sorted((change, *change.also), key=lambda one: one.resource or "")
    made = [one for one in every if one.action.changes]
    manner = manner or Manner()
    trace = _trace(made, manner)
    backups = [trace["backup"]] if trace is not None else []

    def call(intent: Intent) -> str | None:
        kept = None
        for one in made:
            kept = _made(path_of(one.resource or ""), one, manner, Try(_mark(intent), backups)) or kept
        return kept

    def find(intent: Intent) -> Finding[str | None]:
        if intent.before is not None:
            backups.insert(0, intent.before["backup"])  # the killed run may have made it already
        return _is_written(intent.before)

    return ctx.effect(WRITE, call, find=find, before=trace)


def _trace(made: Sequence[Change], manner: Manner) -> dict[str, Any] | None:
    """What tells that one file was written: its digest then. What was written is not edited a second time."""
    before, after = (made[0].before, made[0].after) if len(made) == 1 else (None, None)
    if not isinstance(after, FileState) or not _writes(before, after):
        return None
    path = path_of(made[0].resource or "")
    backup = str(backup_place(Path(path))) if manner.backup and before is not None else None
    return {"path": path, "sha1": after.checksum, "backup": backup}


def _is_written(trace: dict[str, Any] | None) -> Finding[str | None]:
    """Whether the file is as it was to be. Anything else that was begun is simply done, as far as it was not."""
    if trace is None or not _holds(trace["path"], trace["sha1"]):
        return Absent()
    backup = trace["backup"]
    return Landed(backup if backup is not None and Path(backup).exists() else None)


def _holds(path: str, digest: str) -> bool:
    try:
        return digest_of(path) == digest
    except OSError:
        return False


def _mark(intent: Intent) -> str:
    """Stands in the names of drafts. The same for all tries of a step: what a kill left behind is found again."""
    return hashlib.blake2b(intent.token.rpartition(" ")[0].encode(), digest_size=4).hexdigest()


def _made(path: str, change: Change, manner: Manner, run: Try) -> str | None:
    before: FileState | None = change.before
    after: FileState | None = change.after
    try:
        if after is None or change.action is Action.DELETE:
            _remove(path)
            return None
        if _writes(before, after):
            return _write(Path(path), before, after, manner, run)
        if after.state in ("link", "hard") and _relinks(before, after):
            _link(Path(path), before, after, run.mark)
        elif after.is_folder and (before is None or not before.is_folder):
            Path(path).mkdir()
        _attribute(path, before, after)
    except OSError as error:
        raise Failed(f"Can't change {path}: {error.strerror}") from error
    return None


def _writes(before: FileState | None, after: FileState) -> bool:
    if not after.is_file or (after.state == "hard" and after.src):
        return False
    return (
        before is None
        or not before.is_file
        or (after.content is not None and after.checksum != before.checksum)
    )


def _relinks(before: FileState | None, after: FileState) -> bool:
    return bool(after.src) and (before is None or before.state != after.state or before.src != after.src)


# ---------------------------------------------------------------- content


def _write(path: Path, before: FileState | None, after: FileState, manner: Manner, run: Try) -> str | None:
    """Write it beside its place and move it there, so that nobody sees half of it."""
    content: bytes | Blob = b"" if after.content is None else after.content
    kept = None
    with _draft(path, run.mark) as draft:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE)
        with os.fdopen(handle, "wb") as file:
            if isinstance(content, Blob):
                with Path(content.path).open("rb") as source:
                    shutil.copyfileobj(source, file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _attribute(str(draft), before, after)
        if manner.validate:
            validated(manner.validate, str(draft))
        if before is not None and manner.backup:
            kept = back_up(path, run)
        if before is not None and before.is_folder:
            path.rmdir()
        draft.replace(path)
    _sync_folder(path.parent)
    if digest_of(str(path)) != sha1(content):
        raise Failed(f"{path} does not hold what was written to it", hint="Does something else write it?")
    return kept


@contextlib.contextmanager
def _draft(path: Path, mark: str) -> Iterator[Path]:
    draft = path.with_name(f".{path.name[:200]}.{mark}")
    draft.unlink(missing_ok=True)
    try:
        yield draft
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def _sync_folder(folder: Path) -> None:
    """Let the move itself survive a power cut, as the record does that tells of it."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def backup_place(path: Path) -> Path:
    """Where a copy is kept: `motd.4711.2026-01-31@12:00:00~`. One of the same second is not written over."""
    number = os.getpid()
    while True:
        stamp = time.strftime("%Y-%m-%d@%H:%M:%S", time.localtime())
        place = path.with_name(f"{path.name}.{number}.{stamp}~")
        if not place.exists():
            return place
        number += 1


def back_up(path: Path, run: Try) -> str:
    """Keep a copy beside it, whole at once; one that an earlier try made is it."""
    digest = digest_of(str(path))
    for known in run.backups:
        if known is not None and _holds(known, digest):
            return known
    place = next((known for known in run.backups if known is not None and not Path(known).exists()), None)
    kept = Path(place) if place is not None else backup_place(path)
    with _draft(path, f"{run.mark}b") as draft:
        shutil.copy2(path, draft)
        _give(str(draft), path.stat())
        draft.replace(kept)
    return str(kept)


# ---------------------------------------------------------------- links, owners, modes, times


def _link(path: Path, before: FileState | None, after: FileState, mark: str) -> None:
    if before is not None and before.is_folder:
        path.rmdir()
    with _draft(path, mark) as draft:
        if after.state == "link":
            draft.symlink_to(after.src)
        else:
            os.link(after.src, draft)
        draft.replace(path)


def _attribute(path: str, before: FileState | None, after: FileState) -> None:
    """Owner first: giving a file away takes bits from its mode."""
    there = os.lstat(path)
    if (there.st_uid, there.st_gid) != (after.uid, after.gid) and hasattr(os, "lchown"):
        try:
            os.lchown(path, after.uid, after.gid)
        except PermissionError:
            if before is None or (before.uid, before.gid) != (after.uid, after.gid):
                raise  # it was asked for; that a file stays whose it was is tried only
    if after.state != "link" and (os.lstat(path).st_mode & 0o7777) != after.bits:
        Path(path).chmod(after.bits)
    if after.times is not None and (before is None or after.times != before.times):
        _date(path, after)


def _date(path: str, after: FileState) -> None:
    times = after.times
    if times is None:
        return
    there = os.lstat(path)
    now = time.time_ns()

    def stamp(wanted: float | None, found: int) -> int:
        return found if wanted is None else now if wanted == NOW else round(wanted * 1_000_000_000)

    stamps = (stamp(times.access, there.st_atime_ns), stamp(times.modification, there.st_mtime_ns))
    os.utime(path, ns=stamps, follow_symlinks=after.state != "link")


def _give(path: str, found: os.stat_result) -> None:
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(path, found.st_uid, found.st_gid)


def _remove(path: str) -> None:
    if Path(path).is_dir() and not Path(path).is_symlink():
        shutil.rmtree(path)
        return
    try:
        Path(path).unlink()
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
