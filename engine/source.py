"""The text of a file that the operator wrote, and problems that point into it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .errors import LoadError, Position, Problem, VaultError
from .vault import Vault, is_sealed

# What YAML 1.1 takes for a line end; str.splitlines() knows more and would count differently.
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Source:
    """A text file, read whole."""

    path: str
    text: str
    sealed: str = ""
    """The file's own text when it is the text of a vault: `text` is what was encrypted, and must not be shown."""

    @cached_property
    def lines(self) -> list[str]:
        return _LINE_END.split(self.text)

    def position(self, line: int, column: int) -> Position:
        return Position(self.path, line, column)

    def excerpt(self, line: int) -> str | None:
        """The line with this number (from 1), or None when there is no such line."""
        shown = 0 < line <= len(self.lines) and not self.sealed
        return self.lines[line - 1] if shown else None

    def problem(self, message: str, at: Position, hint: str | None = None) -> Problem:
        """A problem of this file that shows its line."""
        return Problem(message, at, hint, self.excerpt(at.line))

    def show(self, problem: Problem) -> Problem:
        """The same problem with its line, when it is one of this file's and shows none yet."""
        if problem.excerpt is not None or problem.position is None or problem.position.file != self.path:
            return problem
        return self.problem(problem.message, problem.position, problem.hint)


def read_source(path: str, vault: Vault | None = None) -> Source:
    """Read a UTF-8 text file; one that is encrypted is opened by `vault`.

    Raises LoadError when it can't be read; its problem has no position unless it is one of the file's text.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise LoadError([Problem(f"There is no file {path}", hint=_neighbour(path))]) from None
    except IsADirectoryError:
        raise LoadError([Problem(f"{path} is a folder, not a file")]) from None
    except PermissionError:
        raise LoadError(
            [Problem(f"{path} may not be read", hint="Check the permissions of the file.")]
        ) from None
    except (OSError, ValueError) as error:
        raise LoadError([Problem(f"{path} can't be read: {error}")]) from error
    sealed = ""
    if vault is not None and is_sealed(content):
        sealed = content.decode("ascii", "replace")
        content = _opened(path, content, vault)
    try:
        return Source(path, content.decode("utf-8-sig"), sealed)
    except UnicodeDecodeError as error:
        raise LoadError([_not_utf8(path, content, error)]) from None


def _opened(path: str, content: bytes, vault: Vault) -> bytes:
    try:
        return vault.read(content, path)
    except VaultError as error:
        raise LoadError([Problem(error.message, error.position, error.hint)]) from None


def _neighbour(path: str) -> str | None:
    wanted = Path(path)
    try:
        names = [one.name for one in wanted.parent.iterdir()]
    except OSError:
        return f"There is no folder {wanted.parent} either."
    # File names share their endings, so they look more alike than they are.
    close = difflib.get_close_matches(wanted.name, names, n=1, cutoff=0.8)
    return f"Did you mean '{close[0]}'?" if close else None


def _not_utf8(path: str, content: bytes, error: UnicodeDecodeError) -> Problem:
    before = content[: error.start].decode("utf-8-sig", "replace")
    whole = Source(path, content.decode("utf-8-sig", "backslashreplace"))
    lines = _LINE_END.split(before)
    return whole.problem(
        f"This is not UTF-8 text: byte 0x{content[error.start]:02x}",
        whole.position(len(lines), len(lines[-1]) + 1),
        "Save the file as UTF-8.",
    )
