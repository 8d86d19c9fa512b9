"""`file` with a link, symbolic or hard: what would have to change."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from msgspec import UNSET
from runbook.contract import Action, Change
from runbook.errors import Failed

from ._file_seen import FileArguments, Seen, refuse
from ._files_arguments import attributed, fresh
from ._files_result import FileResult, attributes_diff, facts
from ._files_state import FileState
from ._files_world import resource

DANGLING = (
    "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this."
)
replace = msgspec.structs.replace


def plan_link(params: FileArguments, seen: Seen, diff: bool) -> Change:
    """A symbolic link should be there. Raises Failed."""
    before = seen.before
    if params.src is None and (before is None or before.state != "link"):
        if before is None:
            raise Failed("src is required for creating new symlinks")
        refuse(f"refusing to convert from {before.state} to symlink for {seen.told}", seen.told, before)
    if params.src is not None:
        _check_link(params, seen)
    told: str | None = params.src
    if told is None and params.follow and seen.target is not None and before is not None:
        told = before.src
    after = before if params.src is None else _linked(seen, params.src)
    assert after is not None  # noqa: S101 (it is there, or was made just now)
    dangling = seen.target is None
    target = _target(params, seen) if params.follow and not dangling else None
    if not params.follow:
        after = attributed(after, None, seen.owners)
    relinks = before is None or before.state != "link" or before.src != after.src
    changes = relinks or before != after or target is not None
    shown = _link_diff(seen, after, target)
    result = FileResult(dest=seen.told, src=told, diff=shown if diff else UNSET)
    return Change(
        action=Action.NONE if not changes else Action.CREATE if before is None else Action.UPDATE,
        resource=resource(seen.path),
        before=before,
        after=after,
        result=result if dangling else replace(result, **facts(after)),
        reason=_why(before, relinks) if changes else "",
        warnings=(DANGLING,) if params.follow and dangling else (),
        also=(target,) if target is not None else (),
    )


def _check_link(params: FileArguments, seen: Seen) -> None:
    before, path = seen.before, seen.told
    if seen.target is None and not params.force:
        base = path if before is not None and before.is_folder else os.path.dirname(path)  # noqa: PTH120
        place = os.path.join(base, params.src or "")  # noqa: PTH118
        message = "src file does not exist, use 'force=yes' if you really want to create the link"
        refuse(f"{message}: {place}", path, before, src=params.src)
    if before is None or before.state == "link":
        return
    if not params.force:
        refuse(f"refusing to convert from {before.state} to symlink for {path}", path, before)
    if before.is_folder and seen.below:
        refuse(f"the directory {path} is not empty, refusing to convert it", path, before)


def _linked(seen: Seen, src: str) -> FileState:
    before = seen.before
    if before is not None and before.state == "link":
        return replace(before, src=src, size=len(os.fsencode(src)))
    return fresh("link", seen.above, src=src, size=len(os.fsencode(src)))


def _target(params: FileArguments, seen: Seen) -> Change | None:
    """What a link leads to gets the mode and owner: a link has none of its own."""
    state = seen.target
    assert state is not None  # noqa: S101 (the caller saw it)
    after = attributed(state, params.mode, seen.owners)
    if after == state or seen.goal is None:
        return None
    return Change(
        action=Action.UPDATE,
        resource=resource(seen.goal),
        before=state,
        after=after,
        reason="the link leads there",
    )


def _link_diff(seen: Seen, after: FileState, target: Change | None) -> dict[str, Any]:
    shown = (
        attributes_diff(seen.told, target.before, target.after)
        if target
        else attributes_diff(seen.told, after, after)
    )
    before = seen.before
    if before is None or before.state != "link":
        shown["before"]["state"] = before.state if before else "absent"
        shown["after"]["state"] = "link"
    elif before.src != after.src:
        shown["before"]["src"], shown["after"]["src"] = before.src, after.src
    return shown


def _why(before: FileState | None, relinks: bool) -> str:
    if before is None:
        return "it is not there"
    return "it leads elsewhere" if relinks else "owner or mode differ"


def plan_hard(params: FileArguments, seen: Seen, diff: bool) -> Change:
    """A second name of a file should be there. Raises Failed."""
    before, src = seen.before, params.src
    if src is None and before is None:
        raise Failed("src is required for creating new hardlinks")
    if src is not None:
        _check_hard(params, seen, src)
    state = seen.target if src is not None else before
    assert state is not None  # noqa: S101 (one of them was seen)
    links = src is not None and not seen.same
    start = replace(state, state="hard", src=seen.goal or "") if links else state
    after = attributed(start, params.mode, seen.owners)
    shown = attributes_diff(seen.told, start, after)
    if links:
        shown["before"]["state"], shown["after"]["state"] = before.state if before else "absent", "hard"
    changes = links or after != start
    return Change(
        action=Action.NONE if not changes else Action.CREATE if before is None else Action.UPDATE,
        resource=resource(seen.path),
        before=before,
        after=after,
        result=FileResult(dest=seen.told, src=src, diff=shown if diff else UNSET, **facts(after)),
        reason=_why(before, links) if changes else "",
        also=_both(seen, after) if links else (),
    )


def _both(seen: Seen, after: FileState) -> tuple[Change, ...]:
    """A file that gets a second name has two from then on, and one mode."""
    other = replace(after, src="")
    return (
        Change(
            action=Action.UPDATE,
            resource=resource(seen.goal or ""),
            before=seen.target,
            after=other,
            reason="it gets a second name",
        ),
    )


def _check_hard(params: FileArguments, seen: Seen, src: str) -> None:
    before = seen.before
    told: dict[str, Any] = {"path": UNSET, "dest": seen.told, "src": src}
    if seen.target is None:
        refuse("src does not exist", seen.told, before, **told)
    if before is None or seen.same or before.state == "link":
        return
    if before.is_folder:
        refuse(f"refusing to convert from directory to hardlink for {seen.told}", seen.told, before, **told)
    if not params.force:
        kind = "different hard link" if before.state == "hard" else before.state
        refuse(f"Cannot link, {kind} exists at destination", seen.told, before, **told)
