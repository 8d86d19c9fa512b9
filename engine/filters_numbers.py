"""Filters on numbers, sizes, chance and time."""

from __future__ import annotations

import datetime as dt
import math
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SIZES: dict[str, int] = {letter: 1 << 10 * power for power, letter in enumerate("BKMGTPEZY")}
_SIZE = re.compile(r"([0-9]*\.?[0-9]+)\s*([A-Za-z]+)?\s*")
_PREFIXES = ("kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta")


# ---------------------------------------------------------------- numbers


def _number(value: Any, name: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 (the operator's)
            f"{name}() can only be used on numbers: must be real number, not {type(value).__name__}"
        )
    return value


def logarithm(value: float, base: float = math.e) -> float:
    return math.log10(_number(value, "log")) if base == 10 else math.log(_number(value, "log"), base)


def power(value: float, exponent: float) -> float:
    return math.pow(_number(value, "pow"), exponent)


def root(value: float, base: float = 2) -> float:
    number = _number(value, "root")
    return math.sqrt(number) if base == 2 else math.pow(number, 1.0 / float(base))


# ---------------------------------------------------------------- sizes


def human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    """`1048576` as `1.00 MB`, or with `isbits` as `1.00 Mb`."""
    if isinstance(size, bool) or not isinstance(size, int | float):
        raise ValueError(  # noqa: TRY004 (the operator's)
            f"human_readable() failed on bad input: it takes a number, not {type(size).__name__}"
        )
    number = size
    wanted = unit.upper() if unit else next((u for u in reversed(_SIZES) if number >= _SIZES[u]), "B")
    if wanted not in _SIZES:
        wanted = "B"
    name = ("bits" if isbits else "Bytes") if wanted == "B" else wanted + ("b" if isbits else "B")
    return f"{number / _SIZES[wanted]:.2f} {name}"


def human_to_bytes(size: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    """`10 MB` as 10485760; with `isbits` the unit is of bits: `10 Mb`. Raises ValueError for what is no size."""
    match = _SIZE.fullmatch(str(size))
    if match is None:
        raise ValueError(
            f"human_to_bytes() can't interpret following string: {size}; a size is such as '10 MB'"
        )
    unit = match[2] or default_unit
    if not unit:
        return round(float(match[1]))
    letter = unit[0].upper()
    if letter not in _SIZES or not _fits(unit, letter, isbits):
        raise ValueError(_no_unit(f"{match[1]}{unit}", unit, letter, isbits))
    return round(float(match[1]) * _SIZES[letter])


def _no_unit(size: str, unit: str, letter: str, isbits: bool) -> str:
    kind, of = ("b", "bits") if isbits else ("B", "bytes")
    if letter not in _SIZES:
        return f"human_to_bytes() failed to convert {size}: '{unit}' is no unit of {of}, such as 'M{kind}'"
    wanted = letter if letter == "B" else f"{letter}{kind} or {letter}"
    return f"human_to_bytes() failed to convert {size}. Value is not a valid string (expect {wanted})"


def _fits(unit: str, letter: str, isbits: bool) -> bool:
    short, word = ("b", "bit") if isbits else ("B", "byte")
    if len(unit) == 1 or unit.lower() in (word, *(prefix + word for prefix in _PREFIXES)):
        return True
    return letter != "B" and unit == letter + short


# ---------------------------------------------------------------- chance


def pick(end: Any, start: Any = None, step: Any = None, seed: Any = None) -> Any:
    """A number below `end`, or one of a list."""
    chance = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 (the operator's seed)
    if isinstance(end, int):
        return chance.randrange(start or 0, end, step or 1)
    if not isinstance(end, Sequence):
        raise ValueError("random can only be used on sequences and integers")  # noqa: TRY004 (the operator's mistake)
    if start or step:
        raise ValueError("start and step are for a number, not for a list")
    return chance.choice(end)


# ---------------------------------------------------------------- time


def strftime(string_format: str, second: float | None = None, utc: bool = False) -> str:
    moment = time.time()
    if second is not None:
        try:
            moment = float(second)
        except (TypeError, ValueError):
            raise ValueError(
                f"Invalid value for epoch value ({second}): it is a number of seconds since 1970"
            ) from None
    return time.strftime(string_format, (time.gmtime if utc else time.localtime)(moment))


def to_datetime(text: str, format: str = "%Y-%m-%d %H:%M:%S") -> dt.datetime:  # noqa: A002 (Ansible's name)
    return dt.datetime.strptime(text, format)  # noqa: DTZ007 (as the operator's text says)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "human_readable": human_readable,
    "human_to_bytes": human_to_bytes,
    "log": logarithm,
    "pow": power,
    "random": pick,
    "root": root,
    "strftime": strftime,
    "to_datetime": to_datetime,
}
