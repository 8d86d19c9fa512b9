"""Several lines in a text file, between two marks, so that they are found again.

- blockinfile:
    path: hosts.local
    block: |
      10.0.0.1 one
      10.0.0.2 two

An empty `block`, or `state: absent`, takes the lines out with their marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta
from runbook.contract import Change, Context, Params, Permissions, UndoAnswer, aliases
from runbook.errors import Failed

from ._blocks import Block, with_block
from ._files_edit import EditParams, EditResult, apply, both_diffs, change_of, compiled, edited, look
from ._files_open import open_where_unknown
from ._files_place import Placing
from ._files_undo import PASSING, put_back


class BlockinfileParams(EditParams, frozen=True, kw_only=True):
    block: Annotated[str, aliases("content"), Meta(description="The lines.")] = ""
    state: Annotated[Literal["present", "absent"], Meta(description="Whether they are there.")] = "present"
    marker: Annotated[str, Meta(description="The mark's line; {mark} is its begin or end.")] = (
        "# {mark} ANSIBLE MANAGED BLOCK"
    )
    marker_begin: Annotated[str, Meta(description="What {mark} is before the lines.")] = "BEGIN"
    marker_end: Annotated[str, Meta(description="What {mark} is after them.")] = "END"
    insertafter: Annotated[str | None, Meta(description="Finds the line before them; EOF: the end.")] = None
    insertbefore: Annotated[
        str | None, Meta(description="Finds the line after them; BOF: the beginning.")
    ] = None
    append_newline: Annotated[bool, Meta(description="An empty line after them.")] = False
    prepend_newline: Annotated[bool, Meta(description="An empty line before them.")] = False
    create: Annotated[bool, Meta(description="Make the file where there is none.")] = False


class Blockinfile:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = BlockinfileParams
    Result: ClassVar[type[msgspec.Struct]] = EditResult
    permissions: ClassVar[Permissions] = Permissions()
    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: BlockinfileParams) -> str | None:
        return None  # which file it is depends on the links that lead there

    def observe(self, ctx: Context, params: BlockinfileParams) -> Placing:
        if params.insertbefore is not None and params.insertafter is not None:
            raise Failed("parameters are mutually exclusive: insertbefore|insertafter")
        seen = look(ctx, params)
        if seen.before is None and not params.create:
            raise Failed(f"Path {params.path.told()} does not exist !", result={"rc": 257})
        return seen

    @open_where_unknown(lambda seen: seen.dest)
    def plan(self, params: BlockinfileParams, observed: Placing) -> Change:
        before = observed.before
        old = b"" if before is None else before.content
        block = params.block.encode("utf-8", "surrogateescape") if params.state == "present" else b""
        new = with_block(old, _block(params, block))
        if before is None:
            message = "File created"
        else:
            message = "" if new == old else "Block inserted" if block else "Block removed"
        made = edited(observed, params, new, message)
        diff = both_diffs(observed, params.path.told(), made)
        return change_of(observed, made, EditResult(msg=made.message, diff=diff, backup=UNSET))

    def apply(self, ctx: Context, params: BlockinfileParams, change: Change) -> Any:
        return apply(ctx, params, change)

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return put_back(change)


def _block(params: BlockinfileParams, block: bytes) -> Block:
    begin, end = (
        params.marker.replace("{mark}", word).encode("utf-8", "surrogateescape")
        for word in (params.marker_begin, params.marker_end)
    )
    before, after = params.insertbefore, params.insertafter
    pattern = before if before not in (None, "BOF") else after if after not in (None, "EOF") else None
    return Block(
        begin=begin,
        end=end,
        block=block,
        place=compiled(pattern, "insertafter or insertbefore") if pattern is not None else None,
        first=before == "BOF",
        after=after is not None,
        space_before=params.prepend_newline,
        space_after=params.append_newline,
    )
