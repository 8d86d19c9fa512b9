"""Copy a file into a folder of its own for each host: on this machine a copy like any other.

- fetch:
    src: /etc/hosts
    dest: collected

`dest` becomes `collected/HOST/etc/hosts`; with `flat` it is the file's own place, or, with a slash at its end, its
folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta
from runbook.contract import Action, Change, Context, LocalPath, Params, Permissions, UndoAnswer, no_effect
from runbook.errors import Failed
from runbook.values import Unknown

from . import _files_place
from ._files_arguments import FileParams
from ._files_state import md5
from ._files_undo import PASSING, put_back
from ._files_world import World
from ._files_write import Manner, carry_out

MISSING = "the remote file does not exist, not transferring, ignored"


class FetchParams(Params, frozen=True, kw_only=True):
    src: Annotated[LocalPath, Meta(description="The file.")]
    dest: Annotated[LocalPath, Meta(description="The folder, or with `flat` the file's place.")]
    flat: Annotated[bool, Meta(description="Without folders for host and path.")] = False
    fail_on_missing: Annotated[bool, Meta(description="Fail when it is not there.")] = True
    validate_checksum: Annotated[bool, no_effect("what was written is always read again")] = True


class FetchResult(msgspec.Struct, frozen=True, kw_only=True):
    dest: Annotated[str | msgspec.UnsetType, Meta(description="The copy.")] = UNSET
    file: Annotated[str | msgspec.UnsetType, Meta(description="The file, when nothing was copied.")] = UNSET
    checksum: Annotated[Any, Meta(description="SHA-1 of its content, in hex.")] = UNSET
    remote_checksum: Annotated[Any, Meta(description="The same.")] = UNSET
    md5sum: Annotated[Any, Meta(description="MD5 of its content.")] = UNSET
    remote_md5sum: Annotated[msgspec.UnsetType | None, Meta(description="Nothing.")] = UNSET
    msg: Annotated[str | msgspec.UnsetType, Meta(description="Why nothing was copied.")] = UNSET


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen; no place: there is no file."""

    content: Any = None
    place: _files_place.Placing | None = None


class Fetch:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = FetchParams
    Result: ClassVar[type[msgspec.Struct]] = FetchResult
    permissions: ClassVar[Permissions] = Permissions()
    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: FetchParams) -> str | None:
        return None  # it depends on the host

    def observe(self, ctx: Context, params: FetchParams) -> Observed:
        world = World(ctx)
        src = params.src.path
        state = world.look(world.follow(src.rstrip("/") or "/"), content=True, whole=False)
        if state is None:
            if params.fail_on_missing:
                raise Failed(MISSING)
            return Observed()
        if state.is_folder:
            raise Failed("remote file is a directory, fetch cannot work on directories")
        dest = params.dest.path
        if not params.flat:
            dest = os.path.normpath(f"{dest.rstrip('/')}/{ctx.host}/{params.src.told()}")
        elif dest.endswith("/"):
            dest += os.path.basename(src)  # noqa: PTH119 (a text stays a text)
        elif world.is_folder(dest):
            message = "dest is an existing directory"
            raise Failed(f"{message}, use a trailing slash if you want to fetch src into that directory")
        place = _files_place.see(ctx, world, FileParams(), dest, follow=True)
        return Observed(content=state.content, place=place)

    def plan(self, params: FetchParams, observed: Observed) -> Change:
        src, content = params.src.told(), observed.content
        if observed.place is None:
            return Change(action=Action.NONE, result=FetchResult(file=src, msg=MISSING))
        made = _files_place.plan(observed.place, _files_place.Wanted(content=content, src=src), folders=True)
        if made.action is Action.UNDECIDED:
            return made
        digest = content if isinstance(content, Unknown) else md5(content)
        checksum = made.after.checksum
        result = FetchResult(dest=observed.place.dest, md5sum=digest, checksum=checksum)
        if made.action is Action.NONE:
            result = msgspec.structs.replace(result, file=src)
        else:
            result = msgspec.structs.replace(result, remote_checksum=checksum, remote_md5sum=None)
        return Change(
            action=made.action,
            resource=made.resource,
            before=made.before,
            after=made.after,
            result=result,
            reason=made.reason,
            also=made.also,
        )

    def apply(self, ctx: Context, params: FetchParams, change: Change) -> Any:
        carry_out(ctx, change, Manner())
        return change.result

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return put_back(change)
