"""Putting one file in its place: what `copy`, `template` and `assemble` have in common."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from runbook.contract import Action, Change, Context, LocalPath
from runbook.errors import Failed
from runbook.values import Unknown

from ._files_arguments import FileParams, Owners, attributed, fresh, look_up
from ._files_result import FileResult, attributes_diff, content_diff, facts
from ._files_state import FileState, md5, read_state, sha1, with_content
from ._files_validate import check_command
from ._files_world import World, path_of, resource
from ._files_write import WRITE, Manner, carry_out


class Placing(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of the place that a file goes to."""

    dest: str
    told: str
    """How the result names it: as it was written."""
    moved: str
    """How it does once the file was written."""
    before: FileState | None
    above: FileState | None
    """The folder that it goes into; None: it is not there."""
    missing: tuple[tuple[str, FileState | None], ...]
    """Folders above it that are not there, the highest first, each with the folder that it would be made in."""
    owners: Owners
    secret: bool = False
    """What a secret is in: a new file is for its owner only."""
    diff: bool = False
    idle: Action = Action.NONE
    """What is done when all is as it was to be: a killed run may have made a backup, which is looked up."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What should stand there."""

    content: Any
    """Bytes, a Blob, or Unknown."""
    src: str
    mode: int | str | None = None
    directory_mode: int | str | None = None
    force: bool = True
    validate: str | None = None
    checksum: str | None = None
    """What the content's SHA-1 must be."""


def see(
    ctx: Context,
    world: World,
    params: FileParams,
    dest: str,
    *,
    written: LocalPath | None = None,
    follow: bool,
    secret: bool = False,
    whole: bool = False,
) -> Placing:
    """Look at the place. written: the argument that the result names it by. follow: a link that is there leads to
    the place. whole: with a large file's bytes.

    Raises Failed.
    """
    end = world.follow(dest) if follow else dest
    if follow and world.look(end) is not None:
        dest = end
    above = os.path.dirname(dest)  # noqa: PTH120 (`Path` would lose a slash at the end)
    folder = world.look(world.follow(above))
    told = dest if written is None else written.told(dest)
    return Placing(
        dest=dest,
        told=told,
        moved=told,
        before=world.look(dest, content=True, whole=whole),
        above=folder,
        missing=missing_folders(world, above),
        owners=look_up(params),
        secret=secret,
        diff=ctx.diff,
        idle=Action.READ if WRITE in ctx.began and getattr(params, "backup", False) else Action.NONE,
    )


def with_folder(place: Placing, written: LocalPath) -> Placing:
    """The place as Ansible's `copy` and `template` tell it once they wrote: a name without a folder gets one."""
    return msgspec.structs.replace(place, moved=named(written, place.told))


def named(written: LocalPath, told: str) -> str:
    """`./name`, where the argument names no folder."""
    return told if "/" in written.told() else f"./{told}"


def missing_folders(world: World, path: str) -> tuple[tuple[str, FileState | None], ...]:
    """The folder at `path` and those above it that are not there, the highest first."""
    found: list[str] = []
    while world.look(world.follow(path)) is None and path not in ("", "/"):
        found.append(path)
        path = os.path.dirname(path)  # noqa: PTH120
    above = world.look(world.follow(path))
    return tuple((one, above) for one in reversed(found))


def new_folder(path: str, above: FileState | None, mode: int | str | None, owners: Owners) -> Change:
    """A folder that would be made."""
    made = attributed(fresh("directory", above, size=Unknown(f"{resource(path)} size")), mode, owners)
    return Change(action=Action.CREATE, resource=resource(path), after=made, reason="it is not there")


