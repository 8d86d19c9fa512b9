"""One rendered value into the type that a module declares, with Ansible's leniency and our own words.

msgspec would stop at the first error and refuse `yes`; so its type description is walked here, and every value
that does not fit becomes a problem of its own. Unknown passes everywhere; so does a Template, when a playbook is
checked before anything is rendered.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec
from msgspec import inspect as types

from .contract import LocalFile, RenderedFile
from .errors import StepError
from .filters import TRUE_WORDS
from .params_shape import Shape, is_expression, members, shape_of, takes_null
from .params_words import FALSE_WORDS, Where, description, given, shown
from .template_guard import PLAIN, reveal
from .values import OMIT, Expression, Secret, SourceFloat, SourceInt, Template, Unknown, UnknownValue

_INTEGER = re.compile(r"[+-]?\d+")
_SCALARS = (types.StrType, types.IntType, types.FloatType, types.LiteralType, types.EnumType, types.BoolType)
_LISTS = (types.ListType, types.VarTupleType, types.SetType, types.FrozenSetType, types.TupleType)
_CONVERTED: Mapping[type[types.Type], type] = {
    types.DateTimeType: dt.datetime,
    types.DateType: dt.date,
    types.TimeType: dt.time,
    types.TimeDeltaType: dt.timedelta,
    types.UUIDType: uuid.UUID,
    types.DecimalType: Decimal,
}
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


Said: TypeAlias = tuple[Where, str, str | None]
"""A problem: where, message, hint."""


class Reader:
    """Reads values into types and collects what does not fit.

    files: where file arguments are found; None: they are not looked for. checking: nothing is rendered yet, so
    what holds a Template is only looked at as far as it goes. keep_secrets: see `params.bind`.
    """

    def __init__(self, files: Files | None, *, checking: bool = False, keep_secrets: bool = False) -> None:
        self.said: list[Said] = []
        self._files = files
        self._checking = checking
        self._keep_secrets = keep_secrets
        self._hidden = False
        self._open: Unknown | Template | None = None

    def say(self, where: Where, message: str, hint: str | None = None) -> None:
        self.said.append((where, message, hint))

    def fields(self, struct: type, values: Mapping[str, Any], where: Where) -> Any:
        """A struct from a mapping; None when something was said about it, or it is still open what it holds."""
        before = len(self.said)
        shape = shape_of(struct)
        given = self._sorted(shape, values, where)
        made: dict[str, Any] = {}
        for name, field in shape.fields.items():
            if name not in given:
                if field.required:
                    self.say(where, f"The argument '{shown((*where, name))}' is missing", shape.about(name))
            elif given[name] is not None or field.required or takes_null(field.type):
                made[field.name] = self.read(given[name], field.type, (*where, name))
        if len(self.said) > before or (self._checking and self._open is not None):
            return None
        return self._built(struct, made, where)

    def _sorted(self, shape: Shape, values: Mapping[str, Any], where: Where) -> dict[str, Any]:
        """Values by field name; those with names of their own go where the struct takes them, or are refused."""
        known: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for name, value in values.items():
            if value is not OMIT:
                (known if name in shape.fields and name != shape.rest else rest)[str(name)] = value
        if shape.rest is not None:
            known[shape.rest] = rest
            return known
        for name in rest:
            place = (*where, name)
            self.say(place, f"There is no argument '{shown(place)}'", shape.offer(name))
        return known

    def _built(self, struct: type, made: dict[str, Any], where: Where) -> Any:
        try:
            return struct(**made)
        except (TypeError, ValueError) as error:
            # Its own check of how fields fit together; one that met an Unknown says nothing.
            if isinstance(error, TypeError) and isinstance(self._open, Unknown):
                raise UnknownValue(self._open) from error
            message = str(error) or "these arguments don't fit together"
            return self.say(where, message[:1].upper() + message[1:])

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
        if kind is Template and not is_expression(node):
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
        self.say(where, f"'{shown(where)}' must be {description(node)}, not {what}", hint)

    # ------------------------------------------------------------ scalars

    def any(self, value: Any, _node: types.AnyType, _where: Where) -> Any:
        return _plain(value if self._keep_secrets else reveal(value))

    def none(self, value: Any, node: types.NoneType, where: Where) -> None:
        if value is not None:
            self.misfit(value, node, where)

    def boolean(self, value: Any, node: types.BoolType, where: Where) -> Any:
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower() if isinstance(value, str | int | float) else ""
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        return self.misfit(value, node, where, "Write true or false.")

    def integer(self, value: Any, node: types.IntType, where: Where) -> Any:
        whole = (
            (isinstance(value, int) and not isinstance(value, bool))
            or (isinstance(value, float) and value.is_integer())
            or (isinstance(value, str) and _INTEGER.fullmatch(value.strip()))
        )
        if not whole or not _in_range(int(value), node):
            return self.misfit(value, node, where)
        return int(value)

    def number(self, value: Any, node: types.FloatType, where: Where) -> Any:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            try:
                number = float(value)
            except ValueError:
                return self.misfit(value, node, where)
            if _in_range(number, node):
                return number
        return self.misfit(value, node, where)

    def text(self, value: Any, node: types.StrType, where: Where) -> Any:
        if isinstance(value, SourceInt | SourceFloat):
            value = value.text
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            hint = "Put it in quotes if it is meant as text." if isinstance(value, bool) else None
            return self.misfit(value, node, where, hint)
        fits = (
            (node.min_length is None or len(value) >= node.min_length)
            and (node.max_length is None or len(value) <= node.max_length)
            and (node.pattern is None or re.search(node.pattern, value))
        )
        return value if fits else self.misfit(value, node, where)

    def binary(self, value: Any, node: types.BytesType, where: Where) -> Any:
        if isinstance(value, str):
            return value.encode()
        return value if isinstance(value, bytes) else self.misfit(value, node, where)

    def choice(self, value: Any, node: types.LiteralType, where: Where) -> Any:
        return self._chosen(value, {str(choice): choice for choice in node.values}, node, where)

    def enumerated(self, value: Any, node: types.EnumType, where: Where) -> Any:
        if isinstance(value, node.cls):
            return value
        return self._chosen(value, {str(member.value): member for member in node.cls}, node, where)

    def _chosen(self, value: Any, choices: Mapping[str, Any], node: types.Type, where: Where) -> Any:
        if isinstance(value, bool) and str(value) not in choices:
            # YAML read `on` as true; say what was meant if only one choice can be.
            words = [word for word in choices if word.lower() in (TRUE_WORDS if value else FALSE_WORDS)]
            if len(words) == 1:
                return choices[words[0]]
        text = getattr(value, "text", value)
        if not isinstance(text, str | int | float) or str(text) not in choices:
            return self.misfit(value, node, where)
        return choices[str(text)]

    def converted(self, value: Any, node: types.Type, where: Where) -> Any:
        try:
            return msgspec.convert(value, _CONVERTED[type(node)], strict=False)
        except msgspec.ValidationError as error:
            return self.misfit(value, node, where, f"{error}.")

    def custom(self, value: Any, node: types.CustomType, where: Where) -> Any:
        if isinstance(value, node.cls):
            return value
        if node.cls is Path and isinstance(value, str):
            return Path(value)
        return self.misfit(value, node, where)

    def dataclass(self, value: Any, node: types.DataclassType, where: Where) -> Any:
        if isinstance(value, node.cls):
            return value
        if node.cls is not Expression:
            return self.misfit(value, node, where)
        if type(value) is Template:
            hint = "Write the bare expression, without {{ }}."
            return self.say(where, f"'{shown(where)}' is an expression already", hint)
        if isinstance(value, bool | int | float):
            return Expression(str(value))
        return Expression(value) if isinstance(value, str) else self.misfit(value, node, where)

    # ------------------------------------------------------------ containers

    def items(self, value: Any, node: Any, where: Where) -> Any:
        listed = self._listed(value, node)
        if listed is None:
            return self.misfit(value, node, where)
        made = [self.read(item, node.item_type, (*where, n)) for n, item in enumerate(listed)]
        shape: type = _SHAPES[type(node)]
        return shape(made)

    def _listed(self, value: Any, node: Any) -> list[Any] | None:
        """Ansible's leniency: one value is a list of one, a text of plain items is split at commas."""
        if isinstance(value, list | tuple | set | frozenset):
            return list(value)
        kinds = members(node.item_type)
        if isinstance(value, str):
            if any(isinstance(member, _SCALARS) for member in kinds):
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
            self.read(key, node.key_type, (*where, str(key))): self.read(item, node.value_type, (*where, str(key)))
            for key, item in value.items()
        }

    def struct(self, value: Any, node: types.StructType, where: Where) -> Any:
        if isinstance(value, node.cls):
            return value
        if node.cls in (LocalFile, RenderedFile):
            return self._file(value, node, where)
        if not isinstance(value, Mapping):
            return self.misfit(value, node, where)
        return self.fields(node.cls, value, where)

    def _file(self, value: Any, node: types.StructType, where: Where) -> Any:
        if not isinstance(value, str):
            return self.misfit(value, node, where)
        if self._files is None:
            self._open = Template(value)
            return None
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
            return RenderedFile(found.path, reveal(found.text))
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
    types.NoneType: Reader.none,
    types.BoolType: Reader.boolean,
    types.IntType: Reader.integer,
    types.FloatType: Reader.number,
    types.StrType: Reader.text,
    types.BytesType: Reader.binary,
    types.LiteralType: Reader.choice,
    types.EnumType: Reader.enumerated,
    types.CustomType: Reader.custom,
    types.DataclassType: Reader.dataclass,
    types.TupleType: Reader.tuple_of,
    types.DictType: Reader.mapping,
    types.StructType: Reader.struct,
    types.UnionType: Reader.union,
    **dict.fromkeys(_SHAPES, Reader.items),
    **dict.fromkeys(_CONVERTED, Reader.converted),
}


def _in_range(number: float, node: types.IntType | types.FloatType) -> bool:
    return (
        (node.ge is None or number >= node.ge)
        and (node.gt is None or number > node.gt)
        and (node.le is None or number <= node.le)
        and (node.lt is None or number < node.lt)
        and (node.multiple_of is None or number % node.multiple_of == 0)
    )


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
