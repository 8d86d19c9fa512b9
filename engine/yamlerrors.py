"""What the YAML parser says, in words that help."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import yaml

from .errors import Position, Problem
from .source import Source

_BARE_TEMPLATE = re.compile(r"^\s*(?:- +)*(?:[^\s#'\"{\[][^#'\"{\[]*?:\s+|-\s+)?(\{\{.*)$")
_QUOTED_THEN_MORE = re.compile(
    r"""(?::|-)\s+(?:[&!]\S+\s+)*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*[^\s#,\]}]"""
)
_ITEM = re.compile(r"^( *)- ")
# libyaml's Python binding was seen to survive some 5,000 levels and to crash at 300,000.
_DEEPEST = 5000
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def quote_template(text: str) -> str:
    """The hint for a template that YAML takes for a mapping."""
    shown = text.rstrip()
    quote = "'" if '"' in shown else '"'
    return f"YAML takes '{{{{' for the start of a mapping. Quote the whole value: {quote}{shown}{quote}"


def bare_template(source: Source, line: int) -> Problem | None:
    """The problem of a line whose value starts with an unquoted `{{`."""
    text = source.excerpt(line)
    found = _BARE_TEMPLATE.match(text) if text else None
    if not found:
        return None
    value = found[1].partition(" #")[0]
    return source.problem(
        "A value that starts with '{{' must be quoted",
        source.position(line, found.start(1) + 1),
        quote_template(value),
    )


def braces_in_flow(source: Source, key: Position) -> Problem | None:
    """The problem of an unquoted template in a `{...}` or `[...]`; `key` is its second brace, which YAML takes for
    the key of a mapping."""
    line = source.excerpt(key.line) or ""
    start = key.column - 2
    if line[start : start + 2] != "{{":
        return None
    end = line.find("}}", start)
    text = line[start : end + 2] if end > 0 else line[start:]
    at = source.position(key.line, start + 1)
    return source.problem("A value that starts with '{{' must be quoted", at, quote_template(text))


def control_characters(source: Source) -> list[Problem]:
    """Characters that YAML does not allow in a file, at most one problem a line."""
    problems = []
    for number, line in enumerate(source.lines, 1):
        found = _CONTROL.search(line)
        if found:
            at = source.position(number, found.start() + 1)
            message = f"The character U+{ord(found[0]):04X} is not allowed in YAML"
            hint = 'Remove it, or write it as an escape in double quotes, such as "\\x07".'
            problems.append(Problem(message, at, hint, _CONTROL.sub("\ufffd", line)))
    return problems


def nested_too_deep(source: Source) -> Problem | None:
    """A file nested so deep that the parser, which calls itself for each level, would not survive it."""
    depth = 0
    for number, line in enumerate(source.lines, 1):
        steps = [(c in "[{") - (c in "]}") for c in line] if len(line) > _DEEPEST else ()
        deepest = max(itertools.accumulate(steps, initial=depth))
        if deepest > _DEEPEST or (line.startswith("- - ") and line.count("- ") > _DEEPEST):
            return source.problem("The YAML is nested too deep", source.position(number, 1))
        depth += line.count("[") + line.count("{") - line.count("]") - line.count("}")
    return None


def explain(error: yaml.MarkedYAMLError, source: Source) -> Problem:
    """The problem that a syntax error of the parser stands for."""
    where = _position(source, error.problem_mark or error.context_mark)
    start = _position(source, error.context_mark or error.problem_mark)
    for line in dict.fromkeys((where.line, where.line - 1, start.line)):
        problem = bare_template(source, line)
        if problem:
            return problem
    said = error.problem or ""
    for words, tell in _EXPLANATIONS:
        if any(word in said for word in words):
            return tell(source, where, start, said)
    return source.problem(f"This is not valid YAML: {said or error}", where)


def _position(source: Source, mark: yaml.Mark | None) -> Position:
    if mark is None:
        return source.position(1, 1)
    line = min(mark.line + 1, len(source.lines))
    # At the end of the file the parser points behind the last line.
    while line > 1 and mark.line + 1 > line - 1 and not source.lines[line - 1].strip():
        line -= 1
    column = mark.column + 1 if line == mark.line + 1 else len(source.lines[line - 1].rstrip()) + 1
    return source.position(line, column)


def _character(source: Source, at: Position) -> str:
    line = source.excerpt(at.line) or ""
    return line[at.column - 1 : at.column]


def _too_deep(source: Source, where: Position, _start: Position, _said: str) -> Problem:
    return source.problem("This is nested too deep", where)


