"""Jinja2 with objects instead of text, and with names that are looked up when they are used.

Jinja2 looks up every name of a template before it evaluates anything; then `x if flag else y` would read both
and a broken variable that is not used would fail. The two overridden visitors of its code generator change this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.idtracking import VAR_LOAD_ALIAS, VAR_LOAD_RESOLVE
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

from .template_guard import MISSING, PLAIN, Missing, has_secret, is_view, join_pieces, tilde
from .values import NeedsPlain, Omit, Secret, Unknown
from .vault import Vault

Find = Callable[[str], Any]
"""A variable's value, or MISSING."""


@dataclass(slots=True)
class Doors:
    """What lookups ask for beyond variables. `Templates` opens them."""

    render_file: Callable[..., Any]
    """Of a context, a source, its name, variables and a TemplateSyntax: what a template file comes to."""
    lookup: Callable[[str], Callable[..., Any] | None]
    """A lookup that is not one of ours, by the name that was written."""
    warn: Callable[[str], None]
    vault: Vault
    read: Callable[[Path], tuple[bytes, bool]]
    """A file's content, opened when it is encrypted, and whether it was."""
    sealed: Callable[[Any], Secret]
    """What an encrypted template came to, as a secret."""
    client: Callable[..., Any] | None = None
    """A client for a service, by the context whose play and host say where: (context, service, region)."""


class ObjectGenerator(CodeGenerator):
    """Generates code that yields objects as they are and looks names up where they stand."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> Any:  # noqa: ARG002
        if isinstance(node, nodes.TemplateData):
            return node.as_const(frame.eval_ctx)
        raise nodes.Impossible  # `{{ 5 }}` is a number, not text to be joined at compile time

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """No `str(` around it."""

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """Nor its end."""

    def enter_frame(self, frame: Frame) -> None:
        loads = frame.symbols.loads
        late = [target for target, (action, _) in loads.items() if action == VAR_LOAD_RESOLVE]
        for target in late:
            self.writeline(f"{target} = missing")
        kept = {target: load for target, load in loads.items() if target not in late}
        frame.symbols.loads = kept
        try:
            super().enter_frame(frame)
        finally:
            frame.symbols.loads = loads

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:  # noqa: N802
        ref = frame.symbols.ref(node.name)
        if node.ctx == "load" and _resolved(frame, ref):
            # A for loop's `loop` and what `set` assigned are local; all else is asked for here and now.
            resolve = f"{self.get_context_ref()}.resolve({node.name!r})"
            self.write(f"({resolve} if {ref} is missing else {ref})")
        else:
            super().visit_Name(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.tilde((")
        for arg in node.nodes:
            self.visit(arg, frame)
            self.write(", ")
        self.write("))")


def _resolved(frame: Frame, ref: str) -> bool:
    load = frame.symbols.find_load(ref)
    while load is not None and load[0] == VAR_LOAD_ALIAS and load[1] is not None:
        load = frame.symbols.find_load(load[1])
    return load is not None and load[0] == VAR_LOAD_RESOLVE


class ScopeContext(Context):
    """One evaluation: asks a scope for each name when it is used."""

    seen: list[Any]
    """Values that are more than a scalar, as they were read: what a TypeError may have been about."""
    made: list[Secret]
    """Secrets that came out, alone or as pieces of a text."""
    revealed: list[Any]
    """Secrets that were opened for the piece that is being made."""
    opened: bool = False
    """It is evaluated once more, with all secrets opened."""
    cache: dict[Any, Any]
    """Answers of lookups in this evaluation: they run once even when it is evaluated twice."""
    names: Callable[[], Iterable[str]]
    """Of all variables."""

    def __init__(
        self,
        environment: Environment,
        find: Find,
        name: str | None = None,
        blocks: Mapping[str, Any] | None = None,
    ) -> None:
        # Jinja2's own __init__ copies all variables into a dict.
        self.parent = {}
        self.vars = {}
        self.environment = environment
        self.eval_ctx = EvalContext(environment, name)
        self.exported_vars = set()
        self.name = name
        self.globals_keys = set()
        self.blocks = {block: [code] for block, code in blocks.items()} if blocks else {}
        self.find = find
        self.seen = []
        self.made = []
        self.revealed = []
        self.cache = {}
        self.names = tuple

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        value = self.find(key)
        if type(value) in PLAIN:
            return value
        if value is MISSING:
            return self.environment.globals.get(key, MISSING)
        self.seen.append(value)
        return value

    def find_local(self, name: str) -> Any:
        """A variable, or what the template itself has set; MISSING when there is neither."""
        return self.vars[name] if name in self.vars else self.find(name)

    def resolve(self, key: str) -> Any:
        value = self.resolve_or_missing(key)
        return Missing(name=key) if value is MISSING else value

    def get_all(self) -> Any:
        """Itself: an included template asks the same scope."""
        return self

    def derived(self, locals: Mapping[str, Any] | None = None) -> ScopeContext:  # noqa: A002 (Jinja2's name)
        made = self.inner(self.name, {}, locals)
        made.eval_ctx = self.eval_ctx
        made.blocks.update((key, list(codes)) for key, codes in self.blocks.items())
        return made

    def inner(
        self, name: str | None, blocks: Mapping[str, Any], local: Mapping[str, Any] | None
    ) -> ScopeContext:
        """The context of a part that sees all of this one's names and some local ones."""
        made = ScopeContext(self.environment, self.resolve_or_missing, name, blocks)
        made.vars.update((key, value) for key, value in (local or {}).items() if value is not MISSING)
        made.seen, made.made, made.revealed, made.cache = self.seen, self.made, self.revealed, self.cache
        made.opened, made.names = self.opened, self.names
        return made

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.resolve_or_missing(name) is not MISSING

    environment: Environment


