"""What lookups are handed, and how they find files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from .template_guard import Missing, has_secret
from .template_jinja import ScopeContext
from .values import Unknown

Lookup: TypeAlias = Callable[..., list[Any]]
"""Of a Site and its terms, with options by name; gives a list. Raises ValueError, OSError with what is wrong."""

SEARCH_PATH = "ansible_search_path"
"""The variable that holds the folders where files are: the role's, the task file's, the playbook's."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a lookup is asked: the evaluation that it belongs to."""

    context: ScopeContext

    @property
    def base(self) -> Path:
        """The playbook's folder."""
        return self.context.environment.base

    @property
    def dry(self) -> bool:
        """Nothing may be run or written: the run is a dry one."""
        return self.context.resolve_or_missing("ansible_check_mode") is True

    def variable(self, name: str) -> Any:
        """Its value, or a Missing. Raises UnknownValue when it is not known yet."""
        value = self.context.resolve(name)
        if type(value) is not Missing:
            has_secret(value)
        return value

    def has(self, name: str) -> bool:
        return name in self.context

    def names(self) -> Iterable[str]:
        return self.context.names()

    def folders(self) -> Sequence[Path]:
        found = self.context.resolve_or_missing(SEARCH_PATH)
        places = [Path(place) for place in found] if isinstance(found, list) else []
        return places if self.base in places else [*places, self.base]

    def places(self, name: str, kind: str) -> Sequence[Path]:
        """Where a file of that name may be: in each folder, in its folder for that kind first."""
        given = Path(name).expanduser()
        if given.is_absolute():
            return [given]
        made: list[Path] = []
        for folder in self.folders():
            made += [folder / kind / given, folder / given] if kind else [folder / given]
        return made

    def find(self, name: Any, kind: str = "files") -> Path:
        """The file. Raises ValueError with all the places where it was looked for."""
        if not isinstance(name, str):
            raise ValueError(f"the name of a file must be text, not {type(name).__name__}")  # noqa: TRY004
        places = self.places(name, kind)
        found = next((place for place in places if place.exists()), None)
        if found is None:
            raise ValueError(
                f"Unable to access the file '{name}': File not found (looked at {' and '.join(map(str, places))})"
            )
        if found.is_dir():
            raise ValueError(f"{found} is a folder, not a file")
        return found

    def read(self, path: Path) -> tuple[bytes, bool]:
        """A file's content, opened when it is encrypted, and whether it was. Raises VaultError."""
        return self.context.environment.doors.read(path)

    def not_run(self, what: str) -> Unknown:
        """What stands for something that a dry run does not do."""
        return Unknown(what)


_TRUE = frozenset({"y", "yes", "on", "1", "true", "t"})


def flag(value: Any) -> bool:
    """An option that is yes or no."""
    return value.strip().lower() in _TRUE if isinstance(value, str) else bool(value)


def number(name: str, value: Any) -> int:
    """An option that is a whole number. Raises ValueError."""
    try:
        return int(value, 10) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        raise ValueError(f"'{name}' must be a whole number, and is '{value}'") from None


def words(term: str) -> list[str]:
    """A term's words, as a shell splits them; quotes may stand inside of a word."""
    import shlex

    lexer = shlex.shlex(term, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return list(lexer)
    except ValueError as error:
        raise ValueError(f"'{term}' can't be read: {error}") from None


def with_inline(term: Any, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A term of the old form, `KEY option=value option=value`: the key, and all options.

    Raises ValueError for an option that there is not.
    """
    if not isinstance(term, str):
        raise ValueError(f"the term must be text, not {type(term).__name__}")  # noqa: TRY004
    key: list[str] = []
    made = dict(options)
    for word in words(term):
        name, equals, value = word.partition("=")
        if not equals:
            key.append(word)
        elif name in options:
            made[name] = value
        else:
            raise ValueError(f"'{name}' is not an option here; there are {', '.join(options)}")
    return " ".join(key), made
