"""One rendered value into the type that a module declares, with Ansible's leniency and our own words.

msgspec would stop at the first error and refuse `yes`; so its type description is walked here, and every value
that does not fit becomes a problem of its own. Unknown passes everywhere; so does a Template, when a playbook is
checked before anything is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from msgspec import inspect as types

from .contract import LocalFile, LocalPath, RenderedFile
from .errors import Position, Problem, StepError
from .params_ansible import Kind, Said, misfit_words
from .params_scalars import SCALARS, Misfit
from .params_shape import Shape, is_expression, item_of, mark, members, shape_of, takes_null
from .params_words import Where, description, given, shown
from .template_guard import PLAIN, reveal
from .template_syntax import check_syntax
from .values import OMIT, Expression, Secret, SourceFloat, SourceInt, Template, Unknown, UnknownValue, Vaulted

_SPLIT = (types.StrType, types.IntType, types.FloatType, types.LiteralType, types.EnumType, types.BoolType)
"""Items of these can be written as one text with commas."""

_LISTS = (types.ListType, types.VarTupleType, types.SetType, types.FrozenSetType, types.TupleType)
_NATURAL: Mapping[type, tuple[type[types.Type], ...]] = {
    bool: (types.BoolType,),
    int: (types.IntType,),
    float: (types.FloatType,),
    str: (types.LiteralType, types.EnumType, types.StrType),
    dict: (types.StructType, types.DictType),
    list: _LISTS,
    tuple: _LISTS,
}


class Files(Protocol):
    """Where file arguments are looked for."""

    def rendered(self, name: str) -> RenderedFile: ...

    def local(self, name: str) -> LocalFile: ...

    def place(self, name: str) -> LocalPath: ...


class Reader:
    """Reads values into types and collects what does not fit.

    files: where file arguments are found; None: they are not looked for. checking: nothing is rendered yet, so
    what holds a Template is only looked at as far as it goes. keep_secrets: see `params.bind`.
    """

    def __init__(
        self,
        files: Files | None,
        positions: Mapping[str, Position],
        *,
        checking: bool = False,
        keep_secrets: bool = False,
    ) -> None:
        self.said: list[Said] = []
        self.problems: list[Problem] = []
        """Those of expressions, which know their places."""
        self._files = files
        self._positions = positions
        self._checking = checking
        self._keep_secrets = keep_secrets
        self._hidden = False
        self._open: Unknown | Template | None = None

    def say(
        self,
        where: Where,
        message: str,
        hint: str | None = None,
        kind: Kind = Kind.OTHER,
        words: str = "",
    ) -> None:
        self.said.append(Said(where, message, hint, kind, words))

    def fields(self, struct: type, values: Mapping[str, Any], where: Where) -> Any:
        """A struct from a mapping; None when something was said about it, or it is still open what it holds."""
        before = len(self.said)
        shape = shape_of(struct)
        given = self._sorted(shape, values, where)
        made: dict[str, Any] = {}
        for name, field in shape.fields.items():
            if name not in given:
                if field.required:
                    place = (*where, name)
                    message = f"The argument '{shown(place)}' is missing"
                    self.say(place, message, shape.about(name), Kind.MISSING)
                continue
            written, value = given[name]
            place = (*where, written)
            if value is not None and (why := mark(field.type, "refused")):
                self.say(place, f"'{shown(place)}' can't be used here: {why}", f"Take '{written}' out.")
            elif value is not None or field.required or takes_null(field.type):
                made[field.name] = self.read(value, field.type, place)
        if len(self.said) > before or (self._checking and self._open is not None):
            return None
        return self._built(struct, made, where)

    def _sorted(self, shape: Shape, values: Mapping[str, Any], where: Where) -> dict[str, tuple[str, Any]]:
        """By field name: the name that was written, and the value. Those with names of their own go where the
        struct takes them, or are refused; so is a field that was written by two of its names."""
        known: dict[str, tuple[str, Any]] = {}
        rest: dict[str, Any] = {}
        for name, value in values.items():
            if value is OMIT:
                continue
            field = shape.names.get(name)
            if field is None:
                rest[str(name)] = value
            elif field in known:
                first = known[field][0]
                self.say(
                    (*where, name),
                    f"'{shown((*where, name))}' and '{first}' are the same argument",
                    "Write one.",
                )
            else:
                known[field] = (name, value)
        if shape.rest is not None:
            known[shape.rest] = (shape.rest, rest)
            return known
        for name in rest:
            place = (*where, name)
            self.say(place, f"There is no argument '{shown(place)}'", shape.offer(name), Kind.UNKNOWN)
        return known

    def _built(self, struct: type, made: dict[str, Any], where: Where) -> Any:
        try:
            return struct(**made)
        except (TypeError, ValueError) as error:
            # Its own check of how fields fit together; one that met an Unknown says nothing.
            if isinstance(error, TypeError) and isinstance(self._open, Unknown):
                raise UnknownValue(self._open) from error
            message = str(error) or "these arguments don't fit together"
            return self.say(where, message[:1].upper() + message[1:], words=message)

    def read(self, value: Any, node: types.Type, where: Where) -> Any:
        """The value in the type of `node`; what does not fit is said, and None given."""
        kind = type(value)
        while isinstance(node, types.Metadata):
            node = node.type
        if kind is Unknown:
            self._open = value
            return value
        if kind is Secret:
            return self._secret(value, node, where)
        if kind in (Template, Vaulted) and not is_expression(node):
            self._open = value
            return value
        return _READERS[type(node)](self, value, node, where)

    def _secret(self, value: Secret, node: types.Type, where: Where) -> Any:
        if self._keep_secrets and isinstance(node, types.AnyType):
            return value
        before, self._hidden = self._hidden, True
        try:
            return self.read(Secret.reveal(value), node, where)
        finally:
            self._hidden = before

    def misfit(self, value: Any, node: types.Type, where: Where, hint: str | None = None) -> None:
        what = "this secret value" if self._hidden else given(value)
        told = misfit_words("*****" if self._hidden else value, node, where)
        self.say(where, f"'{shown(where)}' must be {description(node)}, not {what}", hint, *told)

    # ------------------------------------------------------------ values

    def any(self, value: Any, _node: types.AnyType, _where: Where) -> Any:
        return _plain(value if self._keep_secrets else reveal(value))

    def scalar(self, value: Any, node: types.Type, where: Where) -> Any:
        made = SCALARS[type(node)](value, node)
        return self.misfit(value, node, where, made.hint) if isinstance(made, Misfit) else made

    def dataclass(self, value: Any, node: types.DataclassType, where: Where) -> Any:
        if isinstance(value, node.cls):
            return value
        if node.cls is not Expression:
            return self.misfit(value, node, where)
        if type(value) is Template:
            value = value.source
        if not isinstance(value, str | bool | int | float):
            return self.misfit(value, node, where)
        made = Expression(str(value), self._positions.get(str(where[0])))
        problem = check_syntax(made) if self._checking else None
        if problem is not None:
            self.problems.append(problem)
        return made

    # ------------------------------------------------------------ containers

    def items(self, value: Any, node: Any, where: Where) -> Any:
        listed = self._listed(value, node)
        if listed is None:
            return self.misfit(value, node, where)
        if isinstance(node.item_type, types.StrType):
            listed = ["" if item is None else item for item in listed]  # as Ansible's lists of texts
        made = [self.read(item, node.item_type, (*where, n)) for n, item in enumerate(listed)]
        shape: type = _SHAPES[type(node)]
        return shape(made)

    def _listed(self, value: Any, node: Any) -> list[Any] | None:
        """Ansible's leniency: one value is a list of one, a text of plain items is split at commas."""
        if isinstance(value, list | tuple | set | frozenset):
            return list(value)
        kinds = members(node.item_type)
        if isinstance(value, str):
            if any(isinstance(member, _SPLIT) for member in kinds):
                return [part.strip() for part in value.split(",") if part.strip()]
            return [value]
        if isinstance(value, Mapping):
            carries = (types.StructType, types.DictType, types.AnyType)
            return [value] if any(isinstance(member, carries) for member in kinds) else None
        return None if value is None else [value]

    def tuple_of(self, value: Any, node: types.TupleType, where: Where) -> Any:
        if not isinstance(value, list | tuple) or len(value) != len(node.item_types):
            return self.misfit(value, node, where)
        pairs = zip(value, node.item_types, strict=True)
        return tuple(self.read(item, kind, (*where, n)) for n, (item, kind) in enumerate(pairs))

    def mapping(self, value: Any, node: types.DictType, where: Where) -> Any:
        if not isinstance(value, Mapping):
            return self.misfit(value, node, where)
        return {
            self.read(key, node.key_type, (*where, str(key))): self.read(
                item, node.value_type, (*where, str(key))
            )
            for key, item in value.items()
        }

    def struct(self, value: Any, node: types.StructType, where: Where) -> Any:
        if isinstance(value, node.cls):
            return value
        if node.cls in (LocalFile, LocalPath, RenderedFile):
            return self._file(value, node, where)
        if not isinstance(value, Mapping):
            return self.misfit(value, node, where)
        if node.tag_field is not None and node.tag_field in value:
            if str(value[node.tag_field]) != str(node.tag):
                return self.say(where, f"'{shown(where)}' has no {node.tag_field} '{value[node.tag_field]}'")
            value = {key: item for key, item in value.items() if key != node.tag_field}
        return self.fields(node.cls, value, where)

    def _file(self, value: Any, node: types.StructType, where: Where) -> Any:
        if not isinstance(value, str):
            return self.misfit(value, node, where)
        if self._files is None:
            self._open = Template(value)
            return None
        if node.cls is LocalPath:
            return self._files.place(value)
        find = self._files.local if node.cls is LocalFile else self._files.rendered
        try:
            found = find(value)
        except StepError as error:
            if error.position is not None:
                raise  # it points into the file itself
            return self.say(where, f"'{shown(where)}': {error.message}", error.hint)
        except OSError as error:
            return self.say(where, f"'{shown(where)}': {value} can't be read: {error.strerror}", None)
        if isinstance(found, RenderedFile):
            return RenderedFile(found.path, reveal(found.text), secret=isinstance(found.text, Secret))
        return found

    def union(self, value: Any, node: types.UnionType, where: Where) -> Any:
        if value is None and node.includes_none:
            return None
        candidates = [member for member in members(node) if not isinstance(member, types.NoneType)]
        if len(candidates) == 1:
            return self.read(value, candidates[0], where)
        natural = _NATURAL.get(type(value), ())
        candidates.sort(key=lambda member: not isinstance(member, natural))
        before = len(self.said)
        heard: list[list[Said]] = []
        for member in candidates:
            made = self.read(value, member, where)
            if len(self.said) == before:
                return made
            heard.append(self.said[before:])
            del self.said[before:]
        if isinstance(value, Mapping) and isinstance(candidates[0], types.StructType):
            self.said += sorted(heard, key=len)[0]
            return None
        return self.misfit(value, node, where)


