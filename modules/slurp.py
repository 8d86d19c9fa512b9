"""Read a file: its bytes as base64.

- slurp:
    src: report.json
  register: report
- debug:
    msg: "{{ report.content | b64decode | from_json }}"
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, LocalPath, Params, Permissions, aliases
from runbook.errors import Failed
from runbook.values import Unknown

from ._files_world import World


class SlurpParams(Params, frozen=True, kw_only=True):
    src: Annotated[LocalPath, aliases("path"), Meta(description="The file.")]


class SlurpResult(msgspec.Struct, frozen=True, kw_only=True):
    content: Annotated[Any, Meta(description="Its bytes, in base64.")]
    source: Annotated[str, Meta(description="The file.")]
    encoding: Annotated[str, Meta(description="base64.")] = "base64"


class Slurp:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = SlurpParams
    Result: ClassVar[type[msgspec.Struct]] = SlurpResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: SlurpParams) -> str | None:
        return None  # it changes nothing

    def observe(self, ctx: Context, params: SlurpParams) -> SlurpResult:
        world = World(ctx)
        path = params.src.path
        state = world.look(world.follow(path.rstrip("/") or "/"), content=True)
        if state is None:
            raise Failed(f"File not found: {params.src.told()}")
        if state.is_folder:
            raise Failed(f"Source is a directory and must be a file: {params.src.told()}")
        if not state.is_file:
            raise Failed(f"Source is no file: {params.src.told()}")
        if isinstance(state.content, Unknown):
            return SlurpResult(content=state.content, source=params.src.told(path))
        return SlurpResult(content=base64.b64encode(state.content).decode(), source=params.src.told(path))

    def plan(self, params: SlurpParams, observed: SlurpResult) -> Change:
        return Change(action=Action.NONE, result=observed)

    def apply(self, ctx: Context, params: SlurpParams, change: Change) -> Any:
        return change.result
