"""Looking at files through the planned world: a dry run sees what its earlier steps would leave behind."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from runbook.contract import Context
from runbook.errors import Failed
from runbook.values import Unknown

from ._files_state import Blob, FileState, read_state, with_content

PREFIX = "file:"
MOST_LINKS = 40
"""So many links in a row are a circle, as the system has it."""


def resource(path: str) -> str:
    """The name of what stands at a path, whatever links lead to its folder."""
    folder, name = os.path.split(path.rstrip("/"))
    return f"{PREFIX}{os.path.join(os.path.realpath(folder), name)}"  # noqa: PTH118 (a text stays a text)


def path_of(name: str) -> str:
    """The path that a resource stands for."""
    return name.removeprefix(PREFIX)


def planned_files(ctx: Context) -> bool:
    """Whether earlier steps of this dry run would change any file."""
    return bool(ctx.planned(PREFIX))


class World:
    """Files as a step sees them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._planned = frozenset(ctx.planned(PREFIX))

    def look(self, path: str, *, content: bool = False, whole: bool = True) -> FileState | None:
        """What stands at a path; links are not followed. content, whole: as in `read_state`."""
        if not self._planned:
            return read_state(path, content=content, whole=whole)
        name = resource(path)
        if name in self._planned:
            state: FileState | None = self._ctx.observe(name, lambda: None)
            return _completed(path, state, whole) if content and state is not None else state
        cut = self._is_cut(Path(path_of(name)))
        return None if cut else read_state(path, content=content, whole=whole)

    def planned(self, path: str) -> FileState | None:
        """What an earlier step of this dry run would leave there; None: none would leave anything."""
        name = resource(path)
        state: FileState | None = self._ctx.observe(name, lambda: None) if name in self._planned else None
        return state

    def is_gone(self, path: str) -> bool:
        """Whether earlier steps of this dry run leave nothing there, whatever there is now."""
        name = resource(path)
        if name in self._planned:
            return self.planned(path) is None
        return bool(self._planned) and self._is_cut(Path(path_of(name)))

    def follow(self, path: str) -> str:
        """The path at the end of a chain of links; what it ends in need not be there."""
        for _ in range(MOST_LINKS):
            state = self.look(path)
            if state is None or state.state != "link":
                return path
            path = os.path.normpath(os.path.join(os.path.dirname(path), state.src))  # noqa: PTH118, PTH120
        raise Failed(f"Too many links: {path}")

    def is_folder(self, path: str) -> bool:
        """Whether a folder stands there, or a link to one."""
        state = self.look(self.follow(path))
        return state is not None and state.is_folder

    def matches(self, pattern: str) -> bool:
        """Whether anything stands at a path, links followed, or at one that fits a glob."""
        path = Path(pattern)
        if self.look(self.follow(os.path.normpath(path))) is not None:
            return True
        there = map(str, Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        planned = (path_of(name) for name in self._planned)
        found = {*there, *(name for name in planned if PurePath(name).match(pattern))}
        return any(self.look(name) is not None for name in found)

    def names(self, path: str) -> list[str]:
        """What a folder holds, in the order in which the system lists it. Raises Failed when it can't be read."""
        try:
            found = [place.name for place in Path(path).iterdir()] if read_state(path) is not None else []
        except OSError as error:
            raise Failed(f"Can't read {path}: {error.strerror}") from error
        if not self._planned:
            return found
        above = f"{resource(path)}/"
        planned = sorted(name.removeprefix(above) for name in self._planned if name.startswith(above))
        every = dict.fromkeys([*found, *(name for name in planned if "/" not in name)])
        return [name for name in every if self.look(f"{path.rstrip('/')}/{name}") is not None]

    def _is_cut(self, path: Path) -> bool:
        """Whether a folder above it would be gone, or new and so without it."""
        for above in path.parents:
            name = f"{PREFIX}{above}"
            if name in self._planned:
                state = self._ctx.observe(name, lambda: None)
                return state is None or not state.is_folder or read_state(str(above)) is None
        return False


def _completed(path: str, state: FileState, whole: bool) -> FileState:
    """A planned state that was about other things than the content holds what is in the file now."""
    if whole and isinstance(state.content, Blob):
        return with_content(state, Path(state.content.path).read_bytes())
    if not state.is_file or state.content is not None or isinstance(state.checksum, Unknown):
        return state
    place = state.src if state.state == "hard" and state.src else path
    there = read_state(place, content=True, whole=whole)
    return with_content(state, there.content) if there is not None and there.is_file else state
