"""What stands between expressions and values that are more than their data.

Unknown, Secret and missing values raise when an operator of the language asks them anything. Filters and tests
are guarded from outside, because they may look at types or swallow exceptions: a guarded function never sees a
box, and never sees an Unknown or a missing value that it could take for an answer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import TemplateReference, Undefined
from jinja2.utils import Namespace, missing
from markupsafe import Markup

from .errors import TemplateError
from .values import DERIVED, NeedsPlain, Omit, Secret, Unknown, UnknownValue

MISSING = missing
"""Jinja2's marker: there is no variable of that name."""

PLAIN = frozenset({str, int, float, bool, type(None), bytes})
_SEQUENCES = frozenset({list, tuple, set, frozenset})
_MANY = (list, tuple, set, frozenset, range, Iterator)


class Unusable(TemplateError):
    """An expression came to something that can't be used; it has no place yet."""


class NotThere(UndefinedError):
    """A missing value was used; carries it, so that the message can say what was meant."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing._undefined_message)  # noqa: SLF001 (Jinja2's own name for it)
        self.missing = missing


class Missing(Undefined):
    """A name, attribute or item that is not there. `is defined` and `default` accept it, all else raises.

    Attributes of it are the same missing value, so that `a.b.c | default(x)` works when `a` is missing.
    `cause` is set when the variable is there but needs another one that is not.
    """

    __slots__ = ("cause",)

    def __init__(self, *args: Any, cause: TemplateError | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cause = cause

    @property
    def owner(self) -> Any:
        """What it is not in; Jinja2's `missing` marker when it is a variable."""
        return self._undefined_obj

    @property
    def wanted(self) -> Any:
        """The name, or None when the message says it all."""
        return None if self._undefined_hint else self._undefined_name

    def fail(self, *_args: object, **_kwargs: object) -> NoReturn:
        if self.cause is not None:
            raise self.cause
        if self._undefined_exception is SecurityError:
            raise SecurityError(self._undefined_message)
        raise NotThere(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _key: object) -> Any:
        return self

    _fail_with_undefined_error = fail
    __iter__ = __str__ = __repr__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = __contains__ = fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = fail
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __pos__ = __neg__ = fail
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __complex__ = __index__ = __call__ = fail
    __format__ = fail


def has_secret(value: Any) -> bool:
    """Whether a Secret stands anywhere in it. Raises on what may not be looked at: UnknownValue, NotThere."""
    kind = type(value)
    if kind in PLAIN:
        return False
    # Lists, not generators: what stands behind a Secret must be looked at too.
    if kind is dict:
        return any([type(v) not in PLAIN and has_secret(v) for v in value.values()])  # noqa: C419
    if kind in _SEQUENCES:
        return any([type(v) not in PLAIN and has_secret(v) for v in value])  # noqa: C419
    if kind is Unknown:
        raise UnknownValue(value)
    if kind is Missing:
        value.fail()
    if kind is Secret:
        has_secret(Secret.reveal(value))
        return True
    if isinstance(value, tuple | list):  # a named one, such as those of groupby
        return has_secret(tuple(value))
    return False


def reveal(value: Any) -> Any:
    """The value with all secrets in it opened; the same object when it holds none."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is Secret:
        return reveal(Secret.reveal(value))
    if kind is dict:
        opened = {key: reveal(v) for key, v in value.items()}
        return opened if any(opened[key] is not v for key, v in value.items()) else value
    if isinstance(value, list | tuple):
        items = [reveal(v) for v in value]
        if all(a is b for a, b in zip(items, value, strict=True)):
            return value
        return items if kind is list else tuple(items)
    if isinstance(value, Mapping):
        return Opened(value)
    return value


def copied(value: Any) -> Any:
    """The value with lists and mappings of its own."""
    kind = type(value)
    if kind is dict:
        return {key: copied(v) for key, v in value.items()}
    if kind is list:
        return [copied(v) for v in value]
    if kind is Secret:
        return Secret(copied(Secret.reveal(value)), value.origin)
    return Opened(value, copied) if isinstance(value, Mapping) else value


class Opened(Mapping[Any, Any]):
    """A lazy mapping (`hostvars`, a host's variables) whose values are seen through a function: secrets opened."""

    __slots__ = ("_how", "_inner")

    def __init__(self, inner: Mapping[Any, Any], how: Callable[[Any], Any] = reveal) -> None:
        self._inner = inner
        self._how = how

    def __getitem__(self, key: Any) -> Any:
        return self._how(self._inner[key])

    def __contains__(self, key: object) -> bool:
        return key in self._inner

    def __iter__(self) -> Iterator[Any]:
        return iter(self._inner)

    def __len__(self) -> int:
        return len(self._inner)


def settle(value: Any) -> Any:
    """What an expression came to, as plain data: iterators as lists, Jinja2's marked-up text as text.

    Unknown, Secret and omit stay as they are. Raises for a missing value anywhere in it.
    """
    kind = type(value)
    if kind in PLAIN or kind is Unknown or kind is Omit:
        return value
    if kind is Secret:
        inner = Secret.reveal(value)
        return value if type(inner) in PLAIN else Secret(settle(inner), value.origin)
    if kind is dict or isinstance(value, Mapping):
        return {settle(key): settle(v) for key, v in value.items() if type(v) is not Omit}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Undefined):
        if isinstance(value, Missing):
            value.fail()
        raise Unusable("An inline 'if' was false and has no 'else'", hint="Write: A if CONDITION else B.")
    if isinstance(value, _MANY) or is_view(value):
        return [settle(v) for v in value if type(v) is not Omit]
    if isinstance(value, Namespace | TemplateReference):
        raise Unusable(f"A {type(value).__name__.lower()} can't be kept", hint="Name what you want of it.")
    if callable(value) and not isinstance(value, type):
        name = getattr(value, "__name__", "it")
        raise Unusable(
            f"This is the method '{name}', not a value", hint=f"For an item of that name write ['{name}']."
        )
    return value