_SHAPES: Mapping[type[types.Type], type] = {
    types.ListType: list,
    types.VarTupleType: tuple,
    types.SetType: set,
    types.FrozenSetType: frozenset,
}

_READERS: Mapping[type[types.Type], Callable[..., Any]] = {
    types.AnyType: Reader.any,
    types.DataclassType: Reader.dataclass,
    types.TupleType: Reader.tuple_of,
    types.DictType: Reader.mapping,
    types.StructType: Reader.struct,
    types.UnionType: Reader.union,
    **dict.fromkeys(_SHAPES, Reader.items),
    **dict.fromkeys(SCALARS, Reader.scalar),
}


def unreadable(node: types.Type) -> Iterator[str]:
    """Kinds of type in it that no argument can have, such as `NamedTuple`."""
    while isinstance(node, types.Metadata):
        node = node.type
    if type(node) not in _READERS:
        yield type(node).__name__.removesuffix("Type")
    for member in members(node):
        inner = item_of(member)
        if inner is not None:
            yield from unreadable(inner)
        elif member is not node:
            yield from unreadable(member)


def _plain(value: Any) -> Any:
    """Without the memory of how a number was written."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, SourceInt):
        return int(value)
    if isinstance(value, SourceFloat):
        return float(value)
    if type(value) is dict:
        return {_plain(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if type(value) is list else value
