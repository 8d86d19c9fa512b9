"""A task's arguments into its module's `Params`: all problems at once, in plain words."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from msgspec import inspect as types

from .contract import Params
from .errors import LoadError, ParamsError, Position, Problem
from .model import Value
from .params_ansible import Said, in_ansibles_words
from .params_reader import Files, Reader
from .params_shape import is_expression, mark, marked_paths, shape_of
from .source import read_source

P = TypeVar("P", bound=Params)


def bind(
    params_type: type[P],
    args: Mapping[str, Any],
    positions: Mapping[str, Position],
    at: Position,
    *,
    files: Files,
    keep_secrets: bool = False,
    module: str = "",
) -> P:
    """The module's parameters from rendered arguments.

    Arguments that are `omit` count as not written. Unknown values go in as they are. Secrets are opened;
    keep_secrets: those in fields of type Any stay boxed (for Computations, whose results become variables).
    module: its name, as messages tell it.
    Raises ParamsError with every problem, UnknownValue when fields are checked together and one is unknown.
    """
    reader = Reader(files, positions, keep_secrets=keep_secrets)
    made = reader.fields(params_type, args, ())
    if reader.said:
        problems = [_with_excerpt(problem) for problem in _problems(reader.said, positions, at)]
        words = in_ansibles_words(module, reader.said, sorted(shape_of(params_type).names))
        raise ParamsError(problems, words)
    return cast(P, made)


def check_literals(
    params_type: type[Params],
    args: Mapping[str, Value],
    positions: Mapping[str, Position],
    at: Position,
    *,
    files: Files | None = None,
) -> list[Problem]:
    """What is wrong with arguments as far as it shows before anything is rendered.

    files: to see that files named by literal text are there.
    """
    reader = Reader(files, positions, checking=True)
    reader.fields(params_type, args, ())
    return [*_problems(reader.said, positions, at), *reader.problems]


def _problems(said: Iterable[Said], positions: Mapping[str, Position], at: Position) -> Iterable[Problem]:
    for one in said:
        place = positions.get(str(one.where[0]), at) if one.where else at
        yield Problem(one.message, place, one.hint)


def _with_excerpt(problem: Problem) -> Problem:
    if problem.position is None:
        return problem
    try:
        return read_source(problem.position.file).show(problem)
    except LoadError:
        return problem


@functools.cache
def expression_fields(params_type: type[Params]) -> frozenset[str]:
    """Arguments that take expressions, by all their names: they are handed over as they were written, not
    rendered."""
    shape = shape_of(params_type)
    return frozenset(name for name, field in shape.names.items() if is_expression(shape.fields[field].type))


def field_names(params_type: type[Params]) -> Mapping[str, str]:
    """Names of fields by all the names that their arguments may be written by."""
    return shape_of(params_type).names


@functools.cache
def secret_fields(params_type: type[Params]) -> frozenset[tuple[str, ...]]:
    """Paths of the arguments that must never be shown; `*` stands for every item of a list or mapping."""
    return frozenset(marked_paths(types.type_info(params_type), "secret"))


@functools.cache
def free_form_field(params_type: type[Params]) -> str | None:
    """The argument that takes the text of a free-form call."""
    fields = shape_of(params_type).fields.items()
    return next((name for name, field in fields if mark(field.type, "free_form")), None)


__all__ = [
    "Files",
    "bind",
    "check_literals",
    "expression_fields",
    "field_names",
    "free_form_field",
    "secret_fields",
]
