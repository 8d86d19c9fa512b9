"""Filters on paths, of this machine's kind and of Windows'."""

from __future__ import annotations

import glob
import ntpath
import os
import posixpath
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def path_join(parts: Any) -> str:
    if isinstance(parts, str):
        return posixpath.join(parts)
    if isinstance(parts, Sequence):
        return posixpath.join(*parts)
    raise ValueError(f"|path_join expects string or sequence, got {type(parts)} instead.")


def commonpath(paths: Any) -> str:
    if isinstance(paths, str) or not isinstance(paths, Sequence):
        raise ValueError("commonpath takes a list of paths")  # noqa: TRY004 (the operator's mistake)
    return os.path.commonpath(paths)


def fileglob(pattern: str) -> list[str]:
    """Files, not folders."""
    return [path for path in glob.glob(pattern) if os.path.isfile(path)]  # noqa: PTH113, PTH207 (text in and out)


def relpath(path: str, start: str | None = None) -> str:
    return os.path.relpath(path, start or ".")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "basename": lambda path: posixpath.basename(path),
    "commonpath": commonpath,
    "dirname": lambda path: posixpath.dirname(path),
    "expanduser": lambda path: os.path.expanduser(path),  # noqa: PTH111 (text in and out)
    "expandvars": lambda path: os.path.expandvars(path),
    "fileglob": fileglob,
    "normpath": lambda path: os.path.normpath(path),
    "path_join": path_join,
    "realpath": lambda path: str(Path(path).resolve()),
    "relpath": relpath,
    "splitext": lambda path: list(posixpath.splitext(path)),
    "win_basename": lambda path: ntpath.basename(path),
    "win_dirname": lambda path: ntpath.dirname(path),
    "win_splitdrive": lambda path: list(ntpath.splitdrive(path)),
}
