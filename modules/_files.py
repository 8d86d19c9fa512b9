"""Files on the operator's machine: looked at, compared, and moved into place whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Intent
from runbook.errors import Failed


class FileState(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is, or as it would be."""

    content: str
    """Its text; for what is not UTF-8 a line that says so."""
    sha256: str
    mode: str = ""
    """Permission bits as four octal digits; empty where the system has none, or none were asked for."""


class FileResult(msgspec.Struct, frozen=True, kw_only=True):
    dest: Annotated[str, Meta(description="The file.")]
    checksum: Annotated[str, Meta(description="SHA-256 of its content, in hex.")]
    size: Annotated[int, Meta(description="Bytes.")] = 0
    mode: Annotated[str, Meta(description="Permission bits, such as 0644.")] = ""


def resource(dest: str) -> str:
    return f"file:{Path(dest).expanduser().absolute()}"


def target_of(dest: str, source: str) -> str:
    """`dest` may be a folder: the file keeps its name then, as Ansible has it."""
    if dest.endswith(("/", os.sep)) or Path(dest).expanduser().is_dir():
        return str(Path(dest).expanduser() / Path(source).name)
    return str(Path(dest).expanduser())


def read_state(dest: str) -> FileState | None:
    """None when there is no such file. Raises Failed when it can't be read, or is none."""
    path = Path(dest)
    try:
        return state_of(path.read_bytes(), f"{stat.S_IMODE(path.stat().st_mode):04o}")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failed(f"Can't read {dest}: {error.strerror}") from error


def state_of(content: bytes, mode: str) -> FileState:
    digest = hashlib.sha256(content).hexdigest()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = f"(binary, {len(content)} bytes, sha256 {digest})"
    return FileState(content=text, sha256=digest, mode=mode if os.name == "posix" else "")


def plan(
    dest: str, content: bytes, mode: str | None, observed: FileState | None, *, force: bool = True
) -> Change:
    """What makes the file as it was asked for."""
    wanted_mode = _octal(mode)
    after = state_of(content, wanted_mode or (observed.mode if observed else ""))
    result = FileResult(dest=dest, checksum=after.sha256, size=len(content), mode=after.mode)
    if observed is None:
        action, reason = Action.CREATE, f"{dest} is not there"
    elif not force or observed == after:
        return Change(
            action=Action.NONE, resource=resource(dest), before=observed, after=observed, result=result
        )
    else:
        differs = "content" if observed.sha256 != after.sha256 else "mode"
        action, reason = Action.UPDATE, f"its {differs} differs"
    return Change(
        action=action,
        resource=resource(dest),
        before=observed,
        after=after,
        result=result,
        reason=reason,
    )


def apply(ctx: Context, dest: str, content: bytes, mode: str | None) -> FileResult:
    """Write it beside its place and move it there, so that nobody sees half of it."""

    def call(_intent: Intent) -> None:
        _write(Path(dest), content, _octal(mode))

    ctx.effect("write", call)
    state = read_state(dest)
    if state is None or state.sha256 != hashlib.sha256(content).hexdigest():
        raise Failed(f"{dest} does not hold what was written to it", hint="Does something else write it?")
    return FileResult(dest=dest, checksum=state.sha256, size=len(content), mode=state.mode)


def _write(path: Path, content: bytes, mode: str) -> None:
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise Failed(f"Can't write into {path.parent}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(int(mode, 8) if mode else _mode_for(path))
        Path(name).replace(path)
    except OSError as error:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise Failed(f"Can't write {path}: {error.strerror}") from error


def _mode_for(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _octal(mode: str | None) -> str:
    if mode is None:
        return ""
    try:
        return f"{int(mode, 8):04o}"
    except ValueError as error:
        raise Failed(f"'{mode}' is no mode: write octal digits in quotes, such as '0644'") from error