class ScopeTemplate(Template):
    """A template whose includes and imports share the scope."""

    def new_context(
        self,
        vars: Any = None,  # noqa: A002 (Jinja2's name)
        shared: bool = False,  # noqa: ARG002 (it always is)
        locals: Mapping[str, Any] | None = None,  # noqa: A002 (Jinja2's name)
    ) -> ScopeContext:
        environment = self.environment
        assert isinstance(environment, Environment)  # noqa: S101 (it made this template)
        if isinstance(vars, ScopeContext):
            return vars.inner(self.name, self.blocks, locals)
        start = dict(vars or {})
        return ScopeContext(environment, lambda name: start.get(name, MISSING), self.name, self.blocks)


class Environment(ImmutableSandboxedEnvironment):
    """Sandboxed, strict about what is missing, and aware of Secret and of lazy mappings."""

    code_generator_class = ObjectGenerator
    context_class = ScopeContext
    template_class = ScopeTemplate
    concat = staticmethod(join_pieces)
    tilde = staticmethod(tilde)
    intercepted_binops = frozenset({"%"})
    doors: Doors

    def __init__(self, base: Path, filters: dict[str, Any], tests: dict[str, Any]) -> None:
        super().__init__(
            undefined=Missing,
            trim_blocks=True,  # as Ansible, for values and for files
            optimized=False,  # `100 | random` is not one number for ever
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
            loader=FileSystemLoader([str(base / "templates"), str(base)]),
        )
        self.base = base
        self.filters = filters
        self.tests = tests
        self.globals["range"] = range  # Jinja2's sandbox has a limit, Ansible has none

    def getattr(self, obj: Any, attribute: str) -> Any:
        kind = type(obj)
        if kind is Secret:
            return self._within(super().getattr, obj, attribute)
        if kind is Omit or (kind is not dict and isinstance(obj, Mapping)):
            return self._item(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        kind = type(obj)
        if kind is Secret:
            return self._within(super().getitem, obj, argument)
        if kind is Omit or (kind is not dict and isinstance(obj, Mapping)):
            return self._item(obj, argument)
        return super().getitem(obj, argument)

    def _within(self, get: Callable[[Any, Any], Any], box: Secret, name: Any) -> Any:
        value = get(Secret.reveal(box), name)
        return value if isinstance(value, Undefined | Unknown) else Secret(value, box.origin)

    def _item(self, obj: Any, name: Any) -> Any:
        """An item of a lazy mapping; its Python attributes are not for templates, but for a dict's readers."""
        try:
            return obj[name]
        except (TypeError, LookupError):
            if name in ("get", "keys", "values", "items") and isinstance(obj, Mapping):
                return getattr(obj, name)
            return Missing(obj=obj, name=name)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if type(function) is Missing:
            return function
        for value in (*args, *kwargs.values()):
            if type(value) not in PLAIN and _looks_in(function):
                if type(value) is Missing:
                    return value  # it fails when it is used, so that `default` can help
                if has_secret(value):
                    raise NeedsPlain
        answer = super().call(context, function, *args, **kwargs)
        return list(answer) if is_view(answer) else answer

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str) and has_secret(right):
            raise NeedsPlain
        return super().call_binop(context, operator, left, right)


class MutableEnvironment(Environment):
    """For templates that change lists and mappings in place (`x.append(1)`); they are handed copies."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return SandboxedEnvironment.is_safe_attribute(self, obj, attr, value)


_CARRIERS = frozenset({"Macro", "BlockReference", "LoopContext", "Joiner", "Cycler"})


def _looks_in(function: Any) -> bool:
    """Whether a callable may ask its arguments what they are; macros, `dict` and `namespace` only carry them."""
    return not (isinstance(function, type) or type(function).__name__ in _CARRIERS)
