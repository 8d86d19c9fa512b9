"""Putting back what stood at a path: the undo of all modules that change files on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.contract import Change, Undo, UndoAnswer

from ._files_world import path_of

FILES = frozenset({"file", "hard"})

PASSING = frozenset({"size"})
"""It follows from the content."""


def put_back(change: Change) -> UndoAnswer:
    """What makes the thing at the change's path as it was before."""
    path = path_of(change.resource or "")
    before, after = change.before, change.after
    if not path:
        return "which file it changed is not recorded"
    if before is None:
        content = after["content"] if after is not None and after["state"] in FILES else None
        look = (
            Undo(module="copy", arguments={"dest": path, "content": content}) if content is not None else None
        )
        return Undo(module="file", arguments={"path": path, "state": "absent"}, look=look)
    whose = {
        name: str(before[key]) for name, key in (("owner", "uid"), ("group", "gid")) if _moved(change, key)
    }
    if before["state"] == "link":
        link = {"path": path, "state": "link", "src": before["src"], "force": True, "follow": False}
        return Undo(module="file", arguments={**link, **whose})
    if before["state"] not in {"directory", *FILES}:
        return f"{path} was neither a file, a folder nor a link"
    kept = {"mode": before["mode"], **whose}
    if before["state"] == "directory":
        return Undo(module="file", arguments={"path": path, "state": "directory", "follow": False, **kept})
    if after is not None and after["state"] in FILES and not _moved(change, "checksum"):
        return _attributes(path, change, kept)
    return _content(path, before, kept)


def _attributes(path: str, change: Change, kept: Mapping[str, Any]) -> UndoAnswer:
    """The content stays; so do times, which only a touch is about."""
    if _moved(change, "state"):
        return f"{path} has another name more or less, which is taken back on its own"
    if not any(_moved(change, name) for name in ("mode", "uid", "gid")):
        return f"of {path} nothing but its times was changed"
    return Undo(module="file", arguments={"path": path, "state": "file", "follow": False, **kept})


def _content(path: str, before: Mapping[str, Any], kept: Mapping[str, Any]) -> UndoAnswer:
    content = before["content"]
    if isinstance(content, str):
        content = content.encode()
    if not isinstance(content, bytes):
        return f"what {path} held was not kept: it was too large, or it was not read"
    return Undo(module="copy", arguments={"dest": path, "content": content, **kept})


def _moved(change: Change, field: str) -> bool:
    before, after = change.before, change.after
    return after is not None and before.get(field) != after.get(field)
