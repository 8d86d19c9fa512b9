"""Whose a file is and who may do what with it: arguments that all modules of files have."""

from __future__ import annotations

import os
import stat
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.contract import Params, aliases, no_effect, refused

from ._files_mode import BITS, octal, umask, wanted_bits
from ._files_state import FileState
from ._files_users import group_name, group_number, user_name, user_number

_SELINUX = no_effect("SELinux is left alone")


class FileParams(Params, frozen=True, kw_only=True):
    """`mode`, `owner` and `group`, and what Ansible has beside them."""

    mode: Annotated[
        int | str | None,
        Meta(description="Permission bits: '0644' in quotes, or symbols such as u=rw,g=r,o=."),
    ] = None
    owner: Annotated[str | None, Meta(description="The user whose it is: a name or a number.")] = None
    group: Annotated[str | None, Meta(description="The group whose it is: a name or a number.")] = None
    attributes: Annotated[
        Any, aliases("attr"), refused("flags of the file system (chattr) are not kept; use a command")
    ] = None
    seuser: Annotated[str | None, _SELINUX] = None
    serole: Annotated[str | None, _SELINUX] = None
    setype: Annotated[str | None, _SELINUX] = None
    selevel: Annotated[str | None, _SELINUX] = None
    unsafe_writes: Annotated[bool, no_effect("a file is always replaced whole")] = False


class Owners(msgspec.Struct, frozen=True, kw_only=True):
    """Who was asked for, looked up; None: nobody in particular."""

    uid: int | None = None
    gid: int | None = None


def look_up(params: FileParams) -> Owners:
    """The numbers of `owner` and `group`. Raises Failed when there is no such user or group."""
    return Owners(uid=user_number(params.owner), gid=group_number(params.group))


def attributed(state: FileState, mode: int | str | None, owners: Owners) -> FileState:
    """The state with the mode and owners that were asked for. Raises Failed for a mode that means nothing."""
    uid = state.uid if owners.uid is None else owners.uid
    gid = state.gid if owners.gid is None else owners.gid
    bits = state.bits
    if state.is_file and (uid, gid) != (state.uid, state.gid):
        bits &= ~stat.S_ISUID  # the system takes these off a file that changes hands
        bits &= ~stat.S_ISGID if bits & stat.S_IXGRP else BITS
    if mode not in (None, "") and state.state != "link":  # a link has no mode of its own
        bits = wanted_bits(mode if mode is not None else "", bits, folder=state.is_folder)
    return msgspec.structs.replace(
        state, uid=uid, gid=gid, owner=user_name(uid), group=group_name(gid), mode=octal(bits)
    )


def fresh(kind: str, above: FileState | None = None, **fields: Any) -> FileState:
    """A thing that is not there yet, as the system makes it for us when nothing else is said. `above`: the folder
    that it is made in; one with the set-group bit passes its group on."""
    bits = 0o777 if kind == "link" else (0o777 if kind == "directory" else 0o666) & ~umask()
    uid, gid = (os.geteuid(), os.getegid()) if hasattr(os, "geteuid") else (0, 0)
    if above is not None and above.bits & stat.S_ISGID:
        gid = above.gid
        bits |= stat.S_ISGID if kind == "directory" else 0
    made = FileState(
        state=kind, mode=octal(bits), uid=uid, gid=gid, owner=user_name(uid), group=group_name(gid)
    )
    return msgspec.structs.replace(made, **fields)
