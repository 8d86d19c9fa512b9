"""Files that arguments name, beside the playbook."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .contract import LocalFile, LocalPath, RenderedFile, TemplateSyntax
from .errors import Failed
from .model import Task
from .scope import VariableScope
from .search_path import SearchPath
from .template import Templates
from .template_file import facts_of
from .values import Secret, Unknown


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
            return LocalFile(str(path), self.templates.read(path)[0])
        except OSError as error:
            raise Failed(f"Can't read {path}: {error.strerror}") from error

    def rendered(self, name: str) -> RenderedFile:
        return self._rendered(self._find(name, "templates"), self.scope, None)

    def opened(self, content: bytes, path: str) -> bytes:
        return self.templates.opened(content, path)[0]

    def place(self, name: str) -> LocalPath:
        return placed(self.base, name)

    def find(self, name: str, folder: str = "files") -> str:
        path = next((path for path in self._places(name, folder) if path.exists()), None)
        if path is None:
            raise self._missing(name, folder)
        return f"{path}{os.sep}" if name.endswith(("/", os.sep)) else str(path)

    def render(self, name: str, dest: str, syntax: TemplateSyntax) -> RenderedFile:
        path = self._find(name, "templates")
        return self._rendered(path, self.scope.child(facts_of(name, path, dest)), syntax)

    def _rendered(self, path: Path, scope: VariableScope, syntax: TemplateSyntax | None) -> RenderedFile:
        try:
            content, encrypted = self.templates.read(path)
            source = content.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise Failed(f"Can't read the template {path}: {error}") from error
        text = self.templates.render_text(source, scope, str(path), syntax)
        if encrypted and not isinstance(text, Unknown):
            text = self.templates.sealed(text)
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


def placed(base: Path, name: str) -> LocalPath:
    """A place on this machine; one that ends with a slash is meant as a folder."""
    path = (base / Path(name).expanduser()).absolute()
    whole = f"{path}{os.sep}" if name.endswith(("/", os.sep)) else str(path)
    return LocalPath(whole, os.path.expanduser(name))  # noqa: PTH111 (`Path` would lose a `./` and a slash)
