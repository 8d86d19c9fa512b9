r"""One line of a text file: that it is there, or not.

- lineinfile:
    path: /etc/motd.conf
    regexp: ^colour=
    line: colour=red

`regexp` or `search_string` finds the line that `line` replaces (the last that matches); where none does, it goes
after or before the place that `insertafter` or `insertbefore` names, and else to the end. With `backrefs`, `\1` in
`line` is what the first group found, and nothing is added where nothing matches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta
from runbook.contract import Change, Context, Params, Permissions, UndoAnswer, aliases
from runbook.errors import Failed

from ._files_edit import EditParams, EditResult, apply, both_diffs, change_of, compiled, edited, look
from ._files_open import open_where_unknown
from ._files_place import Placing
from ._files_undo import PASSING, put_back
from ._lines import Found, absent, present

EMPTY = "`regexp` is empty: it matches every line, so that the last one is replaced. '^' says it without a warning."


class LineinfileParams(EditParams, frozen=True, kw_only=True):
    line: Annotated[str | None, aliases("value"), Meta(description="The line.")] = None
    state: Annotated[Literal["present", "absent"], Meta(description="Whether it is there.")] = "present"
    regexp: Annotated[str | None, aliases("regex"), Meta(description="Finds the line to replace.")] = None
    search_string: Annotated[str | None, Meta(description="The same, a text that is in the line.")] = None
    insertafter: Annotated[str | None, Meta(description="Finds the line before it; EOF: the end.")] = None
    insertbefore: Annotated[str | None, Meta(description="Finds the line after it; BOF: the beginning.")] = (
        None
    )
    backrefs: Annotated[bool, Meta(description=r"\1 in `line` is the first group of `regexp`.")] = False
    firstmatch: Annotated[bool, Meta(description="The first line that matches counts, not the last.")] = False
    create: Annotated[bool, Meta(description="Make the file where there is none.")] = False


class Lineinfile:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = LineinfileParams
    Result: ClassVar[type[msgspec.Struct]] = EditResult
    permissions: ClassVar[Permissions] = Permissions()
    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: LineinfileParams) -> str | None:
        return None  # which file it is depends on the links that lead there

    def observe(self, ctx: Context, params: LineinfileParams) -> Placing:
        _check(params)
        return look(ctx, params)

    @open_where_unknown(lambda seen: seen.dest)
    def plan(self, params: LineinfileParams, observed: Placing) -> Change:
        content, message, found = _changed(params, observed)
        made = edited(observed, params, content, message)
        if content is None:
            return change_of(observed, made, EditResult(msg=message))
        path = params.path.told()
        result = EditResult(msg=made.message, backup="", found=found, diff=both_diffs(observed, path, made))
        change = change_of(observed, made, result)
        warnings = (EMPTY,) if params.regexp == "" else ()
        return Change(
            action=change.action,
            resource=change.resource,
            before=change.before,
            after=change.after,
            result=change.result,
            reason=change.reason,
            warnings=warnings,
            also=change.also,
        )

    def apply(self, ctx: Context, params: LineinfileParams, change: Change) -> Any:
        return apply(ctx, params, change)

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return put_back(change)


def _check(params: LineinfileParams) -> None:
    if params.insertbefore is not None and params.insertafter is not None:
        raise Failed("parameters are mutually exclusive: insertbefore|insertafter")
    if params.regexp is not None and params.search_string is not None:
        raise Failed("parameters are mutually exclusive: regexp|search_string")
    if params.state == "present" and params.line is None:
        raise Failed("line is required with state=present")
    if params.state == "present" and params.backrefs and params.regexp is None:
        raise Failed("regexp is required with backrefs=true")
    if params.state == "absent" and params.line is params.regexp is params.search_string is None:
        raise Failed("one of line, search_string, or regexp is required with state=absent")


def _changed(params: LineinfileParams, seen: Placing) -> tuple[bytes | None, str, Any]:
    """The file's new bytes (None: there is no file), what is done, and how many lines go."""
    before = seen.before
    if before is None and params.state == "absent":
        return None, "file not present", UNSET
    if before is None and not params.create:
        raise Failed(f"Destination {params.path.told()} does not exist !", result={"rc": 257})
    old = b"" if before is None else before.content
    wanted = Found(
        line=(params.line or "").encode("utf-8", "surrogateescape"),
        regexp=compiled(params.regexp, "regexp") if params.regexp is not None else None,
        text=params.search_string.encode() if params.search_string is not None else None,
    )
    if params.state == "absent":
        content, count = absent(old, wanted)
        return content, f"{count} line(s) removed" if count else "", count
    after, before_ = params.insertafter, params.insertbefore
    content, message = present(
        old,
        wanted,
        place=_place(after if after is not None else before_),
        edge="BOF"
        if "BOF" in (after, before_)
        else "EOF"
        if before_ is None and after in (None, "EOF")
        else "",
        after=before_ is None,
        backrefs=params.backrefs,
        first=params.firstmatch,
    )
    return content, message, UNSET


def _place(pattern: str | None) -> Any:
    named = pattern is None or pattern in ("BOF", "EOF")
    return None if named else compiled(str(pattern), "insertafter or insertbefore")
