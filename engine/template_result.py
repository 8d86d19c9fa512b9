"""What a compiled template's pieces come to, and what it reads from."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

from jinja2 import TemplateRuntimeError

from .errors import TemplateError
from .template_guard import (
    PLAIN,
    Missing,
    copied,
    join_pieces,
    join_text,
    reveal,
    settle,
)
from .template_jinja import Find, ScopeContext
from .values import DERIVED, Secret


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template, and what is known of it."""

    jinja: Any
    builds: bool
    """It can put a missing value, or an iterator, into its result."""
    changes: bool
    """It may change lists and mappings in place, and so is handed copies."""
    tail: int
    """Line ends behind the source: a text has as many at least, an object has none."""


class Brittle(Protocol):
    """Variables of which one may hold a missing value inside; known when they have been read."""

    brittle: bool


def result_of(compiled: Compiled, context: ScopeContext, scope: Brittle, *, text: bool) -> Any:
    pieces = _pieces(compiled.jinja.root_render_func(context), context)
    value = join_text(pieces) if text else pieces[0] if len(pieces) == 1 else join_pieces(pieces)
    if type(value) in PLAIN:
        return _ended(value, compiled) if type(value) is str and compiled.tail else value
    if compiled.builds or scope.brittle or type(value) not in (dict, list):
        return settle(value)
    return value


def line_ends(text: str) -> int:
    return len(text) - len(text.rstrip("\n"))


def _ended(text: str, compiled: Compiled) -> str:
    """The text with the line ends behind it that its source has, as in Ansible."""
    end: str = compiled.jinja.environment.newline_sequence
    bare = text
    while bare.endswith(end):
        bare = bare.removesuffix(end)
    there = (len(text) - len(bare)) // len(end)
    return text + end * max(0, compiled.tail - there)


def _pieces(rendering: Generator[Any, None, None], context: ScopeContext) -> list[Any]:
    pieces = []
    for piece in rendering:
        if type(piece) is Missing:
            try:
                piece.fail()
            except (TemplateRuntimeError, TemplateError) as error:
                rendering.throw(error)  # there, so that the traceback tells the line
        if type(piece) is Secret or context.revealed:
            _note_made(piece, context)
        pieces.append(piece)
    return pieces


def _note_made(piece: Any, context: ScopeContext) -> None:
    """A piece that was made from a secret, and is none that was only read, is a secret that nobody knows of yet."""
    if type(piece) is Secret and not any(piece is value for value in context.seen):
        context.made.append(piece)
    elif type(piece) is str and not any(piece is value for value in context.revealed):
        context.made.append(Secret(piece, DERIVED))
    context.revealed.clear()


def opening(lookup: Find, revealed: list[Any]) -> Find:
    """Secrets come out opened; `revealed` is told of each."""

    def find(name: str) -> Any:
        value = lookup(name)
        plain = reveal(value)
        if plain is not value:
            revealed.append(plain)
        return plain

    return find


def copying(lookup: Find) -> Find:
    """Each variable as a copy of its own, the same one at each read."""
    copies: dict[str, Any] = {}

    def find(name: str) -> Any:
        if name not in copies:
            copies[name] = copied(lookup(name))
        return copies[name]

    return find
