"""Way two of an instance, where the machine allows no user namespace: a folder with its own HOME and PREFIX.

The commands see this machine's files. What would write outside of the instance's folder is refused by the
strongest guard that the machine offers: Landlock on Linux, the seatbelt sandbox on macOS, else another user's
rights (when the sandbox is root), else plain file permissions. `enter` says which one it is.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from . import linux_calls as linux

_FOLDERS = ("root", "tmp", "etc", "usr/local/bin", "usr/local/sbin", "usr/local/src", "var/log", "opt")
_WRITABLE_DEVICES = ("null", "zero", "full", "tty", "ptmx")
_NOBODY = 65534


class PrivatePlan(msgspec.Struct, frozen=True, tag="private"):
    """What the instance's folder is made of. All paths are this machine's, absolute."""

    tree: str
    """The instance's folder; `own` in it stands for its root."""
    ssm: str
    """Where the commands' scripts and outputs are."""
    files: dict[str, str] = {}
    """Texts to lay into the folder when it is new, by absolute path in the instance."""
    programs: dict[str, str] = {}
    """The same, executable."""
    guarded_outside: bool = False
    """The host has started this process under a guard already."""


class Guard(NamedTuple):
    """What keeps the commands in their folder, in plain words, and the user whose rights they have if it is
    not the sandbox's own."""

    words: str
    owner: int | None = None


def root_of(tree: Path) -> Path:
    """The folder that stands for the instance's root."""
    return tree / "own"


def environment(tree: Path, tools: Path) -> dict[str, str]:
    """What makes programs stay in the folder: their home, their prefix, and our tools before the machine's."""
    root = root_of(tree)
    path = [root / "usr/local/sbin", root / "usr/local/bin", tools / "private", tools / "bin"]
    machine = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/opt/homebrew/bin"
    return {
        "PATH": ":".join([*map(str, path), machine]),
        "HOME": str(root / "root"),
        "PREFIX": str(root / "usr/local"),
        "TMPDIR": str(root / "tmp"),
        "RUNBOOK_SANDBOX_ROOT": str(root),
    }


def enter(plan: PrivatePlan) -> Guard:
    """Make the folder, then give up the right to write outside of it.

    Raises OSError if this process is root and there is no guard: it could change the machine.
    """
    root = root_of(Path(plan.tree))
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for texts, mode in ((plan.files, 0o644), (plan.programs, 0o755)):
        for name, text in texts.items():
            path = root / name.lstrip("/")
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                path.chmod(mode)
    if sys.platform == "linux":
        linux.set_process_option(linux.PR_SET_CHILD_SUBREAPER)
    return _guard(plan, root)


def _guard(plan: PrivatePlan, root: Path) -> Guard:
    if plan.guarded_outside:
        return Guard("private folder, writes outside of it refused by the system's sandbox")
    if sys.platform == "linux" and linux.landlock_version():
        devices = [path for name in _WRITABLE_DEVICES if (path := Path("/dev", name)).exists()]
        linux.write_only_beneath([root, Path(plan.ssm)], devices)
        return Guard("private folder, writes outside of it refused by Landlock")
    if os.geteuid() == 0:
        _become_nobody(root, Path(plan.ssm))
        return Guard("private folder, commands run as nobody", _NOBODY)
    return Guard("private folder, guarded by file permissions alone")


def _become_nobody(*owned: Path) -> None:
    """Give the folders and this process to `nobody`. Raises OSError if that user can't reach them."""
    for folder in owned:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    for folder in owned:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(
                f"commands would run as root here and could change this machine, and the user nobody can't "
                f"reach {folder}: run the sandbox as an ordinary user, or in a folder that all may enter"
            )


def seatbelt_profile(folders: list[Path]) -> str:
    """The profile for macOS's sandbox-exec that refuses writes outside of `folders`."""
    # The sandbox compares real paths: /var is a link on macOS.
    real = (str(folder.resolve()) for folder in folders)
    quoted = (folder.replace("\\", "\\\\").replace('"', '\\"') for folder in real)
    places = "".join(f' (subpath "{folder}")' for folder in quoted)
    devices = "".join(f' (literal "/dev/{name}")' for name in _WRITABLE_DEVICES)
    return f'(version 1)(allow default)(deny file-write*)(allow file-write*{places}{devices} (regex #"^/dev/fd/"))'


def descendants(pid: int) -> list[int]:
    """The processes below `pid`, however deep; children only where there is no /proc."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError, ValueError):
            children += [int(number) for number in task.read_text().split()]
    return children
