"""Where in the operator's file an expression went wrong, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from jinja2 import TemplateSyntaxError
from jinja2.exceptions import SecurityError

from .errors import LoadError, Position, Problem, TemplateError, UndefinedVariable, nearest
from .source import Source, read_source
from .template_guard import MISSING, Missing, NotThere, type_name
from .template_words import culprit, worded

_NEAR = 60
"""Lines below the key of a value within which its text is looked for: a long list of conditions is one value."""

_OPENING = re.compile(r"\{\{|\{%")


@dataclass(frozen=True, slots=True)
class Origin:
    """A piece of template text and where it stands."""

    text: str
    position: Position | None = None
    """Of its first character or quote, in a file that can be read; None: nowhere."""
    file: str | None = None
    """The template's own file, when `text` is a whole file."""
    skipped: int = 0
    """Lines of the file before the text."""
    kind: str = "template"

    def place(self, line: int, needle: str | None) -> tuple[Position | None, str | None]:
        """The best position for something in that line (from 1) of the text, and the line that it stands in."""
        lines = self.text.split("\n")
        wanted = lines[line - 1] if 0 < line <= len(lines) else self.text
        if self.file is not None:
            return Position(self.file, line + self.skipped, _offset(wanted, needle) + 1), wanted
        if self.position is None:
            return None, None
        snippet = wanted.strip()
        try:
            source = read_source(self.position.file)
        except LoadError:
            return self.position, None
        return _search(source, self.position, snippet, _offset(snippet, needle), len(lines), needle)


def _search(
    source: Source, start: Position, snippet: str, offset: int, height: int, needle: str | None
) -> tuple[Position, str | None]:
    # A block's text starts a line later than its key; a folded one may be broken anywhere.
    around = range(start.line, min(start.line + height + _NEAR, len(source.lines)) + 1)
    for number in around:
        text = source.lines[number - 1]
        match = _word(snippet).search(text, start.column - 1 if number == start.line else 0)
        if snippet and match:
            return source.position(number, match.start() + offset + 1), text
    for number in around if needle else ():
        text = source.lines[number - 1]
        match = _word(needle or "").search(text, start.column - 1 if number == start.line else 0)
        if match:
            return source.position(number, match.start() + 1), text
    return start, source.excerpt(start.line)


def _offset(text: str, needle: str | None) -> int:
    """Where in a line of template text the problem is: the name, or the first expression."""
    opening = _OPENING.search(text)
    start = opening.start() if opening else 0
    if needle:
        match = _word(needle).search(text, start)
        if match:
            return match.start()
    return start


def _word(text: str) -> re.Pattern[str]:
    """The text where it is not a part of a longer word."""
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    behind = r"(?!\w)" if re.search(r"\w$", text) else ""
    return re.compile(f"{before}{re.escape(text)}{behind}")


def template_line(
    error: BaseException, namespace: Mapping[str, Any], debug_info: Iterable[tuple[int, int]]
) -> int:
    """The template's line (from 1) that raised, found by the code that was compiled from it."""
    at = 0
    step: TracebackType | None = error.__traceback__
    while step is not None:
        if step.tb_frame.f_globals is namespace:
            at = step.tb_lineno
        step = step.tb_next
    return max((line for line, code in debug_info if code <= at), default=1)


def explain(error: Exception, origin: Origin, line: int, names: Iterable[str]) -> TemplateError:
    """What the operator is told when an expression fails. `names`: the variables that there are."""
    if isinstance(error, NotThere):
        return _not_there(error.missing, origin, line, names)
    message, plain = str(error) or type(error).__name__, None
    if isinstance(error, TemplateSyntaxError):
        return problem_error(syntax_problem(error, origin))
    if isinstance(error, TemplateError):
        message, hint = error.message, error.hint
    elif isinstance(error, SecurityError):
        hint = "Templates may read values, not reach into the program."
    else:
        plain = worded(error)
        message, hint = plain or (f"{_kind(error)}{message}", None)
    name = culprit(error)
    if name is not None and not message.startswith(name):
        message = f"{name}: {message[:1].lower()}{message[1:]}" if plain else f"{name}: {message}"
    position, excerpt = origin.place(line, name)
    message = message if excerpt else _within(message, origin)
    return TemplateError(message, position=position, hint=hint, excerpt=excerpt)


def _kind(error: Exception) -> str:
    return "" if isinstance(error, ValueError | TypeError) else f"{type(error).__name__}: "


def _not_there(missing: Missing, origin: Origin, line: int, names: Iterable[str]) -> UndefinedVariable:
    wanted, owner = missing.wanted, missing.owner
    needle = wanted if isinstance(wanted, str) else None
    hint: str | None = None
    if wanted is None:
        message = missing._undefined_message  # noqa: SLF001 (Jinja2's own name for it)
    elif owner is MISSING:
        message = f"'{wanted}' is undefined"
        hint = nearest(str(wanted), names)
    else:
        message, hint = _not_in(owner, wanted)
    position, excerpt = origin.place(line, needle)
    message = message if excerpt else _within(message, origin)
    return UndefinedVariable(message, position=position, hint=hint, excerpt=excerpt)


def _not_in(owner: Any, wanted: Any) -> tuple[str, str | None]:
    """In Ansible's words, which playbooks look for in messages; what helps is the hint."""
    kind = type_name(owner)
    if isinstance(owner, Mapping):
        keys = [str(key) for key in owner]
        hint = nearest(str(wanted), keys) or (f"It has: {', '.join(keys[:12])}." if keys else "It is empty.")
        return f"object of type '{kind}' has no attribute {wanted!r}", hint
    if isinstance(owner, list | tuple):
        return f"object of type '{kind}' has no attribute {wanted!r}", f"It has {len(owner)} items."
    return f"object of type '{kind}' has no attribute {wanted!r}", f"It is {plain_kind(owner)}."


def plain_kind(value: Any) -> str:
    """A value's type in plain words."""
    for kind, words in _KINDS:
        if isinstance(value, kind):
            return words
    return f"of the type {type(value).__name__}"


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (bytes, "bytes"),
    (list, "a list"),
    (tuple, "a list"),
    (dict, "a mapping"),
    (Mapping, "a mapping"),
    (type(None), "nothing (null)"),
)


def _within(message: str, origin: Origin) -> str:
    """The message with the expression, when its line can't be shown and it is short enough to help."""
    text = origin.text.strip()
    if origin.file is not None or "\n" in text or len(text) > 80:
        return message
    return f"{message}, in: {text}"


def syntax_problem(error: TemplateSyntaxError, origin: Origin) -> Problem:
    """A Jinja2 syntax error as a problem of the operator's file."""
    message = (error.message or "it can't be read").rstrip(".")
    quoted = re.search(r"'([\w.]+)'", message)
    position, excerpt = origin.place(error.lineno, quoted[1] if quoted else None)
    if position is None:
        message = _within(message, origin)
    return Problem(f"Syntax error in {origin.kind}: {message}", position, None, excerpt)


def problem_error(problem: Problem) -> TemplateError:
    return TemplateError(
        problem.message, position=problem.position, hint=problem.hint, excerpt=problem.excerpt
    )
