"""Copying a folder with all that is in it."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from runbook.contract import Action, Change, Context, LocalPath
from runbook.errors import Failed
from runbook.values import Unknown

from . import _files_place
from ._copy_arguments import CopyParams
from ._files_arguments import Owners, attributed, fresh, look_up
from ._files_result import FileResult, facts
from ._files_state import FileState, md5, with_content
from ._files_world import World, resource


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in the folder: what it is there, and the place that it goes to."""

    source: FileState
    src: str
    place: _files_place.Placing


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a folder that is to be copied."""

    src: str
    dest: str
    """As it is told in the result."""
    root: str
    """The folder that what is in `src` goes into."""
    missing: tuple[tuple[str, FileState | None], ...]
    before: FileState | None
    source: FileState
    leaves: tuple[Leaf, ...]
    owners: Owners


def see(ctx: Context, world: World, params: CopyParams, written: LocalPath) -> Tree:
    """Look at all of the folder, and at the places that it goes to. Raises Failed."""
    src, top = written.path, params.dest.path.rstrip("/") or "/"
    target = world.look(world.follow(top))
    if target is not None and not target.is_folder:
        raise Failed(f"Can't copy the folder {src} over {top}, which is no folder")
    inside = src.endswith("/")
    root = top if inside else f"{top}/{os.path.basename(src)}"  # noqa: PTH119 (a text stays a text)
    told = _told(params, root, there=target is not None, inside=inside)
    links = params.local_follow is not True if params.remote_src else params.local_follow is False
    folder = src.rstrip("/") or "/"
    source = world.look(world.follow(folder))
    assert source is not None  # noqa: S101 (the caller saw that it is a folder)
    leaves = tuple(_walk(ctx, world, params, folder, root, links=links))
    return Tree(
        src=written.told(),
        dest=told,
        root=root,
        missing=_files_place.missing_folders(world, root),
        before=world.look(world.follow(root)),
        source=source,
        leaves=leaves,
        owners=look_up(params),
    )


def _told(params: CopyParams, root: str, *, there: bool, inside: bool) -> str:
    dest = params.dest.told()
    if not params.remote_src:
        return f"{dest.rstrip('/')}/"
    told = dest
    if there:
        told = f"{dest.rstrip('/')}/" if inside else params.dest.told(root)
    return _files_place.named(params.dest, told)


def _walk(
    ctx: Context, world: World, params: CopyParams, folder: str, root: str, *, links: bool
) -> list[Leaf]:
    found: list[Leaf] = []
    for name in sorted(world.names(folder)):
        src = f"{folder.rstrip('/')}/{name}"
        source = world.look(src)
        if source is not None and source.state == "link" and not links:
            source = world.look(world.follow(src)) or source  # one that leads nowhere stays a link
        if source is None or source.state == "other":
            continue
        opened = False
        if source.is_file:
            source = world.look(world.follow(src), content=True, whole=False) or source
            opened, source = _opened(ctx, params, src, source)
        place = _files_place.see(
            ctx, world, params, f"{root}/{name}", written=params.dest, follow=False, secret=opened
        )
        found.append(Leaf(source=source, src=src, place=place))
        if source.is_folder:
            found += _walk(ctx, world, params, world.follow(src), f"{root}/{name}", links=links)
    return found


def _opened(ctx: Context, params: CopyParams, src: str, source: FileState) -> tuple[bool, FileState]:
    """A file that stands encrypted beside the playbook, as what is in it; and whether it was one."""
    content = source.content
    if not params.decrypt or params.remote_src or not isinstance(content, bytes):
        return False, source
    plain = ctx.files.opened(content, src)
    return plain is not content, source if plain is content else with_content(source, plain)


def plan(tree: Tree, params: CopyParams) -> Change:
    """All that makes the folder's copy as it was asked for, in one change. Raises Failed."""
    parts = [_leaf(leaf, tree, params) for leaf in tree.leaves]
    made = [part for part in parts if part.action.changes]
    folders: list[Change] = []
    if tree.missing and (tree.leaves or params.remote_src):
        folders = [
            _files_place.new_folder(path, above, _folder_mode(tree, params), tree.owners)
            for path, above in tree.missing
        ]
    top = _top(tree, params, folders)
    also = tuple(one for one in (*folders, *made) if one.resource != top.resource)
    changes = top.action.changes or bool(also)
    action = top.action if top.action.changes else Action.UPDATE if changes else Action.NONE
    number = len(also) + top.action.changes
    return Change(
        action=action,
        resource=top.resource,
        before=top.before,
        after=top.after,
        result=_result(tree, params, parts, top.after),
        reason=f"{number} of the things in it differ" if changes else "",
        also=also,
    )