def plan(seen: Placing, wanted: Wanted, *, folders: bool) -> Change:
    """What makes the file as it was asked for. folders: those above it are made, too. Raises Failed."""
    before, content = seen.before, wanted.content
    if before is not None and not wanted.force:
        kept = FileResult(dest=seen.told, src=wanted.src)
        return Change(
            action=Action.NONE, resource=resource(seen.dest), before=before, after=before, result=kept
        )
    if before is not None and isinstance(content, Unknown):
        reason = f"its content depends on {Unknown.describe(content)}"
        return Change(action=Action.UNDECIDED, resource=resource(seen.dest), reason=reason)
    _check(seen, wanted, folders)
    after = _wanted(seen, wanted)
    if before is not None and before.is_file and before.checksum == after.checksum:
        return _kept(seen, before, after)
    check_command(wanted.validate)
    reason = f"{seen.dest} is not there" if before is None else "its content differs"
    result = FileResult(
        dest=seen.moved,
        src=wanted.src,
        checksum=after.checksum,
        md5sum=Unknown(f"{resource(seen.dest)} md5sum") if isinstance(content, Unknown) else md5(content),
        diff=[content_diff(seen.moved, before, content)]
        if seen.diff and not isinstance(content, Unknown)
        else [],
        **facts(after),
    )
    return Change(
        action=Action.CREATE if before is None else Action.UPDATE,
        resource=resource(seen.dest),
        before=before,
        after=after,
        result=result,
        reason=reason,
        also=tuple(new_folder(*one, wanted.directory_mode, seen.owners) for one in seen.missing),
    )


def _check(seen: Placing, wanted: Wanted, folders: bool) -> None:
    content = wanted.content
    known = not isinstance(content, Unknown)
    told: dict[str, object] = {"checksum": sha1(content)} if known else {}
    if known and wanted.checksum and sha1(content) != wanted.checksum:
        raise Failed(
            "Copied file does not match the expected checksum. Transfer failed.",
            result={**told, "expected_checksum": wanted.checksum},
        )
    above = os.path.dirname(seen.dest)  # noqa: PTH120
    if seen.missing and not folders:
        raise Failed(f"Destination directory {above} does not exist", result=told)
    if seen.above is not None and not seen.above.is_folder:
        raise Failed(f"Destination {above} is not a directory", result=told)
    if seen.before is not None and seen.before.is_folder:
        raise Failed(f"Destination {seen.dest} is a directory", result=told)


def new_file(seen: Placing) -> FileState:
    """A file that is made there without a word about its mode: for its owner only when a secret is in it."""
    made = fresh("file", seen.above)
    return msgspec.structs.replace(made, mode="0600") if seen.secret else made


def _wanted(seen: Placing, wanted: Wanted) -> FileState:
    before = seen.before
    if before is None or not before.is_file:
        start = new_file(seen)
    else:
        start = msgspec.structs.replace(before, content=None, state="file")
    made = attributed(start, wanted.mode, seen.owners)
    if isinstance(wanted.content, Unknown):
        size, checksum = (Unknown(f"{resource(seen.dest)} {name}") for name in ("size", "checksum"))
        return msgspec.structs.replace(made, content=wanted.content, size=size, checksum=checksum)
    return with_content(made, wanted.content)


def _kept(seen: Placing, before: FileState, after: FileState) -> Change:
    """The content is right; owner and mode may not be."""
    after = msgspec.structs.replace(after, state=before.state)
    result = FileResult(
        dest=seen.told,
        path=seen.told,
        checksum=before.checksum,
        diff=attributes_diff(seen.told, before, after) if seen.diff else [],
        **facts(after),
    )
    differs = [name for name in ("owner", "group", "mode") if getattr(before, name) != getattr(after, name)]
    return Change(
        action=Action.UPDATE if differs else seen.idle,
        resource=resource(seen.dest),
        before=before,
        after=after,
        result=result,
        reason=f"its {' and '.join(differs)} {'differ' if len(differs) > 1 else 'differs'}"
        if differs
        else "",
    )


def apply(ctx: Context, change: Change, manner: Manner) -> FileResult:
    """Do it, and tell what stands there now."""
    planned: FileResult = change.result
    if change.action is Action.READ:  # it was written before: told as such, not as one that was right
        planned = msgspec.structs.replace(planned, path=msgspec.UNSET)
    try:
        backup = carry_out(ctx, change, manner)
    except Failed as error:
        error.result.setdefault("checksum", planned.checksum)
        raise
    place = _place(change)
    tells = planned.uid is not msgspec.UNSET
    found = read_state(place) if isinstance(planned.dest, str) and tells else None
    kept = {"backup_file": f"{planned.dest}{backup.removeprefix(place)}"} if backup else {}
    return msgspec.structs.replace(planned, **facts(found), **kept)


def _place(change: Change) -> str:
    """Where that stands which the result tells of: of a folder's copy it may be the only file in it."""
    every = (one for one in (change, *change.also) if isinstance(one.after, FileState))
    found = next((one for one in every if one.after.state == change.result.state), change)
    return path_of(found.resource or "")
