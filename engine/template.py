"""Rendering: operator text and a scope of variables make values.

Only `Template` and `Expression` are rendered; a `str` is data and stays as it is. A template that is one
expression yields that expression's object, any other joins as text. Nothing is ever parsed out of a result.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
from jinja2 import TemplateRuntimeError, TemplateSyntaxError, nodes

from .contract import TemplateSyntax
from .errors import RunbookError, TemplateError
from .lookups import GLOBALS
from .model import Value
from .secrets import Masker
from .template_errors import (
    Origin,
    explain,
    problem_error,
    syntax_problem,
    template_line,
)
from .template_guard import (
    MISSING,
    PLAIN,
    Missing,
    NotThere,
    Unusable,
    copied,
    has_secret,
    join_pieces,
    join_text,
    reveal,
    settle,
    type_name,
)
from .template_jinja import Environment, Find, MutableEnvironment, ScopeContext
from .template_parse import changes_in_place, parse
from .template_syntax import check_syntax, guarded, origin_of
from .values import (
    DERIVED,
    OMIT,
    Expression,
    NeedsPlain,
    Omit,
    Secret,
    Template,
    Unknown,
    UnknownValue,
    contains_unknown,
)

_BUILDS = (
    nodes.Filter,
    nodes.Call,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.CondExpr,
    nodes.Add,
    nodes.Mul,
)
"""What can put a missing value, or an iterator, into a result. A plain read of a variable can't."""


class Variables(Protocol):
    """What an evaluation reads: `scope.VariableScope`."""

    brittle: bool
    """Some value that it handed out holds a part that could not be rendered."""

    def lookup(self, name: str) -> Any:
        """A variable's value, rendered; MISSING when there is none. Raises TemplateError when it is broken."""
        ...

    def names(self) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class _Compiled:
    jinja: Any
    builds: bool
    changes: bool
    """It may change lists and mappings in place, and so is handed copies."""
    tail: str
    """Line ends after the last expression: part of a text, not of an object."""


