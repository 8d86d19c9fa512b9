"""The few Linux calls that Python has no function for: namespaces, mounts, Landlock.

Nothing is loaded when this is imported; each call raises OSError where the kernel refuses or lacks it.
"""

from __future__ import annotations

import ctypes
import os
from enum import IntFlag
from functools import cache
from pathlib import Path
from typing import Any

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x4_0000
MNT_DETACH = 2
CAP_SYS_ADMIN = 21

PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
# The same numbers on every architecture since Linux 5.0.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _syscall(number: int, what: str, *arguments: Any) -> int:
    return _checked(int(_libc().syscall(ctypes.c_long(number), *arguments)), what)


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` (CLONE_*)."""
    _checked(_libc().unshare(flags), "unshare")


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount `source` on `target`. Raises OSError."""
    result = _libc().mount(
        source.encode(), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _checked(result, f"mount {kind or source} on {target}")


def bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    """Make `source` appear at `target`, with what is mounted in it. Raises OSError."""
    mount(str(source), target, flags=MS_BIND | MS_REC)
    if read_only:
        kept = os.statvfs(target).f_flag & (
            MS_NOSUID | MS_NODEV | MS_NOEXEC
        )  # a namespace may not clear them
        mount("none", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def pivot_root(new_root: Path) -> None:
    """Make `new_root` the root of this mount namespace, and let go of the old one. Raises OSError."""
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"pivot_root: no call number known for {os.uname().machine}")
    os.chdir(new_root)
    # The old root comes to lie on top of the new one, and is taken off: pivot_root(2), "pivot_root . .".
    _syscall(number, "pivot_root", b".", b".")
    _checked(_libc().umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")


def set_process_option(option: int, value: int = 1) -> None:
    """Call prctl(2) with a PR_* `option`."""
    zero = ctypes.c_ulong(0)
    _checked(_libc().prctl(option, ctypes.c_ulong(value), zero, zero, zero), "prctl")


class Access(IntFlag):
    """What Landlock can refuse beneath a folder, as linux/landlock.h numbers it; only what writes."""

    WRITE_FILE = 1 << 1
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14


_SCOPE_SIGNAL = 1 << 1


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def landlock_version() -> int:
    """Landlock's version in this kernel; 0 if there is none."""
    try:
        return _syscall(_LANDLOCK_CREATE_RULESET, "landlock", None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    except OSError:
        return 0


def write_only_beneath(folders: list[Path], files: list[Path]) -> None:
    """From here on, this process and its children can write only in `folders` and to `files`.

    Signals reach only processes under the same rule, where the kernel knows that (Landlock 6). Permission
    bits and owners are not covered by Landlock. Raises OSError where there is no Landlock.
    """
    version = landlock_version()
    if version < 1:
        raise OSError("this kernel has no Landlock")
    handled = Access(sum(Access))
    if version < 3:
        handled &= ~Access.TRUNCATE
    if version < 2:
        handled &= ~Access.REFER
    attributes = _Ruleset(handled, 0, _SCOPE_SIGNAL if version >= 6 else 0)
    # An older kernel knows a shorter structure, and wants what it does not know to be zero or absent.
    size = 24 if version >= 6 else 8
    ruleset = _syscall(
        _LANDLOCK_CREATE_RULESET,
        "landlock",
        ctypes.byref(attributes),
        ctypes.c_size_t(size),
        ctypes.c_uint32(0),
    )
    try:
        for path in folders:
            _allow(ruleset, path, handled)
        for path in files:
            _allow(ruleset, path, handled & (Access.WRITE_FILE | Access.TRUNCATE))
        set_process_option(PR_SET_NO_NEW_PRIVS)
        _syscall(_LANDLOCK_RESTRICT_SELF, "landlock", ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, access: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathRule(access, parent)
        _syscall(
            _LANDLOCK_ADD_RULE,
            "landlock",
            ctypes.c_int(ruleset),
            ctypes.c_int(1),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(parent)
