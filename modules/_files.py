"""Files on the operator's machine: looked at, compared, and moved into place whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Intent, LocalPath
from runbook.errors import Failed
from runbook.values import Unknown

PRIVATE = 0o600


class FileState(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is, or as it would be."""

    content: Any
    """Its text; for what is not UTF-8 a line that says so."""
    sha256: Any
    mode: str = ""
    """Permission bits as four octal digits; empty where the system has none, or none were asked for."""


class FileResult(msgspec.Struct, frozen=True, kw_only=True):
    dest: Annotated[str, Meta(description="The file.")]
    checksum: Annotated[Any, Meta(description="SHA-256 of its content, in hex.")]
    size: Annotated[Any, Meta(description="Bytes.")] = 0
    mode: Annotated[str, Meta(description="Permission bits, such as 0644.")] = ""


def resource(dest: str) -> str:
    return f"file:{dest}"


def target_of(dest: LocalPath, source: str) -> str:
    """`dest` may be a folder: the file keeps its name then, as Ansible has it."""
    if dest.path.endswith(("/", os.sep)) or Path(dest.path).is_dir():
        if not source:
            raise Failed(f"{dest.path} is a folder; say the file's name, too")
        return str(Path(dest.path) / Path(source).name)
    return dest.path


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
    dest: str, content: bytes | Unknown, mode: str | None, observed: FileState | None, *, force: bool = True
) -> Change:
    """What makes the file as it was asked for."""
    wanted_mode = _octal(mode)
    name = resource(dest)
    if observed is not None and not force:
        return Change(
            action=Action.NONE, resource=name, before=observed, after=observed, result=_as_is(dest, observed)
        )
    after = _wanted(name, content, wanted_mode or (observed.mode if observed else ""))
    size: Any = Unknown(f"{name} size") if isinstance(content, Unknown) else len(content)
    result = FileResult(dest=dest, checksum=after.sha256, size=size, mode=after.mode)
    if observed is None:
        action, reason = Action.CREATE, f"{dest} is not there"
    elif isinstance(content, Unknown):
        reason = f"its content depends on {Unknown.describe(content)}"
        return Change(action=Action.UNDECIDED, resource=name, reason=reason)
    elif observed == after:
        return Change(action=Action.NONE, resource=name, before=observed, after=observed, result=result)
    else:
        differs = "content" if observed.sha256 != after.sha256 else "mode"
        action, reason = Action.UPDATE, f"its {differs} differs"
    return Change(action=action, resource=name, before=observed, after=after, result=result, reason=reason)


def _wanted(name: str, content: bytes | Unknown, mode: str) -> FileState:
    if isinstance(content, Unknown):
        return FileState(content=content, sha256=Unknown(f"{name} sha256"), mode=mode)
    return state_of(content, mode)


def _as_is(dest: str, observed: FileState) -> FileResult:
    size = Path(dest).stat().st_size if Path(dest).exists() else Unknown(f"{resource(dest)} size")
    return FileResult(dest=dest, checksum=observed.sha256, size=size, mode=observed.mode)


def apply(ctx: Context, dest: str, content: bytes, mode: str | None, *, secret: bool = False) -> FileResult:
    """Write it beside its place and move it there, so that nobody sees half of it.

    A new file that a secret is in is for its owner only, unless `mode` says otherwise.
    """

    def call(_intent: Intent) -> None:
        _write(Path(dest), content, int(_octal(mode), 8) if mode is not None else None, secret)

    ctx.effect("write", call)
    state = read_state(dest)
    if state is None or state.sha256 != hashlib.sha256(content).hexdigest():
        raise Failed(f"{dest} does not hold what was written to it", hint="Does something else write it?")
    return FileResult(dest=dest, checksum=state.sha256, size=len(content), mode=state.mode)


def _write(path: Path, content: bytes, mode: int | None, secret: bool) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    before = _stat(path)
    if mode is None and before is not None:
        mode = stat.S_IMODE(before.st_mode)
    # The system takes the umask off by itself: asking for the umask would change it for all threads meanwhile.
    first = 0o666 if mode is None and not secret else PRIVATE
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), first)
    except OSError as error:
        raise Failed(f"Can't write into {path.parent}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _keep_owner(draft, before)
        if mode is not None:
            draft.chmod(mode)  # after the owner: giving a file away takes bits from it
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise Failed(f"Can't write {path}: {error.strerror}") from error


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _keep_owner(draft: Path, before: os.stat_result | None) -> None:
    """A file that is replaced stays whose it was, where we may give it away."""
    if before is not None and hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(draft, before.st_uid, before.st_gid)


def _octal(mode: str | None) -> str:
    if mode is None:
        return ""
    try:
        bits = int(mode, 8)
    except ValueError:
        bits = -1
    if not 0 <= bits <= 0o7777:
        raise Failed(f"'{mode}' is no mode: write octal digits in quotes, such as '0644'")
    return f"{bits:04o}"
