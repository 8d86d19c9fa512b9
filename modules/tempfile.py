"""Make a new, empty file or folder with a name that nothing else has.

- tempfile:
    suffix: .json
  register: draft
- copy:
    content: "{{ facts | to_json }}"
    dest: "{{ draft.path }}"
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import tempfile as system
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import (
    Absent,
    Action,
    Change,
    Context,
    Finding,
    Intent,
    Landed,
    LocalPath,
    Params,
    Permissions,
)
from runbook.errors import Failed
from runbook.values import Unknown

from ._files_result import FileResult, facts
from ._files_state import read_state


class TempfileParams(Params, frozen=True, kw_only=True):
    state: Annotated[Literal["file", "directory"], Meta(description="What to make.")] = "file"
    path: Annotated[LocalPath | None, Meta(description="The folder that it is made in.")] = None
    prefix: Annotated[str, Meta(description="What its name begins with.")] = "ansible."
    suffix: Annotated[str, Meta(description="What its name ends with.")] = ""


class Tempfile:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = TempfileParams
    Result: ClassVar[type[msgspec.Struct]] = FileResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: TempfileParams) -> str | None:
        return None  # its name is known when it is there

    def observe(self, ctx: Context, params: TempfileParams) -> None:
        return None

    def plan(self, params: TempfileParams, observed: None) -> Change:
        path: Any = Unknown("the path of a temporary file")
        mode = "0600" if params.state == "file" else "0700"
        result = FileResult(path=path, state=params.state, mode=mode)
        return Change(action=Action.CREATE, result=result, reason=f"a new {params.state}, for its owner only")

    def apply(self, ctx: Context, params: TempfileParams, change: Change) -> Any:
        def find(intent: Intent) -> Finding[str]:
            place = _place(intent, params)
            return Landed(str(place)) if _is_ours(place, params.state) else Absent()

        path = ctx.effect("make", lambda intent: _make(intent, params), find=find)
        return FileResult(path=path, **facts(read_state(path)))


def _place(intent: Intent, params: TempfileParams) -> Path:
    """By its name a resumed run knows again what it made; nobody can guess a run's name before it begins."""
    mark = hashlib.blake2b(intent.token.encode(), digest_size=5).digest()
    name = f"{params.prefix}{base64.b32encode(mark).decode().lower()}{params.suffix}"
    return Path(params.path.path if params.path is not None else system.gettempdir()) / name


def _is_ours(place: Path, state: str) -> bool:
    """Whether it is what we make: for its owner only, and nothing in it."""
    try:
        found = place.lstat()
        empty = not any(place.iterdir()) if stat.S_ISDIR(found.st_mode) else found.st_size == 0
    except OSError:
        return False
    kind = stat.S_ISDIR if state == "directory" else stat.S_ISREG
    return kind(found.st_mode) and empty and (not hasattr(os, "getuid") or found.st_uid == os.getuid())


def _make(intent: Intent, params: TempfileParams) -> str:
    folder = params.path.path if params.path is not None else None
    place = _place(intent, params)
    try:
        if params.state == "directory":
            place.mkdir(0o700)
        else:
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return _make_another(params, folder)
    except OSError as error:
        raise Failed(f"Can't make it in {folder or system.gettempdir()}: {error.strerror}") from error
    return str(place)


def _make_another(params: TempfileParams, folder: str | None) -> str:
    """The name was taken by someone."""
    if params.state == "directory":
        return system.mkdtemp(params.suffix, params.prefix, folder)
    handle, path = system.mkstemp(params.suffix, params.prefix, folder)
    os.close(handle)
    return path
