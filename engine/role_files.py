"""The files of a role on disk: where roles are looked for, and which file of a folder counts (Ansible's rules)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

ENDINGS = (".yml", ".yaml", ".json")

SYSTEM_ROLES = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")
"""Where Ansible looks when nothing says where roles are."""


def roles_folders(given: Sequence[str]) -> tuple[str, ...]:
    """Folders of roles beside those of the playbook: what the operator says, else where Ansible looks."""
    return tuple(str(Path(one).expanduser()) for one in (given or SYSTEM_ROLES))


def role_places(name: str, playbook_dir: Path, folders: Sequence[str], beside: Path | None) -> Iterator[Path]:
    """Where a role can be, the best place first. `beside`: the folder of the role that needs it."""
    roots = [playbook_dir / "roles", *map(Path, folders), *([beside] if beside else []), playbook_dir, Path()]
    for root in dict.fromkeys(roots):
        yield Path(os.path.normpath(Path(root, Path(name).expanduser()).absolute()))


def main_files(folder: Path, named: str | None, *, whole_folder: bool = False) -> list[Path]:
    """The file of that name in a folder of a role, or `main`; with or without an ending.

    whole_folder: a folder of that name counts, too: all its files, in the order of their names.
    """
    endings = (*ENDINGS, "") if named is None else ("", *ENDINGS)
    for ending in endings:
        path = folder / f"{named or 'main'}{ending}"
        if path.is_dir() and whole_folder:
            return _inside(path)
        if path.is_file():
            return [path]
    return []


def _inside(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir():
            found += _inside(path)
        elif path.suffix in (*ENDINGS, ""):
            found.append(path)
    return found
