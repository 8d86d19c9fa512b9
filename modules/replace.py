r"""Replace all that a regular expression finds in a text file.

- replace:
    path: server.conf
    regexp: ^port=(\d+)$
    replace: port=7\1

`after` and `before` are regular expressions, too: only what stands between the first match of the one and the next
of the other is changed. `^` and `$` match at each line's ends. A run that was killed after it wrote the file does
not replace anew in what it wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta
from runbook.contract import Change, Context, Params, Permissions, UndoAnswer
from runbook.errors import Failed

from ._files_edit import EditParams, EditResult, apply, change_of, edited, look
from ._files_open import open_where_unknown
from ._files_place import Placing
from ._files_undo import PASSING, put_back


class ReplaceParams(EditParams, frozen=True, kw_only=True):
    regexp: Annotated[str, Meta(description="What is replaced.")]
    replace: Annotated[str, Meta(description=r"What it becomes; \1 is the first group.")] = ""
    after: Annotated[str | None, Meta(description="Only what comes after this.")] = None
    before: Annotated[str | None, Meta(description="Only what comes before this.")] = None
    encoding: Annotated[str, Meta(description="How the file's text is encoded.")] = "utf-8"


class Replace:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = ReplaceParams
    Result: ClassVar[type[msgspec.Struct]] = EditResult
    permissions: ClassVar[Permissions] = Permissions()
    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: ReplaceParams) -> str | None:
        return None  # which file it is depends on the links that lead there

    def observe(self, ctx: Context, params: ReplaceParams) -> Placing:
        seen = look(ctx, params)
        if seen.before is None:
            raise Failed(f"Path {params.path.told()} does not exist !", result={"rc": 257})
        return seen

    @open_where_unknown(lambda seen: seen.dest)
    def plan(self, params: ReplaceParams, observed: Placing) -> Change:
        assert observed.before is not None  # noqa: S101 (observe saw it)
        old = _decoded(observed.before.content, params.encoding)
        new, count, missed = _replaced(old, params)
        message = f"{count} replacements made" if count and new != old else ""
        content = observed.before.content if new == old else new.encode(params.encoding, "surrogateescape")
        made = edited(observed, params, content, message)
        path = params.path.told()
        diff = {"before_header": path, "before": old, "after_header": path, "after": new}
        told = EditResult(
            rc=0, msg=missed or made.message, diff=diff if observed.diff and made.changed else UNSET
        )
        return change_of(observed, made, told)

    def apply(self, ctx: Context, params: ReplaceParams, change: Change) -> Any:
        return apply(ctx, params, change)

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return put_back(change)


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding, "surrogateescape")
    except (LookupError, UnicodeDecodeError) as error:
        raise Failed(f"The file can't be read as {encoding}: {error}") from None


def _replaced(text: str, params: ReplaceParams) -> tuple[str, int, str]:
    """The new text, how often something was replaced, and a word when `after` and `before` are not there."""
    start, end = 0, len(text)
    if params.after is not None or params.before is not None:
        pattern = _section(params)
        found = _search(pattern, text)
        if found is None:
            return text, 0, f"Pattern for before/after params did not match the given file: {pattern}"
        start, end = found.span("subsection")
    try:
        section, count = re.subn(params.regexp, params.replace, text[start:end], flags=re.MULTILINE)
    except (re.error, IndexError) as error:
        raise Failed(f"Unable to process replace due to error: {error}") from None
    return text[:start] + section + text[end:], count, ""


def _section(params: ReplaceParams) -> str:
    if params.before is None:
        return f"{params.after}(?P<subsection>.*)"
    if params.after is None:
        return f"(?P<subsection>.*){params.before}"
    return f"{params.after}(?P<subsection>.*?){params.before}"


def _search(pattern: str, text: str) -> re.Match[str] | None:
    try:
        return re.search(pattern, text, re.DOTALL)
    except re.error as error:
        raise Failed(f"`after` or `before` is no regular expression: {error}") from None
