"""Make a new, empty file or folder with a name that nothing else has.

- tempfile:
    suffix: .json
  register: draft
- copy:
    content: "{{ facts | to_json }}"
    dest: "{{ draft.path }}"
"""

from __future__ import annotations

import tempfile as system
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Intent, LocalPath, Params, Permissions
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
        path = ctx.effect("make", lambda _intent: _make(_intent, params))
        return FileResult(path=path, **facts(read_state(path)))


def _make(_intent: Intent, params: TempfileParams) -> str:
    folder = params.path.path if params.path is not None else None
    try:
        if params.state == "directory":
            return system.mkdtemp(params.suffix, params.prefix, folder)
        handle, path = system.mkstemp(params.suffix, params.prefix, folder)
    except OSError as error:
        raise Failed(f"Can't make it in {folder or system.gettempdir()}: {error.strerror}") from error
    import os

    os.close(handle)
    return path
