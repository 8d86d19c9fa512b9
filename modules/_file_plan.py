"""`file` with a file, a folder, or nothing: what would have to change."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET
from runbook.contract import Action, Change

from ._file_seen import FileArguments, Seen, refuse
from ._file_times import changed_times
from ._files_arguments import attributed, fresh
from ._files_place import new_folder
from ._files_result import FileResult, attributes_diff, facts
from ._files_state import FileState, sha1
from ._files_world import resource

replace = msgspec.structs.replace


def plan_absent(seen: Seen, diff: bool) -> Change:
    """Nothing should be there."""
    before = seen.before
    told = FileResult(path=seen.told, state="absent")
    if before is None:
        shown = {"before": {"path": seen.told}, "after": {"path": seen.told}}
        return _change(seen, Action.NONE, None, replace(told, diff=shown if diff else UNSET))
    old: dict[str, Any] = {"path": seen.told, "state": before.state}
    if before.is_folder:
        folders = [path for path, state in seen.below if state.is_folder]
        files = [path for path, state in seen.below if not state.is_folder]
        old["path_content"] = {"directories": folders, "files": files}
    shown = {"before": old, "after": {"path": seen.told, "state": "absent"}}
    also = tuple(
        Change(action=Action.DELETE, resource=resource(path), before=state, reason="it is in that folder")
        for path, state in seen.below
    )
    made = _change(seen, Action.DELETE, None, replace(told, diff=shown if diff else UNSET), "it is there")
    return Change(
        action=made.action,
        resource=made.resource,
        before=made.before,
        result=made.result,
        reason=made.reason,
        also=also,
    )


def plan_file(params: FileArguments, seen: Seen, diff: bool) -> Change:
    """What is there stays, with the owner, mode and times that were asked for."""
    before = seen.before
    if before is None:
        refuse(f"file ({seen.told}) is absent, cannot continue", seen.told, None, state="absent")
    if params.state == "file" and not before.is_file:
        refuse(f"file ({seen.told}) is {before.state}, cannot continue", seen.told, before)
    return _kept(seen, _attributed(params, seen, before), FileResult(path=seen.told), diff)


def plan_touch(params: FileArguments, seen: Seen, diff: bool) -> Change:
    """A file should be there, with its times renewed."""
    before = seen.before
    told = FileResult(dest=seen.told)
    if before is None:
        if seen.missing or seen.above is None or not seen.above.is_folder or seen.path.endswith("/"):
            refuse("Error, could not touch target.", seen.told, None)
        start = fresh("file", seen.above, content=b"", checksum=sha1(b""))
        after = replace(_attributed(params, seen, start), times=seen.times)
        shown = _merged(seen.told, start, after, {"state": "absent"}, {"state": "touch"})
        result = replace(told, diff=shown if diff else UNSET, **facts(after))
        return _change(seen, Action.CREATE, after, result, "it is not there")
    if seen.path.endswith("/") and not before.is_folder:
        refuse("Error, could not touch target.", seen.told, None)
    if before.state == "other":
        refuse(
            f"Can only touch files, directories, and hardlinks ({seen.told} is {before.state})",
            seen.told,
            before,
        )
    return _kept(seen, _attributed(params, seen, before), told, diff, touched=True)


def plan_folder(params: FileArguments, seen: Seen, diff: bool) -> Change:
    """A folder should be there; the ones above it are made, too."""
    before = seen.before
    told = FileResult(path=seen.told)
    if before is not None and not before.is_folder:
        refuse(f"{seen.told} already exists as a {before.state}", seen.told, before)
    if before is not None:
        change = _kept(seen, _attributed(params, seen, before), told, diff)
        return _with_all_below(params, seen, change) if params.recurse else change
    if seen.above is not None and not seen.above.is_folder:
        refuse(f"There was an issue creating {seen.told} as requested: a file is in its way", seen.told, None)
    whole = tuple(new_folder(path, above, params.mode, seen.owners) for path, above in seen.missing)
    above = whole[-1].after if whole else seen.above
    made = new_folder(seen.path.rstrip("/"), above, params.mode, seen.owners)
    start = fresh("directory", above)
    shown = _merged(seen.told, start, made.after, {"state": "absent"}, {"state": "directory"})
    return Change(
        action=Action.CREATE,
        resource=made.resource,
        after=made.after,
        result=replace(told, diff=shown if diff else UNSET, **facts(made.after)),
        reason=made.reason,
        also=whole,
    )


def _with_all_below(params: FileArguments, seen: Seen, change: Change) -> Change:
    """The same owner and mode for all that is in the folder."""
    also = []
    for path, state in seen.below:
        after = attributed(state, params.mode, seen.owners)
        if after != state:
            why = "it is in that folder"
            also.append(
                Change(action=Action.UPDATE, resource=resource(path), before=state, after=after, reason=why)
            )
    if not also:
        return change
    count = len(also) + change.action.changes
    return Change(
        action=Action.UPDATE,
        resource=change.resource,
        before=change.before,
        after=change.after,
        result=change.result,
        reason=f"owner or mode of {count} of the things in it differ",
        also=tuple(also),
    )


# ---------------------------------------------------------------- parts


def _attributed(params: FileArguments, seen: Seen, state: FileState) -> FileState:
    try:
        return attributed(state, params.mode, seen.owners)
    except Exception as error:
        told = getattr(error, "result", None)
        if isinstance(told, dict):
            told |= {"path": seen.told, **facts(seen.before)}
        raise


def _kept(seen: Seen, after: FileState, told: FileResult, diff: bool, *, touched: bool = False) -> Change:
    before = seen.before
    assert before is not None  # noqa: S101 (the callers saw it)
    times = changed_times(seen.found, seen.times)
    if times is not None:
        # A moment that is not to change is told on neither side.
        found = seen.found
        old = msgspec.structs.replace(
            times,
            access=found.access if found and times.access is not None else None,
            modification=found.modification if found and times.modification is not None else None,
        )
        before, after = replace(before, times=old), replace(after, times=times)
    word = {"state": "touch"} if touched and times is not None else {}
    shown = _merged(seen.told, before, after, {"state": before.state} if word else {}, word)
    differs = [
        name for name in ("owner", "group", "mode", "times") if getattr(before, name) != getattr(after, name)
    ]
    return Change(
        action=Action.UPDATE if differs else Action.NONE,
        resource=resource(seen.path),
        before=before,
        after=after,
        result=replace(told, diff=shown if diff else UNSET, **facts(after)),
        reason=f"its {' and '.join(differs)} differ{'s' if len(differs) == 1 and differs != ['times'] else ''}"
        if differs
        else "",
    )


def _merged(
    path: str, before: FileState, after: FileState, old: dict[str, Any], new: dict[str, Any]
) -> dict[str, Any]:
    shown = attributes_diff(path, before, after)
    shown["before"] |= old
    shown["after"] |= new
    for name, field in (("mtime", "modification"), ("atime", "access")):
        one, other = (getattr(state.times, field) if state.times else None for state in (before, after))
        if one != other and one is not None:
            shown["before"][name], shown["after"][name] = one, other
    return shown


def _change(
    seen: Seen, action: Action, after: FileState | None, result: FileResult, reason: str = ""
) -> Change:
    return Change(
        action=action,
        resource=resource(seen.path),
        before=seen.before,
        after=after,
        result=result,
        reason=reason,
    )
