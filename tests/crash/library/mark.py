"""Writes a line into a file: an effect that can be counted, and found again by its token.

- mark: {file: log, text: a}
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from runbook.contract import Absent, Context, Finding, Intent, Landed, Params, Permissions
from runbook.errors import Failed
from runbook.model import Action, Change


class MarkParams(Params, frozen=True, kw_only=True):
    file: str
    text: str
    fails: bool = False
    """After the line is written."""


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    lines: int
    """How many of this text there are now."""


class Mark:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = MarkParams
    Result: ClassVar[type[msgspec.Struct]] = Marked
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: MarkParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: MarkParams) -> None:
        return None

    def plan(self, params: MarkParams, observed: None) -> Change:
        return Change(action=Action.RUN, after=params.text)

    def apply(self, ctx: Context, params: MarkParams, change: Change) -> Marked:
        path = ctx.base / params.file

        def count(token: str) -> int:
            """How many lines of the text there are up to that of the token; 0: it has none."""
            lines = [line.partition("|") for line in path.read_text().splitlines()] if path.exists() else []
            ours = [found for text, _, found in lines if text == params.text]
            return ours.index(token) + 1 if token in ours else 0

        def call(intent: Intent) -> int:
            with path.open("a") as file:
                file.write(f"{params.text}|{intent.token}\n")
            return count(intent.token)

        def find(intent: Intent) -> Finding[int]:
            lines = count(intent.token)
            return Landed(lines) if lines else Absent()

        lines: int = ctx.effect("mark", call, find=find)
        if params.fails:
            raise Failed(f"{params.text} fails", result={"lines": lines})
        return Marked(text=params.text, lines=lines)
