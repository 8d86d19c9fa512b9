"""`-e`: what it says, and what of it may be written down."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import LoadError, Position, UsageError
from .loader_call import split_words, unquote
from .model import Value
from .secret_names import boxed
from .secrets import boxes
from .source import Source
from .values import MASK, Secret
from .varfiles import load_vars, vars_of
from .vault import Vault
from .yamlfile import YamlFile, settle, syntax_problems

_PLACE = "-e"
"""Stands in messages where the name of a file would."""

_COLON = re.compile(r":(\s|$)")


@dataclass(frozen=True, slots=True)
class ExtraVars:
    """The variables of all `-e`."""

    texts: tuple[str, ...]
    """As they were given, to be written down: one with a secret in it says only which names it sets."""
    values: Mapping[str, Value]
    """The last one wins. A value with the name of a secret is boxed."""

    @property
    def withheld(self) -> tuple[str, ...]:
        """Names whose values were not written down, when this was read from what was."""
        return tuple(name for name, value in self.values.items() if Secret.reveal(value) == MASK)


def read_extra_vars(
    given: Sequence[str], vault: Vault | None = None, secret: Collection[str] = ()
) -> ExtraVars:
    """All forms: `name=value name2=value`, a YAML or JSON mapping, `@file`.

    `vault` opens files that are encrypted; `secret`: names of secrets that do not look like it.
    Raises UsageError for what is none of them, LoadError for a wrong mapping or file.
    """
    values: dict[str, Value] = {}
    texts = []
    for text in given:
        found = boxed(_variables(text, vault), _PLACE)
        found |= {name: hidden(name, found[name]) for name in found.keys() & set(secret)}
        values.update(found)
        withheld = not text.startswith("@") and any(True for _ in boxes(found))
        texts.append(" ".join(f"{name}={MASK}" for name in found) if withheld else text)
    return ExtraVars(tuple(texts), values)


def hidden(name: str, value: Value) -> Secret:
    """A variable of `-e` in a box."""
    return Secret(Secret.reveal(value), f"{_PLACE} {name}")


def _variables(text: str, vault: Vault | None) -> Mapping[str, Value]:
    if text.startswith("@"):
        return load_vars(str(Path(text[1:]).expanduser()), vault=vault)
    if not text.strip():
        return {}  # a script's `-e "$MORE"`
    if not _is_mapping(text):
        return _pairs(text)
    file = YamlFile(Source(_PLACE, text))
    found = vars_of(file)
    settle([file])
    return found


def _is_mapping(text: str) -> bool:
    before = text.split("=", 1)[0]
    return text.lstrip().startswith(("{", "[", "- ")) or _COLON.search(before) is not None


def _pairs(text: str) -> dict[str, Value]:
    words = split_words(text)
    if words is None:
        raise _no_variable(text, "A quote or a brace stays open. ")
    file = YamlFile(Source(_PLACE, ""))
    found: dict[str, Value] = {}
    end = 0
    for word in words:
        name, equals, value = word.strip().partition("=")
        if not equals or not name.isidentifier():
            raise _no_variable(word.strip())
        found[name] = file.text(unquote(value), _position(text, end + word.index("=") + 1))
        end += len(word)
    if not found:
        raise _no_variable(text)
    problems = syntax_problems(file.texts)
    if problems:
        raise LoadError([Source(_PLACE, text).show(problem) for problem in problems])
    return found


def _position(text: str, offset: int) -> Position:
    line = text.count("\n", 0, offset)
    return Position(_PLACE, line + 1, offset - text.rfind("\n", 0, offset))


def _no_variable(text: str, why: str = "") -> UsageError:
    return UsageError(f"-e {text!r} is no variable", hint=f"{why}Write name=value, {{name: value}} or @file.")
