"""Way one of an instance: a Linux user namespace, whose root is this machine's files under an overlay.

What a command writes goes to the instance's own folder; this machine's files are only read. The functions
here run inside the instance's first process, which `instance_agent` starts; nothing of it needs root.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from . import linux_calls as linux

TOOLS = Path("/opt/runbook-sandbox")
SSM_FOLDER = Path("/var/lib/amazon/ssm")

_OVERLAID = ("usr", "etc", "opt", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SHOWN = ("nix", "gnu")  # where some Linux systems keep their compilers; read-only there too
_OWN = ("var", "home", "root", "srv", "tmp")
_EMPTY = ("run", "mnt", "media", "boot", "sys", "proc", "dev")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LARGEST_COPY = 1 << 20


class OverlayPlan(msgspec.Struct, frozen=True, tag="overlay"):
    """What the instance's file tree is made of. All paths are this machine's, absolute."""

    tree: str
    """The instance's folder: `upper`, `work`, `own` and `root` are made in it."""
    tools: str
    """Shown at /opt/runbook-sandbox, read-only."""
    ssm: str
    """Shown at /var/lib/amazon/ssm: the commands' scripts and outputs."""
    hostname: str
    visible: tuple[str, ...] = ()
    """Further folders that the instance must see, read-only, at their own paths."""
    files: dict[str, str] = {}
    """Texts to lay into the tree when it is new, by absolute path."""
    programs: dict[str, str] = {}
    """The same, executable."""
    links: dict[str, str] = {}
    """Links to lay into the tree when it is new: where each points to, by absolute path."""
    in_memory: bool = False
    """Keep what the instance writes in memory, for a folder whose file system can't carry an overlay."""


def words(plan: OverlayPlan) -> str:
    """The way, in plain words."""
    return "user namespace with an overlay" + (" in memory" if plan.in_memory else "")


def enter_namespaces() -> None:
    """Leave this machine's users, mounts, processes, host name. The next child is process 1 of the new ones.

    Raises OSError where the kernel, or this machine's rules, refuse it.
    """
    uid, gid = os.geteuid(), os.getegid()
    wanted = (
        linux.CLONE_NEWUSER | linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC
    )
    if uid == 0 and _unshare_mapping_everyone(wanted):
        return
    if uid != 0:
        linux.unshare(wanted)
    with suppress(FileNotFoundError):  # Linux before 3.19 has no such file, and needs none
        Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def _unshare_mapping_everyone(flags: int) -> bool:
    """As root: unshare, with every user mapped to itself, so that chown works. False: unshared, not mapped."""
    users = _identity(Path("/proc/self/uid_map").read_text())
    groups = _identity(Path("/proc/self/gid_map").read_text())
    go_read, go_write = os.pipe()
    me = os.getpid()
    mapper = os.fork()
    if mapper == 0:  # stays outside, where it may write the maps
        status = 1
        try:
            os.read(go_read, 1)
            Path(f"/proc/{me}/uid_map").write_text(users)
            Path(f"/proc/{me}/gid_map").write_text(groups)
            status = 0
        except OSError:
            status = 2
        finally:
            os._exit(status)
    try:
        linux.unshare(flags)
    finally:
        os.write(go_write, b".")
        os.close(go_read)
        os.close(go_write)
        _, code = os.waitpid(mapper, 0)
    return code == 0


def _identity(text: str) -> str:
    """The map that gives each id of the namespace with the map `text` the same number inside a new one."""
    rows = (line.split() for line in text.splitlines())
    return "".join(f"{inside} {inside} {count}\n" for inside, _, count in rows)


