"""Put a file together from the files of a folder, in the order of their names.

- assemble:
    src: conf.d
    dest: whole.conf
    delimiter: "# ----"

`src` is a place on this machine; with `remote_src: false` it is looked for in `files/` beside the playbook.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta
from runbook.contract import Change, Context, LocalPath, Params, Permissions, UndoAnswer, no_effect
from runbook.errors import Failed
from runbook.values import Unknown

from . import _files_place
from ._files_arguments import FileParams
from ._files_result import FileResult
from ._files_state import md5
from ._files_undo import PASSING, put_back
from ._files_world import World
from ._files_write import Manner


class AssembleParams(FileParams, frozen=True, kw_only=True):
    src: Annotated[str, Meta(description="The folder with the parts.")]
    dest: Annotated[LocalPath, Meta(description="The file to make of them.")]
    backup: Annotated[bool, Meta(description="Keep what was there beside it.")] = False
    delimiter: Annotated[str | None, Meta(description=r"A line between the parts; \n and \t count.")] = None
    remote_src: Annotated[bool, Meta(description="`src` is a place, not looked for in files/.")] = True
    regexp: Annotated[str | None, Meta(description="Only parts whose names it finds.")] = None
    ignore_hidden: Annotated[bool, Meta(description="Without parts whose names begin with a dot.")] = False
    validate: Annotated[
        str | None, Meta(description="A command that must accept the new file, `%s`, first.")
    ] = None
    decrypt: Annotated[bool, no_effect("files of a vault are not opened yet")] = True


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """The parts together, and the place that they go to."""

    content: Any
    src: str
    place: _files_place.Placing


class Assemble:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = AssembleParams
    Result: ClassVar[type[msgspec.Struct]] = FileResult
    permissions: ClassVar[Permissions] = Permissions()
    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: AssembleParams) -> str | None:
        return None  # which file it is depends on the links that lead there

    def observe(self, ctx: Context, params: AssembleParams) -> Observed:
        world = World(ctx)
        source = ctx.files.place(params.src) if params.remote_src else LocalPath(ctx.files.find(params.src))
        src, folder = source.told(), source.path.rstrip("/") or "/"
        if world.look(world.follow(folder)) is None:
            raise Failed(f"Source ({src}) does not exist")
        if not world.is_folder(folder):
            raise Failed(f"Source ({src}) is not a directory")
        parts = [
            world.look(world.follow(f"{folder}/{name}"), content=True)
            for name in _names(world, folder, params)
        ]
        found = [part.content for part in parts if part is not None and part.is_file]
        place = _files_place.see(ctx, world, params, params.dest.path, written=params.dest, follow=True)
        return Observed(content=_together(found, params.delimiter), src=src, place=place)

    def plan(self, params: AssembleParams, observed: Observed) -> Change:
        wanted = _files_place.Wanted(
            content=observed.content, src=observed.src, mode=params.mode, validate=params.validate
        )
        made = _files_place.plan(observed.place, wanted, folders=False)
        told: FileResult | None = made.result
        if told is None:
            return made
        told = msgspec.structs.replace(
            told,
            src=observed.src,
            md5sum=observed.content if isinstance(observed.content, Unknown) else md5(observed.content),
            path=UNSET,
            diff=told.diff[0]
            if told.diff and isinstance(told.diff, list) and not params.remote_src
            else UNSET,
            msg="OK" if params.remote_src else UNSET,
        )
        return Change(
            action=made.action,
            resource=made.resource,
            before=made.before,
            after=made.after,
            result=told,
            reason=made.reason,
            also=made.also,
        )

    def apply(self, ctx: Context, params: AssembleParams, change: Change) -> Any:
        return _files_place.apply(ctx, change, Manner(backup=params.backup, validate=params.validate))

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return put_back(change)


def _names(world: World, folder: str, params: AssembleParams) -> list[str]:
    names = sorted(world.names(folder))
    if params.ignore_hidden:
        names = [name for name in names if not name.startswith(".")]
    if params.regexp is None:
        return names
    try:
        pattern = re.compile(params.regexp)
    except re.error as error:
        raise Failed(f'Invalid Regexp ({error}) in "{params.regexp}"') from None
    return [name for name in names if pattern.search(name)]


def _together(parts: list[Any], delimiter: str | None) -> Any:
    """The parts, each on lines of its own; Unknown when one is."""
    unknown = next((part for part in parts if isinstance(part, Unknown)), None)
    if unknown is not None:
        return unknown
    between = codecs.escape_decode(delimiter.encode())[0] if delimiter else b""
    between += b"" if not between or between.endswith(b"\n") else b"\n"
    whole = b""
    for number, part in enumerate(parts):
        if number:
            whole += b"" if not whole or whole.endswith(b"\n") else b"\n"
            whole += between
        whole += part
    return whole
