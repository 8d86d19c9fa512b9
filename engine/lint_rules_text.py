"""Rules about templates and expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .errors import Position
from .lint_rule import Mark, Rules
from .loader_call import Modules
from .values import Expression, Template
from .yamlfile import YamlFile

RULES = Rules()

_TIGHT = re.compile(r"\{\{(?![-+\s])|\{%(?![-+\s])|(?<![-+\s])\}\}|(?<![-+\s])%\}")
_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_BRACED = re.compile(
    r"(\{\{(?:'[^']*'|\"[^\"]*\"|[^'\"])*?\}\}|\{%(?:'[^']*'|\"[^\"]*\"|[^'\"])*?%\})", re.DOTALL
)
_BOOLEAN = re.compile(r"(==|!=|\bis\s+(?:not\s+)?)\s*(true|false)\b", re.IGNORECASE)
_EMPTY = re.compile(r"(==|!=)\s*(''|\"\")(?!\w)")


def place(file: YamlFile, text: Template | Expression, offset: int) -> Position:
    """Where a character of an operator's text stands; the start of the text when its lines were folded."""
    start = text.position or Position(file.path, 1, 1)
    before = text.source[:offset]
    line = before.count("\n")
    if line == 0:
        found = Position(start.file, start.line, start.column + offset)
    else:
        indent = start.column - 1
        found = Position(start.file, start.line + line, indent + offset - before.rfind("\n"))
    there = file.source.excerpt(found.line) or ""
    return found if there[found.column - 1 : found.column] == text.source[offset : offset + 1] else start


def _without_strings(source: str) -> str:
    """The text with what is quoted blanked, every character in its place."""
    return _STRINGS.sub(lambda found: found[0][0] + " " * (len(found[0]) - 2) + found[0][-1], source)


@RULES.rule("jinja-spacing", "info", "text")
def braces_without_space(file: YamlFile, text: Template | Expression, _modules: Modules) -> Iterator[Mark]:
    """The braces of a template stand without a space inside.

    `{{ name }}`, not `{{name}}`: that is how all of Jinja2's own documentation writes it.
    """
    if isinstance(text, Template):
        found = _TIGHT.search(_inner(text.source))
        if found:
            yield Mark(place(file, text, found.start()), "A space belongs between braces and expression")


def _inner(source: str) -> str:
    """Quoted braces are no braces; the quotes around a whole template are the text's own."""
    made = []
    for piece in _BRACED.split(source):
        if piece.startswith(("{{", "{%")) and len(piece) > 4:
            inside = _STRINGS.sub(lambda found: "s" * len(found[0]), piece[2:-2])
            made.append(piece[:2] + inside + piece[-2:])
        else:
            made.append(" " * len(piece))
    return "".join(made)


@RULES.rule("compare-boolean", "info", "text")
def compared_to_a_boolean(file: YamlFile, text: Template | Expression, _modules: Modules) -> Iterator[Mark]:
    """A condition compares with `true` or `false`.

    `when: ready` and `when: not ready` say the same, and hold for a value that is text or a number, too (with
    `| bool` where it may be the word "no").
    """
    if isinstance(text, Expression):
        for found in _BOOLEAN.finditer(_without_strings(text.source)):
            at = place(file, text, found.start())
            yield Mark(
                at, f"A comparison with '{found[2]}' is not needed", "Write the value, or 'not' before it."
            )


@RULES.rule("compare-empty", "info", "text")
def compared_to_empty_text(file: YamlFile, text: Template | Expression, _modules: Modules) -> Iterator[Mark]:
    """A condition compares with an empty text.

    `name | length > 0` says it, and fails for what has no length instead of being true for it.
    """
    if isinstance(text, Expression):
        for found in _EMPTY.finditer(text.source):
            hint = "Write: ... | length > 0" if found[1] == "!=" else "Write: ... | length == 0"
            yield Mark(place(file, text, found.start()), "A comparison with an empty text", hint)
