"""All that the system knows of a file, by the names that Ansible's `stat` and `find` tell it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from typing import Any

from runbook.errors import Failed
from runbook.values import Unknown

from ._files_state import FileState
from ._files_users import group_name, user_name
from ._files_world import World, resource

_KINDS = {
    "isdir": stat.S_ISDIR,
    "ischr": stat.S_ISCHR,
    "isblk": stat.S_ISBLK,
    "isreg": stat.S_ISREG,
    "isfifo": stat.S_ISFIFO,
    "islnk": stat.S_ISLNK,
    "issock": stat.S_ISSOCK,
}
_BITS = {
    f"{right}{who}": getattr(stat, f"S_I{right.upper()}{who.upper()}")
    for who in ("usr", "grp", "oth")
    for right in ("w", "r", "x")
}
_FLAGS = {
    "A": "noatime",
    "a": "append",
    "c": "compressed",
    "C": "nocow",
    "d": "nodump",
    "D": "dirsync",
    "e": "extents",
    "E": "encrypted",
    "h": "blocksize",
    "i": "immutable",
    "I": "indexed",
    "j": "journalled",
    "N": "inline",
    "s": "zero",
    "S": "synchronous",
    "t": "notail",
    "T": "blockroot",
    "u": "undelete",
    "X": "compressedraw",
    "Z": "compresseddirty",
}
"""Letters of `lsattr`, by the words that Ansible has for them."""

_TIMELESS = ("inode", "dev", "nlink", "atime", "mtime", "ctime")


def facts_of(world: World, path: str) -> dict[str, Any] | None:
    """What `stat` and `find` both tell of what stands there; links are not followed. None: nothing does.

    Of what an earlier step of a dry run would leave there, what only the file system decides is Unknown.
    Raises Failed when it can't be looked at.
    """
    bare = path.rstrip("/") or "/"
    planned = world.planned(bare)
    if planned is not None or world.is_gone(bare):
        return _of_planned(path, planned) if planned is not None else None
    try:
        return {"path": path, **_of_result(os.lstat(bare))}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failed(error.strerror or str(error)) from error


def _of_result(found: os.stat_result) -> dict[str, Any]:
    mode = found.st_mode
    return {
        "mode": f"{stat.S_IMODE(mode):04o}",
        **_told_by_mode(mode),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "size": found.st_size,
        "inode": found.st_ino,
        "dev": found.st_dev,
        "nlink": found.st_nlink,
        "atime": found.st_atime,
        "mtime": found.st_mtime,
        "ctime": found.st_ctime,
        "pw_name": user_name(found.st_uid),
        "gr_name": group_name(found.st_gid),
    }


def _told_by_mode(mode: int) -> dict[str, bool]:
    return {
        **{name: kind(mode) for name, kind in _KINDS.items()},
        **{name: bool(mode & bit) for name, bit in _BITS.items()},
        "isuid": bool(mode & stat.S_ISUID),
        "isgid": bool(mode & stat.S_ISGID),
    }


def _of_planned(path: str, state: FileState) -> dict[str, Any]:
    kind = {"directory": stat.S_IFDIR, "link": stat.S_IFLNK}.get(state.state, stat.S_IFREG)
    name = resource(path)
    return {
        "path": path,
        "mode": f"{state.bits:04o}",
        **_told_by_mode(kind | state.bits),
        "uid": state.uid,
        "gid": state.gid,
        "size": state.size,
        **{field: Unknown(f"{name} {field}") for field in _TIMELESS},
        "pw_name": state.owner,
        "gr_name": state.group,
    }


def device_facts(path: str) -> dict[str, Any]:
    """What `stat` tells beside: blocks, and whether we may read, write and run it. Links are not followed."""
    found = os.lstat(path)
    return {
        "blocks": getattr(found, "st_blocks", 0),
        "block_size": getattr(found, "st_blksize", 0),
        "device_type": getattr(found, "st_rdev", 0),
        "readable": os.access(path, os.R_OK),
        "writeable": os.access(path, os.W_OK),
        "executable": os.access(path, os.X_OK),
    }


def mime_facts(path: str) -> dict[str, Any]:
    """What kind of content it is, as the program `file` tells."""
    told = _said("file", "--mime-type", "--mime-encoding", path)
    kind, _, charset = told.rpartition(": ")[2].partition("; charset=")
    unknown = "unknown"
    if not told or not charset:
        return {"mimetype": unknown, "charset": unknown}
    return {"mimetype": kind.strip(), "charset": charset.strip()}


def attribute_facts(path: str) -> dict[str, Any]:
    """Flags of the file system, as the program `lsattr` tells."""
    version, _, rest = _said("lsattr", "-vd", path).strip().partition(" ")
    flags = rest.strip().partition(" ")[0].replace("-", "")
    return {
        "version": version or None,
        "attributes": [_FLAGS[flag] for flag in flags if flag in _FLAGS],
        "attr_flags": flags,
    }


def _said(program: str, *arguments: str) -> str:
    """What a program wrote; '' when it is not there or failed."""
    found = shutil.which(program)
    if found is None:
        return ""
    ended = subprocess.run([found, *arguments], check=False, capture_output=True)  # noqa: S603 (ours, and it only looks)
    return ended.stdout.decode("utf-8", "replace") if ended.returncode == 0 else ""