def is_view(value: Any) -> bool:
    return type(value).__name__ in ("dict_keys", "dict_values", "dict_items")


_TYPE_NAMES = {
    "Missing": "UndefinedMarker",
    "Omit": "_OmitType",
    "Opened": "dict",
    "SourceFloat": "float",
    "SourceInt": "int",
    "VariableScope": "HostVarsVars",
    "_GroupTuple": "GroupTuple",
}


def type_name(value: Any) -> str:
    """A value's type by the name that Ansible has for it, which playbooks compare."""
    name = type(value).__name__
    return _TYPE_NAMES.get(name, name)


def join_text(pieces: Iterable[Any]) -> str:
    """Text of several pieces; None and omit are empty, as in Ansible."""
    return "".join([piece if type(piece) is str else _text(piece) for piece in pieces])


def join_pieces(pieces: Iterable[Any]) -> Any:
    """What pieces come to: nothing is None, one is itself, several are text. None is no piece, as in Ansible."""
    found = [piece for piece in pieces if piece is not None]
    if not found:
        return None
    return found[0] if len(found) == 1 else join_text(found)


def tilde(pieces: Iterable[Any]) -> str:
    """The `~` operator."""
    return "".join([piece if type(piece) is str else _told(piece) for piece in pieces])


def _told(piece: Any) -> str:
    if type(piece) is Omit:
        raise Unusable("'omit' can't be part of a text", hint="Write it as the only value of an argument.")
    return "None" if piece is None else _text(piece, every=True)


def _text(piece: Any, *, every: bool = False) -> str:
    if piece is None or type(piece) is Omit:
        return ""
    if has_secret(piece):
        raise NeedsPlain
    return "" if type(piece) is Undefined else str(_shown(piece, every))


def _shown(value: Any, every: bool) -> Any:
    """As `settle`, but in a text the tuples of `groupby` (with `every`, all of them) are shown as such."""
    kind = type(value)
    if kind is list:
        return [_shown(v, every) for v in value if type(v) is not Omit]
    if isinstance(value, tuple) and (every or kind is not tuple):
        return tuple(_shown(v, every) for v in value)
    if kind is dict:
        return {settle(key): _shown(v, every) for key, v in value.items() if type(v) is not Omit}
    return settle(value)


def guard(function: Callable[..., Any], *, moves: bool = False, passes: bool = False) -> Callable[..., Any]:
    """A filter or test that meets plain values only, and answers with plain ones.

    passes: a missing argument is the answer; it fails when that is used, so that `default` can help. Else it fails.
    moves: it only moves items about and never looks at them, so that only its direct arguments must be plain;
    what is inside stays Unknown, Secret or missing.
    """
    tainted = _direct_secret if moves else has_secret
    opened = Secret.reveal if moves else reveal

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        taint = False
        for value in (*args, *kwargs.values()):
            if type(value) not in PLAIN:
                if type(value) is Missing and passes:
                    return value
                taint = tainted(value) or taint
        if not taint:
            return _unrolled(function(*args, **kwargs))
        answer = function(*[opened(a) for a in args], **{k: opened(v) for k, v in kwargs.items()})
        if isinstance(answer, Undefined | Unknown):
            return answer  # `secrets | first` of none: it is missing, not secret
        return Secret(_unrolled(answer), DERIVED)

    return guarded


def _direct_secret(value: Any) -> bool:
    kind = type(value)
    if kind is Unknown:
        raise UnknownValue(value)
    if kind is Missing:
        value.fail()
    return kind is Secret


def _unrolled(answer: Any) -> Any:
    kind = type(answer)
    if kind in PLAIN or kind is dict or kind is list:
        return answer
    if kind is Markup:
        return str(answer)
    if isinstance(answer, Iterator) or is_view(answer):
        return list(answer)
    return answer


__all__ = [
    "MISSING",
    "PLAIN",
    "Missing",
    "NotThere",
    "Opened",
    "Unusable",
    "copied",
    "guard",
    "has_secret",
    "is_view",
    "join_pieces",
    "join_text",
    "reveal",
    "settle",
    "tilde",
    "type_name",
]
