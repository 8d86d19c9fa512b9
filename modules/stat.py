"""Look at a file, a folder or a link: whether it is there, and all that the system knows of it.

- stat:
    path: report.json
  register: report
- assert:
    that: report.stat.exists

A relative `path` starts at the playbook's folder.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import Action, Change, Context, LocalPath, Params, Permissions, aliases
from runbook.errors import Failed
from runbook.values import Unknown

from ._files_state import digest_of
from ._files_world import World, resource
from ._stat_facts import attribute_facts, device_facts, facts_of, mime_facts

Algorithm = Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]


class StatParams(Params, frozen=True, kw_only=True):
    path: Annotated[LocalPath, aliases("dest", "name"), Meta(description="What to look at.")]
    follow: Annotated[bool, Meta(description="A link stands for what it leads to.")] = False
    get_checksum: Annotated[bool, Meta(description="With a file's checksum.")] = True
    checksum_algorithm: Annotated[
        Algorithm, aliases("checksum", "checksum_algo"), Meta(description="Which one.")
    ] = "sha1"
    get_mime: Annotated[
        bool, aliases("mime", "mime_type", "mime-type"), Meta(description="With the kind of content.")
    ] = True
    get_attributes: Annotated[
        bool, aliases("attr", "attributes"), Meta(description="With flags of the file system.")
    ] = True


class StatResult(msgspec.Struct, frozen=True, kw_only=True):
    stat: Annotated[
        dict[str, Any],
        Meta(description="exists; path, mode, size, isdir, mtime, checksum, ... when it does."),
    ]


class Stat:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = StatParams
    Result: ClassVar[type[msgspec.Struct]] = StatResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: StatParams) -> str | None:
        return None  # it changes nothing

    def observe(self, ctx: Context, params: StatParams) -> StatResult:
        world = World(ctx)
        path = params.path.path
        end = world.follow(path.rstrip("/") or "/") if params.follow else path
        told = facts_of(world, end)
        if told is None:
            return StatResult(stat={"exists": False})
        bare = end.rstrip("/") or "/"
        told |= {"exists": True, "path": params.path.told(path)}
        if world.planned(bare) is not None:
            return StatResult(stat=told | _planned(params, world, bare, told))
        told |= device_facts(bare)
        if told["islnk"]:
            told |= {"lnk_source": os.path.realpath(bare), "lnk_target": os.readlink(bare)}  # noqa: PTH115
        if told["isreg"] and params.get_checksum and told["readable"]:
            told["checksum"] = _digest(bare, params.checksum_algorithm)
        told |= mime_facts(path.rstrip("/") or "/") if params.get_mime else {}
        told |= attribute_facts(path.rstrip("/") or "/") if params.get_attributes else {}
        return StatResult(stat=told)

    def plan(self, params: StatParams, observed: StatResult) -> Change:
        return Change(action=Action.NONE, result=observed)

    def apply(self, ctx: Context, params: StatParams, change: Change) -> Any:
        return change.result


def _digest(path: str, algorithm: str) -> str:
    try:
        return digest_of(path, algorithm)
    except OSError as error:
        raise Failed(f"Can't read {path}: {error.strerror}") from error


def _planned(params: StatParams, world: World, path: str, told: dict[str, Any]) -> dict[str, Any]:
    """Of what is planned only: the content is known, the rest is the file system's."""
    names = ["blocks", "block_size", "device_type", "readable", "writeable", "executable"]
    names += ["mimetype", "charset"] if params.get_mime else []
    names += ["version", "attributes", "attr_flags"] if params.get_attributes else []
    made: dict[str, Any] = {name: Unknown(f"{resource(path)} {name}") for name in names}
    state = world.look(path, content=True)
    if told["islnk"] and state is not None:
        made |= {"lnk_source": world.follow(path), "lnk_target": state.src}
    if told["isreg"] and params.get_checksum and state is not None:
        sha1 = params.checksum_algorithm == "sha1"
        made["checksum"] = state.checksum if sha1 else _hashed(params, state.content)
    return made


def _hashed(params: StatParams, content: Any) -> Any:
    import hashlib

    if not isinstance(content, bytes):
        return Unknown("a file's checksum")
    return hashlib.new(params.checksum_algorithm, content, usedforsecurity=False).hexdigest()
