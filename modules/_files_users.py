"""Users and groups by name and number: the only file that asks for what POSIX alone has."""

from __future__ import annotations

import functools

from runbook.errors import Failed


def user_number(name: str | None) -> int | None:
    """The number of a user, who may be told by number. Raises Failed when there is no such user."""
    if name is None or name.isdecimal():
        return int(name) if name else None
    try:
        import pwd

        return pwd.getpwnam(name).pw_uid
    except (ImportError, KeyError):
        raise Failed(f"chown failed: failed to look up user {name}") from None


def group_number(name: str | None) -> int | None:
    """The number of a group, which may be told by number. Raises Failed when there is no such group."""
    if name is None or name.isdecimal():
        return int(name) if name else None
    try:
        import grp

        return grp.getgrnam(name).gr_gid
    except (ImportError, KeyError):
        raise Failed(f"chgrp failed: failed to look up group {name}") from None


@functools.lru_cache(maxsize=256)
def user_name(uid: int) -> str:
    """The name of a user; the number as text when it has none."""
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)


@functools.lru_cache(maxsize=256)
def group_name(gid: int) -> str:
    """The name of a group; the number as text when it has none."""
    try:
        import grp

        return grp.getgrgid(gid).gr_name
    except (ImportError, KeyError):
        return str(gid)
