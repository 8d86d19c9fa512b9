"""Rendering: operator text and a scope of variables make values.

Only `Template` and `Expression` are rendered; a `str` is data and stays as it is. A template that is one
expression yields that expression's object, any other joins as text. Nothing is ever parsed out of a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from jinja2 import TemplateSyntaxError, nodes

from .contract import TemplateSyntax
from .errors import Position, RunbookError, TemplateError
from .lookups import more_lookups
from .model import Value
from .plugins import plugins_of
from .secrets import Masker
from .template_environments import Environments, Extended
from .template_errors import (
    Origin,
    explain,
    problem_error,
    syntax_problem,
    template_line,
)
from .template_file import split_header
from .template_guard import (
    MISSING,
    PLAIN,
    NotThere,
    Unusable,
    has_secret,
    reveal,
)
from .template_jinja import Doors, ScopeContext
from .template_parse import changes_in_place, parse, path_in_braces
from .template_result import Compiled, copying, line_ends, opening, result_of
from .template_syntax import check_syntax, origin_of
from .template_truth import as_flag, as_truth
from .values import (
    DERIVED,
    OMIT,
    VAULTED_TEXT,
    Expression,
    NeedsPlain,
    Secret,
    Template,
    Unknown,
    UnknownValue,
    Vaulted,
    contains_unknown,
)
from .vault import Vault

_INCLUDING = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)

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

    def written(self, path: Sequence[str]) -> str | None:
        """The text at a path of names that the operator wrote; None: it is something else, or may be data."""
        ...


class Templates:
    """Compiles each text once and evaluates it. One for a run; threads may share it.

    base: the playbook's folder; files of `lookup`, and of `include` in templates, are looked for there.
    masker: is told of every secret that an expression reads. vault: opens what `!vault` holds.
    """

    def __init__(
        self, base: Path | None = None, masker: Masker | None = None, vault: Vault | None = None
    ) -> None:
        self.vault = vault or Vault()
        self._compiled: dict[tuple[Any, ...], Compiled] = {}
        self._masker = masker
        self.plugins = plugins_of(base or Path())
        self.doors = Doors(
            render_file=self._render_file,
            lookup=partial(more_lookups, self.plugins),
            warn=_unheard,
            vault=self.vault,
            read=self.read,
            sealed=self.sealed,
        )
        """The runner opens those that lead to AWS, and to who hears warnings."""
        self._environments = Environments(base or Path(), self.plugins, self.doors)

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
        if kind is Vaulted:
            return self._opened_text(value)
        if kind is Secret:
            return Secret(reveal(self.render(Secret.reveal(value), scope)), value.origin)
        if isinstance(value, Mapping):
            return self.render(dict(value), scope)
        return value

    def _opened_text(self, vaulted: Vaulted) -> Secret:
        """What `!vault` holds: data, whatever braces it has, as in Ansible."""
        text = self.vault.open(vaulted.source, vaulted.position).decode("utf-8", "backslashreplace")
        if self._masker is not None:
            self._masker.add(text)
        return Secret(text, f"{VAULTED_TEXT} {vaulted.position}")

    def read(self, path: Path) -> tuple[bytes, bool]:
        """A file's content, opened when it is encrypted, and whether it was. Raises VaultError, OSError."""
        return self.opened(path.read_bytes(), str(path))

    def opened(self, content: bytes, path: str) -> tuple[bytes, bool]:
        """What a file holds, opened when it is encrypted, and whether it was: then it is masked from here on.
        Raises VaultError."""
        plain = self.vault.read(content, path)
        encrypted = plain is not content
        if encrypted and self._masker is not None:
            self._masker.add(plain)
        return plain, encrypted

    def sealed(self, text: Any) -> Secret:
        """What an encrypted template file came to, as the secret that it is."""
        made = Secret(Secret.reveal(text), "vault")
        if self._masker is not None:
            self._masker.add(made)
        return made

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
        if (
            type(value) is str
            and (path := path_in_braces(expression.source))
            and scope.written(path) == value
        ):
            # `when: "{{ condition }}"`, where the operator wrote the condition into a variable
            return self.truth(Expression(value, expression.position), scope)
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
        compiled, origin = self._file(source, name, syntax)
        return self._answer(compiled, origin, scope, text=True)

    # ------------------------------------------------------------ how it is done

    def _file(self, source: str, name: str, syntax: TemplateSyntax | None) -> tuple[Compiled, Origin]:
        """A template file's text, compiled once."""
        text, written = split_header(source, syntax or TemplateSyntax(), name)
        origin = Origin(text, file=name, skipped=int(text is not source))
        key = (name, text, written)
        compiled = self._compiled.get(key)
        if compiled is None:
            how = None if written == TemplateSyntax() else written
            try:
                tree = self._environments[how, False].parse(text.removesuffix("\n"))
                self._environments.bring_plugins(tree, Template(text, Position(name, 1, 1)))
                compiled = self._compiled[key] = self._ready(tree, line_ends(text), how, name)
            except TemplateSyntaxError as error:
                raise problem_error(syntax_problem(error, origin)) from None
        return compiled, origin

    def _render_file(
        self,
        context: ScopeContext,
        source: str,
        name: str,
        variables: Mapping[str, Any],
        syntax: TemplateSyntax,
    ) -> Any:
        """What a template file comes to in the midst of another evaluation."""
        if not source:
            return source
        compiled, origin = self._file(source, name, syntax)
        return self._answer(compiled, origin, Extended(context, variables))

    def _evaluate(self, template: Template | Expression, scope: Variables) -> Any:
        key = (type(template), template.source)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = self._compile(template)
        return self._answer(compiled, template, scope)

    def _compile(self, template: Template | Expression) -> Compiled:
        source = template.source
        tail = line_ends(source) if isinstance(template, Template) else 0
        try:
            tree = parse(self._environments[None, False], template)
            self._environments.bring_plugins(tree, template)
            return self._ready(tree, tail)
        except TemplateSyntaxError as error:
            raise problem_error(
                check_syntax(template) or syntax_problem(error, origin_of(template))
            ) from None

    def _ready(
        self, tree: nodes.Template, tail: int, syntax: TemplateSyntax | None = None, file: str | None = None
    ) -> Compiled:
        builds = next(tree.find_all(_BUILDS), None) is not None
        changes = changes_in_place(tree)
        if file is not None and next(tree.find_all(_INCLUDING), None) is not None:
            environment = self._environments.of_file(syntax, changes, file)
        else:
            environment = self._environments[syntax, changes]
        code = environment.compile(tree)
        jinja = environment.template_class.from_code(environment, code, environment.globals)
        return Compiled(jinja=jinja, builds=builds or changes, changes=changes, tail=tail)

    def _answer(
        self,
        compiled: Compiled,
        template: Template | Expression | Origin,
        scope: Variables,
        *,
        text: bool = False,
    ) -> Any:
        jinja = compiled.jinja
        find = copying(scope.lookup) if compiled.changes else scope.lookup
        context = ScopeContext(jinja.environment, find, None, jinja.blocks)
        context.names = scope.names
        try:
            try:
                return result_of(compiled, context, scope, text=text)
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
            self._tell(context, template.text if isinstance(template, Origin) else template.source)

    def _tell(self, context: ScopeContext, source: str) -> None:
        """Let the masker know of all secrets of an evaluation."""
        if self._masker is None:
            return
        for value in context.seen:
            self._masker.add_boxes(value)
        for box in context.made:
            self._masker.add_made(box, source)

    def _opened(self, compiled: Compiled, first: ScopeContext, scope: Variables, text: bool) -> Secret:
        """Once more, with every secret that is read opened; what comes out is a secret."""
        revealed: list[Any] = []
        find = opening(scope.lookup, revealed)
        if compiled.changes:
            find = copying(find)
        context = ScopeContext(first.environment, find, None, compiled.jinja.blocks)
        context.cache, context.opened, context.names = first.cache, True, first.names
        context.revealed, context.made = revealed, first.made
        return Secret(result_of(compiled, context, scope, text=text), DERIVED)


def _unheard(_message: str) -> None:
    """Nobody hears warnings yet."""


def _boxed(value: Any) -> bool:
    try:
        return has_secret(value)
    except (UnknownValue, NotThere, TemplateError):
        return False


__all__ = ["MISSING", "Templates", "Variables", "as_flag", "as_truth", "check_syntax"]
