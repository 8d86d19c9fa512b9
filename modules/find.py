"""Find files by name, kind, age, size, mode or content.

- find:
    paths: out
    patterns: "*.json"
    age: 7d
    recurse: true
  register: old

Nothing is changed; what is found is told in the order in which the system lists it, the files of a folder before
its folders.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, Params, Permissions, aliases
from runbook.errors import Failed

from ._files_world import World
from ._find_filters import Filters, seconds, units
from ._find_walk import walk


class FindParams(Params, frozen=True, kw_only=True):
    paths: Annotated[list[str], aliases("name", "path"), Meta(description="The folders to look in.")]
    patterns: Annotated[
        list[str], aliases("pattern"), Meta(description="Names, such as *.txt; one must fit.")
    ] = msgspec.field(default_factory=list)
    excludes: Annotated[list[str], aliases("exclude"), Meta(description="Names that must not fit.")] = (
        msgspec.field(default_factory=list)
    )
    use_regex: Annotated[bool, Meta(description="Names are regular expressions.")] = False
    contains: Annotated[str | None, Meta(description="A regular expression for a line of the file.")] = None
    read_whole_file: Annotated[bool, Meta(description="For the whole file instead.")] = False
    encoding: Annotated[str, Meta(description="How the file's text is encoded.")] = "utf-8"
    file_type: Annotated[Literal["any", "directory", "file", "link"], Meta(description="What to find.")] = (
        "file"
    )
    age: Annotated[str | None, Meta(description="At least so old: 10s, 5m, 2h, 3d, 4w; with -, at most.")] = (
        None
    )
    age_stamp: Annotated[Literal["atime", "ctime", "mtime"], Meta(description="Which time it is about.")] = (
        "mtime"
    )
    size: Annotated[str | None, Meta(description="At least so large: 10, 1k, 2m; with -, at most.")] = None
    mode: Annotated[int | str | None, Meta(description="Permission bits.")] = None
    exact_mode: Annotated[bool, Meta(description="Those bits, not just some of them.")] = True
    recurse: Annotated[bool, Meta(description="In folders below, too.")] = False
    depth: Annotated[int | None, Meta(description="At most so many folders deep.")] = None
    hidden: Annotated[bool, Meta(description="Names that begin with a dot, too.")] = False
    follow: Annotated[bool, Meta(description="Into folders that links lead to.")] = False
    get_checksum: Annotated[bool, Meta(description="With the files' checksums.")] = False
    checksum_algorithm: Annotated[
        Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
        aliases("checksum", "checksum_algo"),
        Meta(description="Which one."),
    ] = "sha1"
    limit: Annotated[int | None, Meta(description="At most so many.")] = None


class FindResult(msgspec.Struct, frozen=True, kw_only=True):
    files: Annotated[list[dict[str, Any]], Meta(description="What was found, each as `stat` tells it.")]
    matched: Annotated[int, Meta(description="How many that are.")]
    examined: Annotated[int, Meta(description="How many were looked at.")]
    skipped_paths: Annotated[dict[str, str], Meta(description="Folders that could not be read, and why.")]
    msg: Annotated[str, Meta(description="Whether all could be read.")]


class Find:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = FindParams
    Result: ClassVar[type[msgspec.Struct]] = FindResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: FindParams) -> str | None:
        return None  # it changes nothing

    def observe(self, ctx: Context, params: FindParams) -> FindResult:
        filters = _filters(params)
        world = World(ctx)
        files: list[dict[str, Any]] = []
        skipped: dict[str, str] = {}
        examined, full = 0, False
        for told in params.paths:
            place = ctx.files.place(told)
            try:
                found, seen = walk(
                    world, place, filters, None if params.limit is None else params.limit - len(files)
                )
            except Failed as error:
                skipped[place.told()] = error.message
                examined += int(str(error.result.get("examined", 0)))
                continue
            files += [{**one, "path": os.path.normpath(place.told(one["path"]))} for one in found]
            examined += seen
            full = params.limit is not None and len(files) >= params.limit
            if full:
                break
        return FindResult(
            files=files,
            matched=len(files),
            examined=examined,
            skipped_paths=skipped,
            msg=_message(full, skipped),
        )

    def plan(self, params: FindParams, observed: FindResult) -> Change:
        warnings = tuple(
            f"Skipped '{path}' path due to this access issue: {why}\n"
            for path, why in observed.skipped_paths.items()
        )
        return Change(action=Action.NONE, result=observed, warnings=warnings)

    def apply(self, ctx: Context, params: FindParams, change: Change) -> Any:
        return change.result


def _message(full: bool, skipped: dict[str, str]) -> str:
    if full:
        return "Limit of matches reached"
    return "Not all paths examined, check warnings for details" if skipped else "All paths examined"


def _filters(params: FindParams) -> Filters:
    return Filters(
        patterns=tuple(params.patterns),
        excludes=tuple(params.excludes),
        regex=params.use_regex,
        contains=params.contains,
        whole=params.read_whole_file,
        encoding=params.encoding,
        kind=params.file_type,
        age=seconds(params.age),
        stamp=params.age_stamp,
        size=units(params.size),
        mode=params.mode,
        exact=params.exact_mode,
        hidden=params.hidden,
        recurse=params.recurse,
        depth=params.depth,
        follow=params.follow,
        algorithm=params.checksum_algorithm if params.get_checksum else None,
    )
