"""Put a file, a folder or a text in a place on this machine.

- copy:
    content: "{{ facts | to_nice_json }}"
    dest: report.json
    mode: '0600'
  delegate_to: localhost

`src` is looked for in `files/` beside the playbook, then beside the playbook; with `remote_src` it is a place as
`dest` is. A relative `dest` starts at the playbook's folder. A folder is copied with all that is in it; with a
slash at its end, only what is in it. A new file whose content was made from a secret is for its owner only (0600),
unless `mode` says otherwise. Each file is moved into place whole: a kill leaves the old one or the new one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from runbook.contract import Change, Context, LocalPath, Permissions, UndoAnswer
from runbook.errors import Failed
from runbook.values import Unknown

from . import _copy_tree, _files_place
from ._copy_arguments import CopyParams
from ._files_arguments import FileParams
from ._files_open import open_where_unknown
from ._files_result import FileResult
from ._files_undo import PASSING, put_back
from ._files_world import World
from ._files_write import Manner


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen: one file's place, or a folder's."""

    content: Any = None
    src: str = ""
    mode: int | str | None = None
    place: _files_place.Placing | None = None
    folders: bool = False
    """Folders above the file are made, too."""
    tree: _copy_tree.Tree | None = None


class Copy:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[FileParams]] = CopyParams
    Result: ClassVar[type[msgspec.Struct]] = FileResult
    permissions: ClassVar[Permissions] = Permissions()
    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: CopyParams) -> str | None:
        return None  # which file it is depends on what is at `dest`

    def observe(self, ctx: Context, params: CopyParams) -> Observed:
        if params.src and params.content is not None:
            raise Failed("src and content are mutually exclusive")
        if not params.src and params.content is None:
            raise Failed("src (or content) is required")
        world = World(ctx)
        if not params.src:
            return _text(ctx, world, params)
        if params.remote_src:
            source = ctx.files.place(params.src)
            if world.look(world.follow(source.path.rstrip("/"))) is None:
                raise Failed(f"Source {source.told()} not found")
        else:
            source = LocalPath(ctx.files.find(params.src))
        src = source.path
        if world.is_folder(src.rstrip("/") or "/"):
            return Observed(tree=_copy_tree.see(ctx, world, params, source))
        return _file(ctx, world, params, source)

    @open_where_unknown(lambda observed: observed.place.dest if observed.place is not None else None)
    def plan(self, params: CopyParams, observed: Observed) -> Change:
        if observed.tree is not None:
            return _copy_tree.plan(observed.tree, params)
        assert observed.place is not None  # noqa: S101 (one of the two is there)
        wanted = _files_place.Wanted(
            content=observed.content,
            src=observed.src,
            mode=observed.mode,
            directory_mode=params.directory_mode,
            force=params.force,
            validate=params.validate,
            checksum=params.checksum,
        )
        change = _files_place.plan(observed.place, wanted, folders=observed.folders)
        return _copy_tree.as_remote(change, observed.src, observed.content) if params.remote_src else change

    def apply(self, ctx: Context, params: CopyParams, change: Change) -> Any:
        return _files_place.apply(ctx, change, Manner(backup=params.backup, validate=params.validate))

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return put_back(change)


def _text(ctx: Context, world: World, params: CopyParams) -> Observed:
    dest = params.dest.path
    if dest.endswith("/") or world.is_folder(dest):
        raise Failed("can not use content with a dir as dest", hint="Say the file's name, too.")
    secret = "content" in ctx.secret_arguments
    place = _place(ctx, world, params, dest, secret=secret)
    mode = "0600" if params.mode == "preserve" else params.mode
    return Observed(content=as_bytes(params.content), src=dest, mode=mode, place=place)


def _file(ctx: Context, world: World, params: CopyParams, source: LocalPath) -> Observed:
    src, dest = source.path, params.dest.path
    folders = dest.endswith("/")
    if folders or world.is_folder(dest):
        dest = f"{dest.rstrip('/')}/{os.path.basename(src)}"  # noqa: PTH119 (a text stays a text)
    state = world.look(world.follow(src), content=True, whole=False)
    if state is None or not state.is_file:
        raise Failed(f"{src} is no file")
    content = state.content
    if params.decrypt and not params.remote_src and isinstance(content, bytes):
        content = ctx.files.opened(content, src)
    secret = "src" in ctx.secret_arguments or content is not state.content
    place = _place(ctx, world, params, dest, secret=secret)
    mode = state.mode if params.mode == "preserve" else params.mode
    return Observed(content=content, src=source.told(), mode=mode, place=place, folders=folders)


def _place(
    ctx: Context, world: World, params: CopyParams, dest: str, *, secret: bool
) -> _files_place.Placing:
    written = params.dest
    place = _files_place.see(ctx, world, params, dest, written=written, follow=params.follow, secret=secret)
    return _files_place.with_folder(place, written)


def as_bytes(content: Any) -> Any:
    """What is written for a value: a text as it is, data as JSON; Unknown stays so."""
    if isinstance(content, Unknown | bytes):
        return content
    if isinstance(content, dict | list):
        return json.dumps(content, default=str).encode()
    return str(content).encode("utf-8", "surrogateescape")
