"""What modules of files tell of a file, by Ansible's names."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta

from ._files_state import Blob, FileState


class FileResult(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a file that was put in place; what does not apply is left out."""

    dest: Annotated[str | msgspec.UnsetType, Meta(description="The file.")] = UNSET
    path: Annotated[str | msgspec.UnsetType, Meta(description="The file, when its content was right.")] = (
        UNSET
    )
    src: Annotated[str | msgspec.UnsetType | None, Meta(description="Where it was copied from.")] = UNSET
    checksum: Annotated[Any, Meta(description="SHA-1 of its content, in hex.")] = UNSET
    md5sum: Annotated[Any, Meta(description="MD5 of its content, when it was written.")] = UNSET
    backup_file: Annotated[Any, Meta(description="What was there before, kept beside it.")] = UNSET
    diff: Annotated[Any, Meta(description="What was and what is, with --diff.")] = UNSET
    msg: Annotated[str | msgspec.UnsetType, Meta(description="What was done.")] = UNSET
    uid: Annotated[int | msgspec.UnsetType, Meta(description="Number of the user whose it is.")] = UNSET
    gid: Annotated[int | msgspec.UnsetType, Meta(description="Number of the group whose it is.")] = UNSET
    owner: Annotated[str | msgspec.UnsetType, Meta(description="The user whose it is.")] = UNSET
    group: Annotated[str | msgspec.UnsetType, Meta(description="The group whose it is.")] = UNSET
    mode: Annotated[str | msgspec.UnsetType, Meta(description="Permission bits, such as 0644.")] = UNSET
    state: Annotated[str | msgspec.UnsetType, Meta(description="file, directory, link, hard or absent.")] = (
        UNSET
    )
    size: Annotated[Any, Meta(description="Bytes.")] = UNSET


def facts(state: FileState | None) -> dict[str, Any]:
    """The part of a result that tells what stands there; empty when nothing does."""
    if state is None:
        return {}
    names = ("uid", "gid", "owner", "group", "mode", "state", "size")
    return {name: getattr(state, name) for name in names}


def attributes_diff(path: str, before: FileState, after: FileState) -> dict[str, Any]:
    """What differs in owner and mode, as `--diff` shows it."""
    old: dict[str, Any] = {"path": path}
    new: dict[str, Any] = {"path": path}
    for name, field in (("owner", "uid"), ("group", "gid"), ("mode", "mode")):
        if getattr(before, field) != getattr(after, field):
            old[name], new[name] = getattr(before, field), getattr(after, field)
    return {"before": old, "after": new}


LARGEST = 104_448
"""Bytes of a file that `--diff` shows, as Ansible has it (`max_diff_size`)."""


def content_diff(path: str, before: FileState | None, content: bytes | Blob) -> dict[str, Any]:
    """What differs in content, as `--diff` shows it."""
    made: dict[str, Any] = {}
    if before is None:
        made["before"] = ""
    elif isinstance(before.content, bytes | Blob):
        made |= _side("before", path, before.content)
    return made | _side("after", path, content)


def _side(side: str, path: str, content: bytes | Blob) -> dict[str, Any]:
    if isinstance(content, Blob) or len(content) > LARGEST:
        return {"dst_larger" if side == "before" else "src_larger": LARGEST}
    if b"\0" in content:
        return {"dst_binary" if side == "before" else "src_binary": 1}
    return {f"{side}_header": path, side: content.decode("utf-8", "surrogateescape")}
