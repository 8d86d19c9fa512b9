"""Going through folders for `find`."""

from __future__ import annotations

import hashlib
from typing import Any

from runbook.contract import LocalPath
from runbook.errors import Failed
from runbook.values import Unknown

from ._files_world import World
from ._find_filters import Filters
from ._stat_facts import facts_of


def walk(
    world: World, place: LocalPath, filters: Filters, limit: int | None
) -> tuple[list[dict[str, Any]], int]:
    """What is found below a folder, and how many things were looked at.

    Raises Failed when it is none, or can't be read; `examined` in its result counts what was looked at before.
    """
    top = place.path.rstrip("/") or "/"
    if not world.is_folder(top):
        raise Failed(f"'{place.told()}' is not a directory")
    found: list[dict[str, Any]] = []
    examined, waiting = 0, [(top, 1)]
    while waiting:
        folder, depth = waiting.pop(0)
        files, folders = _listed(world, folder)
        examined += len(files) + len(folders)
        if filters.depth is not None and depth > filters.depth:
            continue
        for path, facts in (*files, *folders):
            try:
                fits = _fits(world, path, facts, filters)
            except Failed as error:
                error.result.setdefault("examined", examined)
                raise
            if fits:
                found.append(_told(world, path, facts, filters))
                if limit is not None and len(found) >= limit:
                    return found, examined
        if filters.recurse:
            below = [path for path, facts in folders if facts["isdir"] or filters.follow]
            waiting[:0] = [(path, depth + 1) for path in below]
    return found, examined


def _listed(
    world: World, folder: str
) -> tuple[list[tuple[str, dict[str, Any]]], list[tuple[str, dict[str, Any]]]]:
    """Files, and folders with links to some, each with what is known of it."""
    files: list[tuple[str, dict[str, Any]]] = []
    folders: list[tuple[str, dict[str, Any]]] = []
    for name in world.names(folder):
        path = f"{folder.rstrip('/')}/{name}"
        facts = facts_of(world, path)
        if facts is not None:
            (folders if world.is_folder(path) else files).append((path, facts))
    return files, folders


def _fits(world: World, path: str, facts: dict[str, Any], filters: Filters) -> bool:
    if not (filters.is_kind(facts) and filters.named(path.rpartition("/")[2]) and filters.fits(facts)):
        return False
    if filters.contains is None or filters.kind != "file":
        return True
    state = world.look(path, content=True)
    return state is not None and filters.holds(state.content)


def _told(world: World, path: str, facts: dict[str, Any], filters: Filters) -> dict[str, Any]:
    if filters.algorithm is None or not facts["isreg"]:
        return facts
    state = world.look(path, content=True)
    content = state.content if state is not None else b""
    if isinstance(content, Unknown):
        return {**facts, "checksum": content}
    return {**facts, "checksum": hashlib.new(filters.algorithm, content, usedforsecurity=False).hexdigest()}
