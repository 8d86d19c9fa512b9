"""Changing the text of a file in place: what `lineinfile`, `blockinfile` and `replace` have in common."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta
from runbook.contract import Action, Change, Context, LocalPath, aliases
from runbook.errors import Failed

from ._files_arguments import FileParams, attributed
from ._files_place import Placing, new_file, new_folder, see
from ._files_result import attributes_diff
from ._files_state import FileState, with_content
from ._files_validate import check_command
from ._files_world import World, path_of, resource
from ._files_write import Manner, carry_out

ATTRIBUTES = "ownership, perms or SE linux context changed"
"""What Ansible says of a file whose owner or mode was changed."""


class EditParams(FileParams, frozen=True, kw_only=True):
    path: Annotated[LocalPath, aliases("dest", "destfile", "name"), Meta(description="The file to change.")]
    backup: Annotated[bool, Meta(description="Keep what was there beside it.")] = False
    validate: Annotated[
        str | None, Meta(description="A command that must accept the new file, `%s`, first.")
    ] = None


class EditResult(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a file whose text was changed; what does not apply is left out."""

    msg: Annotated[Any, Meta(description="What was done.")] = ""
    backup: Annotated[Any, Meta(description="lineinfile: what was there before, kept beside it.")] = UNSET
    backup_file: Annotated[Any, Meta(description="What was there before, kept beside it.")] = UNSET
    found: Annotated[Any, Meta(description="How many lines were removed.")] = UNSET
    rc: Annotated[Any, Meta(description="replace: 0.")] = UNSET
    diff: Annotated[Any, Meta(description="What was and what is, with --diff.")] = UNSET


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a file."""

    before: FileState | None
    after: FileState | None
    changed: bool
    """Its text."""
    message: str
    attributes: dict[str, Any]
    """What differs in owner and mode."""


def look(ctx: Context, params: EditParams) -> Placing:
    """Look at the file; a link leads to it. Raises Failed when it is a folder."""
    world = World(ctx)
    path = params.path.path
    if world.is_folder(path.rstrip("/") or "/"):
        raise Failed(f"Path {params.path.told()} is a directory !", result={"rc": 256})
    secret = bool(ctx.secret_arguments)
    return see(ctx, world, params, path, written=params.path, follow=True, secret=secret, whole=True)


def edited(seen: Placing, params: EditParams, content: bytes | None, message: str) -> Edited:
    """The file with other bytes (None: there is none, and none is made), owner and mode as asked for."""
    before = seen.before
    if content is None:
        return Edited(before=None, after=None, changed=False, message=message, attributes={})
    old = b"" if before is None else before.content
    changed = before is None or content != old
    if changed:
        check_command(params.validate)
    start = new_file(seen) if before is None else before
    kept = attributed(start, params.mode, seen.owners)
    after = with_content(msgspec.structs.replace(kept, state="file"), content) if changed else kept
    attributes = attributes_diff("", start, kept)
    parts = [message, ATTRIBUTES if len(attributes["before"]) > 1 else ""]
    return Edited(
        before=before,
        after=after,
        changed=changed,
        message=" and ".join(filter(None, parts)),
        attributes=attributes,
    )


def change_of(seen: Placing, made: Edited, result: EditResult) -> Change:
    """The change that makes the file so."""
    differs = made.changed or made.before != made.after
    action = seen.idle if not differs else Action.CREATE if made.before is None else Action.UPDATE
    return Change(
        action=action,
        resource=resource(seen.dest),
        before=made.before,
        after=made.after,
        result=result,
        reason=made.message if differs else "",
        also=tuple(new_folder(*one, None, seen.owners) for one in seen.missing) if differs else (),
    )


def both_diffs(seen: Placing, path: str, made: Edited) -> list[dict[str, Any]]:
    """Two differences, as Ansible tells them: of the content (empty without --diff), and of owner and mode."""
    old, new = "", ""
    if seen.diff:
        old = _shown(made.before)
        new = _shown(made.after)
    shown: dict[str, Any] = {
        name: {key: value for key, value in side.items() if key != "path"}
        for name, side in made.attributes.items()
        if len(side) > 1
    }
    content, attributes = f"{path} (content)", f"{path} (file attributes)"
    return [
        {"before": old, "after": new, "before_header": content, "after_header": content},
        {**shown, "before_header": attributes, "after_header": attributes},
    ]


def _shown(state: FileState | None) -> str:
    return state.content.decode("utf-8", "surrogateescape") if state is not None and state.content else ""


def apply(ctx: Context, params: EditParams, change: Change) -> EditResult:
    """Do it, and tell where the backup is."""
    try:
        kept = carry_out(ctx, change, Manner(backup=params.backup, validate=params.validate))
    except Failed as error:
        if "exit_status" not in error.result:
            raise
        code, said = error.result["exit_status"], error.result["stderr"]
        raise Failed(f"failed to validate: rc:{code} error:{said}", hint=error.hint) from None
    result: EditResult = change.result
    if not kept:
        return result
    name = "backup_file" if result.backup is UNSET else "backup"
    if change.resource == resource(params.path.path):
        kept = params.path.told() + kept.removeprefix(path_of(change.resource))
    return msgspec.structs.replace(result, **{name: kept})


def compiled(pattern: str, what: str, flags: int = 0) -> Any:
    """A regular expression over bytes. Raises Failed."""
    import re

    try:
        return re.compile(pattern.encode("utf-8", "surrogateescape"), flags)
    except re.error as error:
        raise Failed(f"`{what}` is no regular expression: {error}") from None
