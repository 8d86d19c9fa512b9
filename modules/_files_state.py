"""Files on the operator's machine as they are: links are looked at, not followed."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import msgspec
from runbook.errors import Failed

from ._files_mode import octal
from ._files_users import group_name, user_name

BLOCK = 1 << 20
LARGE = 1 << 20
"""Bytes from which on a file that is only copied is a `Blob`."""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """When a file was read and written last; seconds since 1970. None: whatever it is."""

    access: float | None = None
    modification: float | None = None


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """More bytes than are held, shown and kept: where they are, and how to know them again."""

    path: str
    size: int
    sha1: str
    md5: str

    def __len__(self) -> int:
        return self.size


class FileState(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at a path, or would stand there."""

    state: str
    """`file`, `hard` (a file with several names), `directory`, `link`, or `other` (devices, sockets, pipes)."""
    mode: str
    owner: str = ""
    group: str = ""
    uid: int = 0
    gid: int = 0
    size: Any = 0
    """Bytes; Unknown for a folder that would be made."""
    src: str = ""
    """Where a link points to; for a file that would be a hard link, the other name."""
    checksum: Any = ""
    """SHA-1 of the content, in hex; empty when it was not read."""
    content: Any = None
    """Bytes, or a Blob; None when they were not read; Unknown when they depend on a planned change."""
    times: Times | None = None
    """Only where a change is about them."""

    @property
    def is_file(self) -> bool:
        return self.state in ("file", "hard")

    @property
    def is_folder(self) -> bool:
        return self.state == "directory"

    @property
    def bits(self) -> int:
        return int(self.mode, 8)


def read_state(path: str, *, content: bool = False, whole: bool = True) -> FileState | None:
    """None when there is nothing. content: with a file's bytes; not whole: a large one as a Blob.

    Raises Failed when it can't be looked at.
    """
    try:
        found = os.lstat(path)
        state = state_of(path, found)
        if not content or not state.is_file:
            return state
        held = whole or found.st_size <= LARGE
        return with_content(state, Path(path).read_bytes() if held else _blob(path, found.st_size))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Failed(f"Can't read {path}: {error.strerror}") from error


def state_of(path: str, found: os.stat_result) -> FileState:
    """The state that a `lstat` tells of."""
    kind = _kind(found)
    return FileState(
        state=kind,
        mode=octal(stat.S_IMODE(found.st_mode)),
        owner=user_name(found.st_uid),
        group=group_name(found.st_gid),
        uid=found.st_uid,
        gid=found.st_gid,
        size=found.st_size,
        src=str(Path(path).readlink()) if kind == "link" else "",
    )


def with_content(state: FileState, content: Any) -> FileState:
    """The state with other bytes in it."""
    return msgspec.structs.replace(state, content=content, size=len(content), checksum=sha1(content))


def _blob(path: str, size: int) -> Blob:
    return Blob(path=path, size=size, sha1=digest_of(path), md5=digest_of(path, "md5"))


def times_of(path: str) -> Times | None:
    """When it was read and written last, links followed; None when it is not there."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return Times(access=found.st_atime, modification=found.st_mtime)


def _kind(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "link"
    if stat.S_ISDIR(found.st_mode):
        return "directory"
    if stat.S_ISREG(found.st_mode):
        return "hard" if found.st_nlink > 1 else "file"
    return "other"


def sha1(content: bytes | Blob) -> str:
    if isinstance(content, Blob):
        return content.sha1
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def md5(content: bytes | Blob) -> str:
    if isinstance(content, Blob):
        return content.md5
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def digest_of(path: str, algorithm: str = "sha1") -> str:
    """A file's digest, read piece by piece. Raises OSError."""
    made = hashlib.new(algorithm, usedforsecurity=False)
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK):
            made.update(block)
    return made.hexdigest()