def build_root(plan: OverlayPlan) -> None:
    """Mount the instance's file tree and make it the root. Runs as process 1 of the namespaces.

    Raises OSError where a mount is refused.
    """
    tree, root = Path(plan.tree), Path(plan.tree) / "root"
    root.mkdir(parents=True, exist_ok=True)
    linux.mount("none", Path("/"), flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", root, "tmpfs", options="mode=755")
    layers = tree
    if plan.in_memory:
        layers = root / ".layers"
        layers.mkdir()
    for top in _OVERLAID:
        _show_top(top, root, layers)
    _fill_new_tree(layers)
    for top in _SHOWN:
        if Path("/", top).is_dir():
            (root / top).mkdir()
            linux.bind(Path("/", top), root / top, read_only=True)
    for top in _OWN:
        own, target = layers / "own" / top, root / top
        own.mkdir(parents=True, exist_ok=True)
        target.mkdir()
        linux.bind(own, target)
    for name in ("tmp", "var/tmp"):
        (root / name).mkdir(exist_ok=True)
        (root / name).chmod(0o1777)
    for name in _EMPTY:
        (root / name).mkdir(exist_ok=True)
    _mount_overlays(root, layers)
    _lay_texts(root, layers, plan)
    _show_folders(root, plan)
    _mount_dev(root / "dev")
    _mount_proc(root / "proc")
    linux.pivot_root(root)
    socket.sethostname(plan.hostname)
    # Root of the instance may not undo what is mounted read-only above.
    linux.set_process_option(linux.PR_CAPBSET_DROP, linux.CAP_SYS_ADMIN)


def _show_top(top: str, root: Path, layers: Path) -> None:
    """Repeat a link of this machine's root, or make the folders of an overlay; nothing where it has none."""
    here = Path("/", top)
    if here.is_symlink():
        (root / top).symlink_to(here.readlink())
    elif here.is_dir() or top in {"opt", "etc", "usr"}:
        for folder in (root / top, layers / "upper" / top, layers / "work" / top):
            folder.mkdir(parents=True, exist_ok=True)


def _mount_overlays(root: Path, layers: Path) -> None:
    for top in _OVERLAID:
        target = root / top
        if not target.is_dir() or target.is_symlink() or not Path("/", top).is_dir():
            continue
        upper, work = layers / "upper" / top, layers / "work" / top
        options = f"lowerdir=/{top},upperdir={_escaped(upper)},workdir={_escaped(work)},userxattr"
        linux.mount("overlay", target, "overlay", options=options)


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _fill_new_tree(layers: Path) -> None:
    """Make what the overlay can't make by itself, once for a tree."""
    upper = layers / "upper"
    if (layers / "made").exists():
        return
    if not _maps_other_users():
        # Folders of unmapped owners can't be copied up by the kernel: they must be there before.
        _copy_folders(Path("/usr"), upper / "usr", depth=1)
        _copy_folders(Path("/usr/local"), upper / "usr/local", depth=3)
        _copy_folders(Path("/opt"), upper / "opt", depth=1)
        _copy_folders(Path("/etc"), upper / "etc", depth=8, with_files=True)
    for name in ("resolv.conf", "hosts"):  # mounted over, or links to /run, on many machines
        with suppress(OSError):
            text = Path("/etc", name).read_bytes()
            (upper / "etc" / name).unlink(missing_ok=True)
            (upper / "etc" / name).write_bytes(text)
    (upper / "opt" / TOOLS.name).mkdir(parents=True, exist_ok=True)
    (layers / "own/var/log").mkdir(parents=True, exist_ok=True)


def _maps_other_users() -> bool:
    return sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines()) > 1


def _copy_folders(source: Path, target: Path, *, depth: int, with_files: bool = False) -> None:
    """Make the folders of `source`, `depth` levels deep, again in `target`, as this user's own."""
    target.mkdir(parents=True, exist_ok=True)
    try:
        entries = list(os.scandir(source))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and depth > 0:
            _copy_folders(Path(entry.path), target / entry.name, depth=depth - 1, with_files=with_files)
        elif with_files and entry.is_file(follow_symlinks=False):
            with suppress(OSError):  # what this user may not read stays as unreadable as it is
                if entry.stat().st_size <= _LARGEST_COPY:
                    shutil.copy(entry.path, target / entry.name)


def _lay_texts(root: Path, layers: Path, plan: OverlayPlan) -> None:
    if (layers / "made").exists():
        return
    for texts, mode in ((plan.files, 0o644), (plan.programs, 0o755)):
        for name, text in texts.items():
            path = root / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_text(text)
            path.chmod(mode)
    for name, target in plan.links.items():
        path = root / name.lstrip("/")
        path.unlink(missing_ok=True)
        path.symlink_to(target)
    (layers / "made").touch()


def hidden_folders(folders: list[Path]) -> tuple[str, ...]:
    """Those of `folders` that an instance does not see by itself, to be named as `visible`."""
    return tuple(str(folder) for folder in folders if folder.parts[1] not in {*_OVERLAID, *_SHOWN})


def _show_folders(root: Path, plan: OverlayPlan) -> None:
    shown = [(Path(path), Path(path), True) for path in plan.visible]
    shown += [(Path(plan.tools), TOOLS, True), (Path(plan.ssm), SSM_FOLDER, False)]
    for source, place, read_only in shown:
        target = root / str(place).lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        linux.bind(source, target, read_only=read_only)


def _mount_dev(dev: Path) -> None:
    for name in _DEVICES:
        device = Path("/dev", name)
        if device.exists() and stat.S_ISCHR(device.stat().st_mode):
            (dev / name).touch()
            linux.bind(device, dev / name)
    (dev / "shm").mkdir(mode=0o1777)
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        (dev / name).symlink_to(f"/proc/self/fd/{number}")
    (dev / "fd").symlink_to("/proc/self/fd")
    (dev / "pts").mkdir()
    with suppress(OSError):  # only terminals need it
        linux.mount("devpts", dev / "pts", "devpts", options="newinstance,ptmxmode=0666,mode=620")
        (dev / "ptmx").symlink_to("pts/ptmx")


def _mount_proc(proc: Path) -> None:
    """Mount the instance's own /proc, read-only: its root is this machine's user, who may change settings."""
    flags = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    try:
        linux.mount("proc", proc, "proc", flags)
    except PermissionError:  # in a container, whose own /proc has covered parts
        linux.bind(Path("/proc"), proc, read_only=True)
