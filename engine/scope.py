"""A step's variables: layers of mappings, rendered when they are read, never copied.

A scope belongs to one step and is used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .errors import TemplateError, UndefinedVariable, nearest
from .model import Value
from .template import Templates
from .template_guard import MISSING, PLAIN, Missing, Opened, settle
from .values import OMIT, Expression, Omit, Secret, Template, Unknown, Vaulted

DATA: Final = object()
"""Stands for a variable that the operator did not write (`VariableScope.source`)."""


@dataclass(frozen=True, slots=True)
class _Rendered:
    value: Any
    reads: frozenset[str]
    """Names that it was made from, transitively."""


class VariableScope(Mapping[str, Any]):
    """`contract.Scope`: variables by name; the first layer that has a name wins.

    A mapping too: reading an item renders it. `reads` holds every name that was truly read so far, here or in a
    scope made from this one, those that other variables needed included.
    """

    __slots__ = (
        "_asking", "_data", "_layers", "_memo", "_parent", "_templates", "_top", "_trusted", "brittle", "reads"
    )  # fmt: skip

    def __init__(
        self,
        templates: Templates,
        layers: Sequence[Mapping[str, Value]],
        trusted: Sequence[Mapping[str, Value]] = (),
        data: Sequence[Mapping[str, Value]] = (),
    ) -> None:
        """trusted: those of the layers in which a text may stand for a condition. data: those that hold what the
        run found out, and nothing that the operator wrote."""
        self._templates = templates
        self._layers = layers
        self._trusted = trusted
        self._data = data
        self._parent: VariableScope | None = None
        self._top: Mapping[str, Value] = {}
        self._memo: dict[str, _Rendered] = {}
        self._asking: list[str] = []
        self.brittle = False
        self.reads: set[str] = set()

    def child(self, layer: Mapping[str, Value]) -> VariableScope:
        """The same variables under one more layer (a loop's item).

        What has been rendered here and does not depend on the new layer is not rendered again.
        """
        made = VariableScope(self._templates, (layer, *self._layers), self._trusted)
        made._parent = self
        made.reads = self.reads
        made._top = layer
        made.brittle = self.brittle
        return made

    # ------------------------------------------------------------ contract.Scope

    def get(self, name: str, default: Any = MISSING) -> Any:
        """A variable's value, rendered; `default` when there is none.

        Raises UndefinedVariable when there is none and no default, TemplateError when it can't be rendered.
        """
        value = self.lookup(name)
        if value is MISSING:
            if default is not MISSING:
                return default
            raise UndefinedVariable(f"'{name}' is undefined", hint=nearest(name, self.names()))
        if type(value) is Missing:
            value.fail()
        return settle(value) if self.brittle else value

    def evaluate(self, expression: Expression) -> Any:
        """The value of an expression: `Templates.evaluate`."""
        return self._templates.evaluate(expression, self)

    def truth(self, expression: Expression) -> bool | Unknown:
        """Whether a condition holds: `Templates.truth`."""
        return self._templates.truth(expression, self)

    def mapping(self) -> Mapping[str, Any]:
        """The variables as a mapping for modules: what can't be rendered raises when it is read."""
        return self

    # ------------------------------------------------------------ template.Variables

    def lookup(self, name: str) -> Any:
        """A variable's value, rendered; `vars` holds them all; MISSING when there is none; a `Missing` that knows
        its cause when it needs a variable that is not there. Raises TemplateError when it can't be rendered."""
        known = self._memo.get(name)
        if known is not None:
            self.reads |= known.reads
            return known.value
        for layer in self._layers:
            if name in layer:
                self.reads.add(name)
                value = layer[name]
                if type(value) in PLAIN or not _has_template(value):
                    return value
                return self._render(name, value)
        if name == "vars":
            return Opened(self, _itself)
        self.reads.add(name)
        return MISSING

    def written(self, path: Sequence[str]) -> str | None:
        """The text at a path of names that the operator wrote; None: it is something else, or may be data."""
        layer = next((layer for layer in self._layers if path[0] in layer), None)
        if not any(layer is one for one in self._trusted):
            return None
        value: Any = layer
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value if type(value) is str else None

    def source(self, name: str) -> Value:
        """A variable as the operator wrote it; DATA when it holds what the run found out, MISSING when there is
        none."""
        for layer in self._layers:
            if name in layer:
                for one in self._data:  # not `in`: equal layers are not the same
                    if layer is one:
                        return DATA
                return layer[name]
        return MISSING

    def names(self) -> Iterator[str]:
        seen: set[str] = set()
        for layer in self._layers:
            for name in layer:
                if name not in seen:
                    seen.add(name)
                    yield name

    def _render(self, name: str, raw: Value) -> Any:
        shared = self._shared(name)
        if shared is not None:
            self.reads |= shared.reads
            self.brittle = self.brittle or (self._parent is not None and self._parent.brittle)
            return shared.value
        if name in self._asking:
            chain = " -> ".join([*self._asking[self._asking.index(name) :], name])
            raise TemplateError(
                f"Recursive loop detected in template: '{name}' needs itself: {chain}",
                position=_position(raw),
            )
        before, self.reads = self.reads, {name}
        self._asking.append(name)
        try:
            value = self._part(raw, name)
        finally:
            self._asking.pop()
            made, self.reads = self.reads, before
            self.reads |= made
        if type(value) is not Missing:
            self._keep(name, _Rendered(value, frozenset(made)))
        return value

    def _shared(self, name: str) -> _Rendered | None:
        """The parent's rendering of it, when that does not depend on this scope's own layer."""
        if self._parent is None or name in self._top:
            return None
        known = self._parent._memo.get(name) or self._parent._shared(name)  # noqa: SLF001 (its own class)
        return known if known is not None and known.reads.isdisjoint(self._top) else None

    def _keep(self, name: str, rendered: _Rendered) -> None:
        owner = self
        while owner._parent is not None and rendered.reads.isdisjoint(owner._top):
            owner = owner._parent
        owner._memo[name] = rendered  # noqa: SLF001 (its own class)
        owner.brittle = owner.brittle or self.brittle

    def _part(self, raw: Value, name: str) -> Any:
        """A value rendered part by part: a part that can't be rendered fails when it is used, not before."""
        kind = type(raw)
        if kind is Template:
            return self._leaf(raw, name)
        if kind is dict:
            made = {self._part(key, name): self._inner(item, name) for key, item in raw.items()}
            return {key: item for key, item in made.items() if item is not OMIT}
        if kind is list or kind is tuple:
            return [item for item in (self._inner(item, name) for item in raw) if item is not OMIT]
        return self._templates.render(raw, self)

    def _inner(self, raw: Value, name: str) -> Any:
        if type(raw) in PLAIN:
            return raw
        try:
            value = self._part(raw, name)
        except TemplateError as error:
            value = Missing(name=name, cause=error)
        if type(value) is Missing or type(value) is Omit:
            self.brittle = True
        return value

    def _leaf(self, raw: Template, name: str) -> Any:
        try:
            return self._templates.render(raw, self)
        except UndefinedVariable as error:
            return Missing(name=name, cause=_through(error, name))
        except TemplateError as error:
            raise _through(error, name) from error

    # ------------------------------------------------------------ a mapping

    def __getitem__(self, name: str) -> Any:
        value = self.lookup(name)
        if value is MISSING:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return any(name in layer for layer in self._layers)

    def __iter__(self) -> Iterator[str]:
        """Without `hostvars`, in which this mapping stands: whoever reads all of it comes to an end."""
        return (name for name in self.names() if name != "hostvars")

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _through(error: TemplateError, name: str) -> TemplateError:
    """The same error, saying for which variable the value was needed."""
    note = f"Needed by the variable '{name}'."
    hint = f"{error.hint} {note}" if error.hint else note
    return type(error)(error.message, position=error.position, hint=hint, excerpt=error.excerpt)


def _itself(value: Any) -> Any:
    return value


def _has_template(value: Value) -> bool:
    kind = type(value)
    if kind in PLAIN:
        return False
    if kind is Template or kind is Vaulted:
        return True
    if kind is dict:
        if _any_template(value.values()):
            return True
        return any(type(key) is Template for key in value)
    if kind is list or kind is tuple:
        return _any_template(value)
    return kind is Secret and _has_template(Secret.reveal(value))


def _any_template(values: Iterable[Value]) -> bool:
    # A plain loop: whole results are scanned with it, leaf by leaf.
    for value in values:  # noqa: SIM110
        if type(value) not in PLAIN and _has_template(value):
            return True
    return False


def _position(value: Value) -> Any:
    return value.position if isinstance(value, Template) else None
