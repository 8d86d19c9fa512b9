"""What `file` asks for, and what it sees: one path, and what depends on it."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, NoReturn

import msgspec
from msgspec import Meta
from runbook.contract import Context, LocalPath, aliases
from runbook.errors import Failed

from ._file_times import moment
from ._files_arguments import FileParams, Owners, look_up
from ._files_place import missing_folders
from ._files_result import facts
from ._files_state import FileState, Times, times_of
from ._files_world import World

FORMAT = "%Y%m%d%H%M.%S"


class FileArguments(FileParams, frozen=True, kw_only=True):
    path: Annotated[LocalPath, aliases("dest", "name"), Meta(description="Which file, folder or link.")]
    state: Annotated[
        Literal["absent", "directory", "file", "hard", "link", "touch"] | None,
        Meta(description="What should be there; without a word, what is."),
    ] = None
    src: Annotated[str | None, Meta(description="Where a link leads to.")] = None
    recurse: Annotated[bool, Meta(description="With all that is in the folder.")] = False
    force: Annotated[bool, Meta(description="Links in place of files, and links to what is not there.")] = (
        False
    )
    follow: Annotated[bool, Meta(description="A link stands for what it leads to.")] = True
    modification_time: Annotated[str | None, Meta(description="preserve, now, or a time.")] = None
    modification_time_format: Annotated[str, Meta(description="How that time is written.")] = FORMAT
    access_time: Annotated[str | None, Meta(description="preserve, now, or a time.")] = None
    access_time_format: Annotated[str, Meta(description="How that time is written.")] = FORMAT


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen at the path, and around it."""

    path: str
    """Links followed, where that was asked for."""
    told: str
    """As it was written, unless a link was followed."""
    state: str
    """What should be there."""
    before: FileState | None
    owners: Owners
    times: Times
    """What was asked for."""
    found: Times | None
    """What they are."""
    missing: tuple[tuple[str, FileState | None], ...] = ()
    """Folders above it that are not there."""
    above: FileState | None = None
    below: tuple[tuple[str, FileState], ...] = ()
    """Of a folder: all that is in it, where that matters."""
    goal: str | None = None
    """Of a link: the path at the end."""
    target: FileState | None = None
    """And what is there."""
    same: bool = False
    """`src` is another name of this very file."""


def look(ctx: Context, params: FileArguments) -> Seen:
    """Look at the path. Raises Failed."""
    world = World(ctx)
    path = params.path.path
    bare = path.rstrip("/") or "/"
    first = world.look(bare)
    state = params.state or _implied(params, first)
    if params.recurse and state != "directory":
        refuse("recurse option requires state to be 'directory'", params.path.told(), first)
    if params.src is not None and state not in ("link", "hard"):
        refuse("src option requires state to be 'link' or 'hard'", params.path.told(), first)
    if (
        params.follow
        and state in ("file", "directory", "touch")
        and first is not None
        and first.state == "link"
    ):
        path = bare = world.follow(bare)
    before = world.look(bare)
    times = _times(params, state)
    goal = _goal(ctx, world, params, state, bare, before)
    return Seen(
        path=path,
        told=params.path.told(path),
        state=state,
        before=before,
        owners=_owners(params, params.path.told(path), before),
        times=times,
        found=times_of(bare),
        missing=missing_folders(world, os.path.dirname(bare)),  # noqa: PTH120 (a text stays a text)
        above=world.look(world.follow(os.path.dirname(bare))),  # noqa: PTH120
        below=_below(world, params, state, bare, before),
        goal=goal,
        target=world.look(goal) if goal is not None else None,
        same=state == "hard" and _same(bare, goal),
    )


def refuse(message: str, place: str, before: FileState | None, **told: Any) -> NoReturn:
    """Fail, and tell what is at the path, as Ansible does."""
    known = {"path": place, **told, **facts(before)}
    raise Failed(message, result={name: value for name, value in known.items() if value is not msgspec.UNSET})


def _implied(params: FileArguments, before: FileState | None) -> str:
    if params.recurse:
        return "directory"
    if before is None or before.state == "other":
        return "file"
    return before.state


def _owners(params: FileArguments, path: str, before: FileState | None) -> Owners:
    try:
        return look_up(params)
    except Failed as error:
        refuse(error.message, path, before)


def _times(params: FileArguments, state: str) -> Times:
    default = "now" if state == "touch" else "preserve"
    return Times(
        access=moment(params.access_time, params.access_time_format, default),
        modification=moment(params.modification_time, params.modification_time_format, default),
    )


def _goal(
    ctx: Context, world: World, params: FileArguments, state: str, path: str, before: FileState | None
) -> str | None:
    """Where a link would lead to, or does."""
    if state == "hard":
        return None if params.src is None else ctx.files.place(params.src).path
    if state != "link":
        return None
    src = params.src if params.src is not None else before.src if before is not None else ""
    base = path if before is not None and before.is_folder else os.path.dirname(path)  # noqa: PTH120
    return world.follow(os.path.normpath(os.path.join(base, src))) if src else None  # noqa: PTH118


def _same(path: str, goal: str | None) -> bool:
    try:
        return goal is not None and os.path.samefile(path, goal)  # noqa: PTH121 (a text stays a text)
    except OSError:
        return False


def _below(
    world: World, params: FileArguments, state: str, path: str, before: FileState | None
) -> tuple[tuple[str, FileState], ...]:
    if before is None or not before.is_folder or not (params.recurse or state in ("absent", "link")):
        return ()
    return tuple(walk(world, path))


def walk(world: World, folder: str) -> list[tuple[str, FileState]]:
    """All that is in a folder and below; links are not followed."""
    found: list[tuple[str, FileState]] = []
    for name in sorted(world.names(folder)):
        path = f"{folder.rstrip('/')}/{name}"
        state = world.look(path)
        if state is None:
            continue
        found.append((path, state))
        if state.is_folder:
            found += walk(world, path)
    return found