def _top(tree: Tree, params: CopyParams, folders: list[Change]) -> Change:
    """What becomes of the folder itself."""
    name = resource(tree.root)
    for one in folders:
        if one.resource == name:
            return one
    before = tree.before
    if before is None or not params.remote_src:
        return Change(action=Action.NONE, resource=name, before=before, after=before)
    after = attributed(before, None if params.mode == "preserve" else params.mode, tree.owners)
    action = Action.NONE if before == after else Action.UPDATE
    return Change(action=action, resource=name, before=before, after=after)


def _folder_mode(tree: Tree, params: CopyParams) -> int | str | None:
    """The mode of folders that are made: without a word, what the source has where it is no playbook's."""
    if params.directory_mode is not None or not params.remote_src:
        return params.directory_mode
    return params.mode if params.mode not in (None, "preserve") else tree.source.mode


def _leaf(leaf: Leaf, tree: Tree, params: CopyParams) -> Change:
    source, place = leaf.source, leaf.place
    if source.is_folder:
        return _folder(leaf, params)
    if source.state == "link":
        return _link(leaf)
    mode: int | str | None = params.mode
    if mode == "preserve" or (params.remote_src and place.before is None):
        mode = source.mode
    elif params.remote_src:
        mode = None
    wanted = _files_place.Wanted(
        content=source.content, src=leaf.src, mode=mode, force=params.force, validate=params.validate
    )
    return _files_place.plan(replaced_place(place, tree), wanted, folders=True)


def replaced_place(place: _files_place.Placing, tree: Tree) -> _files_place.Placing:
    """The place as it is once the folders above it are made, which are changes of their own."""
    return msgspec.structs.replace(place, missing=(), above=place.above or tree.source)


def _folder(leaf: Leaf, params: CopyParams) -> Change:
    place = leaf.place
    name = resource(place.dest)
    mode = leaf.source.mode if params.remote_src else params.directory_mode
    if place.before is None:
        return _files_place.new_folder(place.dest, place.above, mode, place.owners)
    before = place.before
    if not before.is_folder and before.state != "link":
        raise Failed(f"Can't copy the folder {leaf.src} over {place.dest}, which is no folder")
    after = attributed(before, None if params.remote_src else mode, place.owners)
    action = Action.NONE if after == before else Action.UPDATE
    return Change(action=action, resource=name, before=before, after=after)


def _link(leaf: Leaf) -> Change:
    place = leaf.place
    name = resource(place.dest)
    after = attributed(
        fresh("link", place.above, src=leaf.source.src, size=leaf.source.size), None, place.owners
    )
    before = place.before
    if before is not None and before.state == "link" and before.src == after.src:
        return Change(action=Action.NONE, resource=name, before=before, after=before)
    action = Action.CREATE if before is None else Action.UPDATE
    return Change(action=action, resource=name, before=before, after=after)


def _result(tree: Tree, params: CopyParams, parts: list[Change], after: FileState | None) -> FileResult:
    if params.remote_src:
        told = FileResult(dest=tree.dest, src=tree.src, **facts(after))
        return msgspec.structs.replace(told, md5sum=None, checksum=None)
    if len(tree.leaves) == 1 and tree.leaves[0].source.is_file:
        only: FileResult = parts[0].result
        return only
    return FileResult(dest=tree.dest, src=tree.src)


def as_remote(change: Change, src: str, content: Any) -> Change:
    """With `remote_src` a result tells the same, whether something was changed or not."""
    told: FileResult | None = change.result
    if told is None or told.uid is msgspec.UNSET:
        told = (
            FileResult(dest=told.dest, src=src, msg="file already exists", **facts(change.after))
            if told
            else None
        )
    else:
        digest = content if isinstance(content, Unknown) else md5(content)
        told = msgspec.structs.replace(told, src=src, md5sum=digest, path=msgspec.UNSET, diff=msgspec.UNSET)
    return Change(
        action=change.action,
        resource=change.resource,
        before=change.before,
        after=change.after,
        result=told,
        reason=change.reason,
        also=change.also,
    )
