"""Values that are more than their data: operator text, what is not known yet, what must not be shown.

Trust is structural. Only text that the operator wrote becomes a `Template` or an `Expression`; a plain `str` is
data and is never rendered, whatever braces it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Self

from .errors import Position, RunbookError


@dataclass(frozen=True, slots=True)
class Template:
    """Operator text with `{{ }}` or `{% %}` in it."""

    source: str
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Vaulted(Template):
    """Operator text that `!vault` holds encrypted: opened when it is read, into a Secret. It is not
    rendered."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Operator text that is one bare Jinja2 expression, such as the value of `when`."""

    source: str
    position: Position | None = field(default=None, compare=False)


class SourceInt(int):
    """A YAML integer whose text is not its canonical form (`0o17`, `007`); `text` is what was written."""

    text: str

    def __new__(cls, value: int, text: str) -> Self:
        made = super().__new__(cls, value)
        made.text = text
        return made


class SourceFloat(float):
    """A YAML float whose text is not its canonical form (`7.10`); `text` is what was written."""

    text: str

    def __new__(cls, value: float, text: str) -> Self:
        made = super().__new__(cls, value)
        made.text = text
        return made


class UnknownValue(RunbookError):
    """Something asked an Unknown what it is."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(f"{Unknown.describe(unknown)} is known after apply only")
        self.unknown = unknown


_JINJA = frozenset({"contextfunction", "unsafe_callable", "alters_data"})
"""What Jinja2 asks of everything that is called, and no attribute of a value."""


class Unknown:
    """A value that a planned change would produce. One object per origin, never a singleton.

    Attributes and items of it are Unknown; everything else that would have to answer raises `UnknownValue`, which
    the template room catches at the expression as a whole.
    """

    __slots__ = ("_origin",)

    def __init__(self, origin: str) -> None:
        object.__setattr__(self, "_origin", origin)

    @staticmethod
    def describe(unknown: Unknown) -> str:
        """Where the value would come from, such as `memorydb:cluster/lab-cluster endpoint`."""
        return str(object.__getattribute__(unknown, "_origin"))

    def __getattr__(self, name: str) -> Unknown:
        if name.startswith(("_", "jinja_")) or name in _JINJA:
            raise AttributeError(name)
        return Unknown(f"{Unknown.describe(self)}.{name}")

    def __getitem__(self, key: object) -> Unknown:
        return Unknown(f"{Unknown.describe(self)}[{key!r}]")

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise UnknownValue(self)

    # Without a raising __repr__ and __hash__, `[u]`, `~`, `%` and `.format` leak it (tried).
    __repr__ = __str__ = __format__ = __hash__ = __bool__ = __eq__ = __ne__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __len__ = __iter__ = __contains__ = __call__ = _refuse
    __int__ = __float__ = __index__ = __complex__ = __bytes__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = _refuse
    __abs__ = __invert__ = __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __reversed__ = _refuse


class NeedsPlain(RunbookError):
    """An operator met a Secret that it can't work on boxed. The template room then renders once more with all
    secrets opened and the result tainted; elsewhere it is a mistake of ours: `Secret.reveal` was forgotten."""

    def __init__(self) -> None:
        super().__init__("A secret was used as if it were a plain value")


class Secret:
    """A value that must never be shown. Holds it; `Secret.reveal` opens it; its text form is a mask.

    Variables hold `Secret(v)`; the template room keeps the taint on what is derived from it. Asking the box
    itself anything raises `NeedsPlain`: a comparison of boxes would be silently wrong.
    """

    __slots__ = ("_value", "origin")

    def __init__(self, value: Any, origin: str = "") -> None:
        self._value = value
        self.origin = origin

    @staticmethod
    def reveal(value: Any) -> Any:
        """The value itself, whether it was boxed or not."""
        return value._value if isinstance(value, Secret) else value  # noqa: SLF001 (its own class)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise NeedsPlain

    __hash__ = __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __len__ = __iter__ = __contains__ = __getitem__ = __call__ = __reversed__ = _refuse
    __int__ = __float__ = __index__ = __complex__ = __bytes__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = _refuse
    __abs__ = __invert__ = __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _refuse


MASK = "********"

DERIVED: Final = "derived"
"""The origin of a Secret that an expression made from another: it can be rendered again."""

VAULTED_TEXT: Final = "vault text"
"""How the origin of a Secret begins that stands behind `!vault`."""


class Omit:
    """The value of the variable `omit`: an argument that gets it is as if it were not written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "omit"


OMIT: Final = Omit()


def first_unknown(value: object) -> Unknown | None:
    """An Unknown that stands anywhere in plain containers or in a Secret; None when all is known."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Secret):
        return first_unknown(Secret.reveal(value))
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next((found for item in value if (found := first_unknown(item)) is not None), None)
    return None


def contains_unknown(value: object) -> bool:
    """Whether an Unknown stands anywhere in plain containers or in a Secret."""
    return first_unknown(value) is not None