class Templates:
    """Compiles each text once and evaluates it. One for a run; threads may share it.

    base: the playbook's folder; files of `lookup`, and of `include` in templates, are looked for there.
    masker: is told of every secret that an expression reads.
    """

    def __init__(self, base: Path | None = None, masker: Masker | None = None) -> None:
        self._compiled: dict[tuple[type, str], _Compiled] = {}
        self._masker = masker
        self._environments = _Environments(base or Path())

    # ------------------------------------------------------------ what others call

    def render(self, value: Value, scope: Variables) -> Any:
        """The value with every Template in it rendered; arguments that came to `omit` are left out.

        The same object when there is nothing to render. Raises TemplateError.
        """
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind is Template:
            return self._evaluate(value, scope)
        if kind is dict:
            made = {self.render(key, scope): self.render(item, scope) for key, item in value.items()}
            if any(item is OMIT for item in made.values()):
                return {key: item for key, item in made.items() if item is not OMIT}
            return made
        if kind is list or kind is tuple:
            return [item for item in (self.render(item, scope) for item in value) if item is not OMIT]
        if kind is Secret:
            return Secret(reveal(self.render(Secret.reveal(value), scope)), value.origin)
        if isinstance(value, Mapping):
            return self.render(dict(value), scope)
        return value

    def evaluate(self, expression: Expression, scope: Variables) -> Any:
        """The value of one expression; Unknown when it depends on one, Secret when it was made from one.

        Raises TemplateError.
        """
        return self._evaluate(expression, scope)

    def truth(self, expression: Expression, scope: Variables) -> bool | Unknown:
        """Whether a condition holds: `as_truth` of its value. Raises TemplateError."""
        value = self._evaluate(expression, scope)
        if type(value) is bool:
            return value
        try:
            return as_truth(value)
        except Unusable as error:
            raise explain(error, origin_of(expression), 1, ()) from None

    def holds(self, conditions: Sequence[Expression], scope: Variables) -> bool | Unknown:
        """Whether all conditions hold, asked in order up to the first that does not.

        One that is false decides even after an unknown one; an error after an unknown one is unknown too,
        because the unknown one may stand there to guard against it.
        """
        undecided: Unknown | None = None
        for condition in conditions:
            try:
                answer = self.truth(condition, scope)
            except TemplateError:
                if undecided is None:
                    raise
                continue
            if isinstance(answer, Unknown):
                undecided = answer
            elif not answer:
                return False
        return True if undecided is None else undecided

    def render_text(
        self, source: str, scope: Variables, name: str, syntax: TemplateSyntax | None = None
    ) -> Any:
        """A template file's text, rendered as Ansible's `template` does (the line end after a block is dropped).

        Text; Unknown or Secret when such a value is in it. `name` is the file's, for messages.
        Raises TemplateError.
        """
        origin = Origin(source, file=name)
        try:
            compiled = self._ready(self._environments[syntax, False].parse(source), "", syntax)
        except TemplateSyntaxError as error:
            raise problem_error(syntax_problem(error, origin)) from None
        return self._answer(compiled, origin, scope, text=True)

    # ------------------------------------------------------------ how it is done

    def _evaluate(self, template: Template | Expression, scope: Variables) -> Any:
        key = (type(template), template.source)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = self._compile(template)
        return self._answer(compiled, template, scope)

    def _compile(self, template: Template | Expression) -> _Compiled:
        source = template.source
        tail = "\n" * (len(source) - len(source.rstrip("\n"))) if isinstance(template, Template) else ""
        try:
            return self._ready(parse(self._environments[None, False], template), tail)
        except TemplateSyntaxError as error:
            raise problem_error(
                check_syntax(template) or syntax_problem(error, origin_of(template))
            ) from None

    def _ready(self, tree: nodes.Template, tail: str, syntax: TemplateSyntax | None = None) -> _Compiled:
        builds = next(tree.find_all(_BUILDS), None) is not None
        changes = changes_in_place(tree)
        environment = self._environments[syntax, changes]
        code = environment.compile(tree)
        jinja = environment.template_class.from_code(environment, code, environment.globals)
        return _Compiled(jinja=jinja, builds=builds or changes, changes=changes, tail=tail)

    def _answer(
        self,
        compiled: _Compiled,
        template: Template | Expression | Origin,
        scope: Variables,
        *,
        text: bool = False,
    ) -> Any:
        jinja = compiled.jinja
        find = _copying(scope.lookup) if compiled.changes else scope.lookup
        context = ScopeContext(jinja.environment, find, None, jinja.blocks)
        try:
            try:
                return _result(compiled, context, scope, text)
            except NeedsPlain:
                return self._opened(compiled, context, scope, text)
            except TypeError:
                # `u in "text"` and `"text".startswith(u)` refuse a type before they ask the value.
                if any(contains_unknown(value) for value in context.seen):
                    return Unknown("an expression")
                if any(_boxed(value) for value in context.seen):
                    return self._opened(compiled, context, scope, text)
                raise
        except UnknownValue as error:
            return error.unknown
        except Exception as error:
            if isinstance(error, RunbookError) and not isinstance(error, Unusable):
                raise  # a nested variable's, told already
            origin = template if isinstance(template, Origin) else origin_of(template)
            line = template_line(error, jinja.root_render_func.__globals__, jinja.debug_info)
            raise explain(error, origin, line, scope.names()) from error
        finally:
            if self._masker is not None:
                for value in context.seen:
                    self._masker.add_boxes(value)

    def _opened(self, compiled: _Compiled, first: ScopeContext, scope: Variables, text: bool) -> Secret:
        """Once more, with every secret that is read opened; what comes out is a secret."""
        find = _opening(scope.lookup)
        if compiled.changes:
            find = _copying(find)
        context = ScopeContext(first.environment, find, None, compiled.jinja.blocks)
        context.cache, context.opened = first.cache, True
        return Secret(_result(compiled, context, scope, text), DERIVED)


