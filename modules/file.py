"""Files, folders and links: that they are there or not, whose they are, and who may do what with them.

- file:
    path: out/reports
    state: directory
    mode: u=rwx,go=rx

A relative `path` starts at the playbook's folder. Folders above a folder are made, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from runbook.contract import Change, Context, Params, Permissions, UndoAnswer

from ._file_links import plan_hard, plan_link
from ._file_plan import plan_absent, plan_file, plan_folder, plan_touch
from ._file_seen import FileArguments, Seen, look
from ._files_open import open_where_unknown
from ._files_result import FileResult, facts
from ._files_state import read_state
from ._files_undo import PASSING, put_back
from ._files_world import path_of
from ._files_write import carry_out


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    seen: Seen
    diff: bool


class File:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = FileArguments
    Result: ClassVar[type[msgspec.Struct]] = FileResult
    permissions: ClassVar[Permissions] = Permissions()
    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: FileArguments) -> str | None:
        return None  # which file it is depends on the links that lead there

    def observe(self, ctx: Context, params: FileArguments) -> Observed:
        return Observed(seen=look(ctx, params), diff=ctx.diff)

    @open_where_unknown(lambda observed: observed.seen.path)
    def plan(self, params: FileArguments, observed: Observed) -> Change:
        seen, diff = observed.seen, observed.diff
        if seen.state == "absent":
            return plan_absent(seen, diff)
        if seen.state == "directory":
            return plan_folder(params, seen, diff)
        if seen.state == "touch":
            return plan_touch(params, seen, diff)
        if seen.state == "link":
            return plan_link(params, seen, diff)
        if seen.state == "hard" and (params.state == "hard" or params.src):
            return plan_hard(params, seen, diff)
        return plan_file(params, seen, diff)

    def apply(self, ctx: Context, params: FileArguments, change: Change) -> Any:
        carry_out(ctx, change)
        result: FileResult = change.result
        found = read_state(path_of(change.resource or ""))
        told = facts(found) if result.uid is not msgspec.UNSET else {}
        return msgspec.structs.replace(result, **told)

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return put_back(change)
