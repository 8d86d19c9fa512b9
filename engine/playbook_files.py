"""Files that arguments name, beside the playbook."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .contract import LocalFile, LocalPath, RenderedFile, TemplateSyntax
from .errors import Failed
from .model import Task
from .scope import VariableScope
from .search_path import SearchPath
from .template import Templates
from .values import Secret


@dataclass(frozen=True, slots=True)
class PlaybookFiles:
    """Looked for in `files/` or `templates/` of the task's folders, as Ansible does. `base`: the playbook's own."""

    base: Path
    templates: Templates
    scope: VariableScope
    task: Task | None = None

    def local(self, name: str) -> LocalFile:
        path = self._find(name, "files")
        try:
            return LocalFile(str(path), path.read_bytes())
        except OSError as error:
            raise Failed(f"Can't read {path}: {error.strerror}") from error

    def rendered(self, name: str) -> RenderedFile:
        path = self._find(name, "templates")
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Failed(f"Can't read the template {path}: {error}") from error
        return RenderedFile(str(path), self.templates.render_text(source, self.scope, str(path)))

    def place(self, name: str) -> LocalPath:
        return placed(self.base, name)

    def find(self, name: str, folder: str = "files") -> str:
        path = next((path for path in self._places(name, folder) if path.exists()), None)
        if path is None:
            raise self._missing(name, folder)
        return f"{path}{os.sep}" if name.endswith(("/", os.sep)) else str(path)

    def render(self, name: str, dest: str, syntax: TemplateSyntax) -> RenderedFile:
        path = self._find(name, "templates")
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Failed(f"Can't read the template {path}: {error}") from error
        scope = self.scope.child(_told(name, path, dest))
        text = self.templates.render_text(source, scope, str(path), syntax)
        return RenderedFile(str(path), Secret.reveal(text), secret=isinstance(text, Secret))

    def _find(self, name: str, folder: str) -> Path:
        path = next((path for path in self._places(name, folder) if path.is_file()), None)
        if path is None:
            raise self._missing(name, folder)
        return path

    def _places(self, name: str, folder: str) -> list[Path]:
        return list(SearchPath.of(self.task, self.base).candidates(name, folder))

    def _missing(self, name: str, folder: str) -> Failed:
        looked = " and ".join(map(str, self._places(name, folder)))
        return Failed(f"Could not find or access '{name}' (looked at {looked})")


def _told(name: str, path: Path, dest: str) -> dict[str, Any]:
    """What a template knows of itself, by Ansible's names."""
    about = path.stat()
    try:
        owner: str | int = path.owner()
    except (KeyError, NotImplementedError):
        owner = about.st_uid
    return {
        "ansible_managed": "Ansible managed",
        "template_host": platform.node(),
        "template_path": name,
        "template_fullpath": str(path.absolute()),
        "template_destpath": dest,
        "template_uid": owner,
        "template_mtime": datetime.fromtimestamp(about.st_mtime),  # noqa: DTZ006 (without a zone, as Ansible's)
        "template_run_date": datetime.now(),  # noqa: DTZ005 (the same)
    }


def placed(base: Path, name: str) -> LocalPath:
    """A place on this machine; one that ends with a slash is meant as a folder."""
    path = (base / Path(name).expanduser()).absolute()
    return LocalPath(f"{path}{os.sep}" if name.endswith(("/", os.sep)) else str(path))