def _result(compiled: _Compiled, context: ScopeContext, scope: Variables, text: bool) -> Any:
    pieces = _pieces(compiled.jinja.root_render_func(context))
    if text:
        return join_text(pieces)
    value = pieces[0] if len(pieces) == 1 else join_pieces(pieces)
    if type(value) in PLAIN:
        return value + compiled.tail if type(value) is str and compiled.tail else value
    if compiled.builds or scope.brittle or type(value) not in (dict, list):
        return settle(value)
    return value


def _pieces(rendering: Generator[Any, None, None]) -> list[Any]:
    pieces = []
    for piece in rendering:
        if type(piece) is Missing:
            try:
                piece.fail()
            except (TemplateRuntimeError, TemplateError) as error:
                rendering.throw(error)  # there, so that the traceback tells the line
        pieces.append(piece)
    return pieces


def _opening(lookup: Find) -> Find:
    return lambda name: reveal(lookup(name))


def _copying(lookup: Find) -> Find:
    """Each variable as a copy of its own, the same one at each read."""
    copies: dict[str, Any] = {}

    def find(name: str) -> Any:
        if name not in copies:
            copies[name] = copied(lookup(name))
        return copies[name]

    return find


class _Environments(dict[tuple[TemplateSyntax | None, bool], Environment]):
    """Environments by the marks of templates and by whether these may change what they are handed."""

    def __init__(self, base: Path) -> None:
        super().__init__()
        self._base = base

    def __missing__(self, key: tuple[TemplateSyntax | None, bool]) -> Environment:
        syntax, changes = key
        if syntax is None:
            kind = MutableEnvironment if changes else Environment
            made = kind(self._base, *guarded())
            made.globals.update(GLOBALS, omit=OMIT)
        else:
            try:
                made = self[None, changes].overlay(**msgspec.structs.asdict(syntax))
            except (AssertionError, ValueError) as error:
                raise TemplateError(f"The template's marks can't be used: {error}") from error
        self[key] = made
        return made


def _boxed(value: Any) -> bool:
    try:
        return has_secret(value)
    except (UnknownValue, NotThere, TemplateError):
        return False


def as_truth(value: Any) -> bool | Unknown:
    """A condition's value, which must be true or false, as in Ansible. Unknown stays Unknown; a Secret is opened.

    Raises Unusable for any other value: what it would count as is what goes wrong unseen.
    """
    value = Secret.reveal(value)
    if isinstance(value, bool | Unknown):
        return value
    if type(value) is Omit:
        raise Unusable("A condition came to 'omit'", hint="Give `default` true or false here.")
    raise Unusable(
        f"Conditional result ({bool(value)}) was derived from value of type '{type_name(value)}'."
        " Conditionals must have a boolean result.",
        hint=_BOOLEAN_HINTS.get(type(value), "Compare it: `== ...`."),
    )


def as_flag(value: Any) -> bool | Unknown:
    """A keyword's value as yes or no: the words for booleans mean what they say, anything else is true unless it is
    empty, zero or null. Unknown stays Unknown; a Secret is opened."""
    value = Secret.reveal(value)
    if isinstance(value, bool | Unknown):
        return value
    if isinstance(value, str):
        return value.strip().lower() not in _FALSE_WORDS
    return bool(value)


_FALSE_WORDS = frozenset({"", "false", "no", "off", "n", "f", "0"})

_BOOLEAN_HINTS = {
    str: "Write what is asked: `x | length > 0`, `x == '...'`, or `x | bool` for words such as yes and no.",
    list: "Write what is asked: `x | length > 0`.",
    dict: "Write what is asked: `x | length > 0`.",
    int: "Write what is asked: `x > 0`, or `x | bool`.",
    type(None): "Write what is asked: `x is none`, `x is defined`, or `x is not none`.",
}


__all__ = ["MISSING", "Templates", "Variables", "as_flag", "as_truth", "check_syntax"]