def _bad_character(source: Source, where: Position, _start: Position, _said: str) -> Problem:
    character = _character(source, where)
    line = source.excerpt(where.line) or ""
    before = line[: where.column]
    if "\t" in before and not before.strip():
        at = source.position(where.line, before.index("\t") + 1)
        return source.problem("A tab stands in the indentation", at, "YAML allows only spaces there.")
    if character == "\t":
        return source.problem("A tab stands where YAML allows only spaces", where, "Replace it by a space.")
    return source.problem(f"Text can't start with '{character}' in YAML", where, "Put the text in quotes.")


def _second_colon(source: Source, where: Position, _start: Position, _said: str) -> Problem:
    return source.problem(
        "A key stands where none can be: the text before this ':' is a value already",
        where,
        "If the colon belongs to the text, quote the text; if this is a key, check the indentation.",
    )


def _does_not_fit(source: Source, where: Position, start: Position, said: str) -> Problem:
    what = "list" if "-" in said and "key" not in said else "mapping"
    for line in (where.line, where.line - 1):
        found = _QUOTED_THEN_MORE.search(source.excerpt(line) or "")
        if found:
            at = source.position(line, found.end())
            inner = f"Inside {found[1][0]} use the other kind of quotes." if "{{" in found[1] else None
            return source.problem(
                "Text goes on after the closing quote", at, inner or "Quote the whole value."
            )
    return source.problem(
        f"This does not belong to the {what} that starts in line {start.line}",
        where,
        "Check the indentation: what belongs together starts in the same column.",
    )


def _no_colon(source: Source, where: Position, start: Position, _said: str) -> Problem:
    at = start if start.line < where.line else where
    return source.problem("This line is no 'key: value'", at, "Is a ':' or a '- ' missing?")


def _open_quote(source: Source, _where: Position, start: Position, _said: str) -> Problem:
    return source.problem("This quote is never closed", start)


def _open_bracket(source: Source, where: Position, start: Position, _said: str) -> Problem:
    bracket = _character(source, start)
    if bracket not in "[{":
        return source.problem("A ',' or a closing bracket is missing before this", where)
    return source.problem(
        f"This '{bracket}' is not closed, or a ',' is missing after it",
        start,
        "Text with brackets needs quotes.",
    )


def _no_value(source: Source, where: Position, _start: Position, _said: str) -> Problem:
    if where.line >= len(source.lines) - 1 and not _character(source, where):
        return source.problem(
            "The file ends inside a '[' or a '{'", where, "Close it; text with brackets needs quotes."
        )
    return source.problem(
        "A value is missing before this", where, "Text that starts with a bracket needs quotes."
    )


def _escape(source: Source, where: Position, _start: Position, _said: str) -> Problem:
    return source.problem(
        "Double-quoted text has no such escape",
        where,
        "Write the backslash twice, or use single quotes, where it means itself.",
    )


def _alias(source: Source, where: Position, _start: Position, _said: str) -> Problem:
    return source.problem(
        "No anchor with this name stands before it", where, "'*' starts an alias; quote text."
    )


def _second_document(source: Source, where: Position, _start: Position, _said: str) -> Problem:
    return source.problem("A second YAML document starts here", where, "A file holds one; remove the '---'.")


_Tell = Callable[[Source, Position, Position, str], Problem]
# Words of libyaml and of PyYAML's own parser.
_EXPLANATIONS: tuple[tuple[tuple[str, ...], _Tell], ...] = (
    (("cannot start any token", "tab character"), _bad_character),
    (("mapping values are not allowed",), _second_colon),
    (("expected ',' or",), _open_bracket),
    (("did not find expected key", "expected <block end>", "did not find expected '-'"), _does_not_fit),
    (("expected node content",), _no_value),
    (("could not find expected ':'",), _no_colon),
    (("unexpected end of stream", "unexpected document indicator"), _open_quote),
    (("unknown escape", "escape sequence"), _escape),
    (("undefined alias", "alphabetic or numeric character"), _alias),
    (("maximum nesting depth",), _too_deep),
    (("another document", "expected '<document start>'", "expected <document start>"), _second_document),
)


def cut_item(lines: list[str], problem: Problem, error: yaml.MarkedYAMLError) -> bool:
    """Blank the list item that holds a syntax error, so that the rest can be looked at; False: there is none."""
    if problem.position is None:
        return False
    at = problem.position.line - 1
    start = next((i for i in range(at, -1, -1) if _ITEM.match(lines[i])), None)
    if start is None:
        return False
    found = _ITEM.match(lines[start])
    indent = len(found[1]) if found else 0
    last = error.problem_mark.line if error.problem_mark else at
    end = start + 1
    while end < len(lines) and (_inside(lines[end], indent) or end <= at):
        end += 1
    if at < last < len(lines) and lines[last].strip():
        end = max(end, min(last + 1, len(lines))) if _inside(lines[last], indent) else end
    lines[start:end] = [""] * (end - start)
    return True


def _inside(line: str, indent: int) -> bool:
    bare = line.lstrip(" ")
    return not bare or bare.startswith("#") or len(line) - len(bare) > indent
