"""Files that arguments name, beside the playbook."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .contract import LocalFile, LocalPath, RenderedFile
from .errors import Failed
from .scope import VariableScope
from .template import Templates


@dataclass(frozen=True, slots=True)
class PlaybookFiles:
    """Looked for in `files/` or `templates/` beside the playbook, then beside it, as Ansible does."""

    base: Path
    templates: Templates
    scope: VariableScope

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

    def _find(self, name: str, folder: str) -> Path:
        given = Path(name).expanduser()
        places = [given] if given.is_absolute() else [self.base / folder / given, self.base / given]
        for path in places:
            if path.is_file():
                return path
        looked = " and ".join(str(path) for path in places)
        raise Failed(f"There is no file '{name}' (looked at {looked})")


def placed(base: Path, name: str) -> LocalPath:
    """A place on this machine; one that ends with a slash is meant as a folder."""
    path = (base / Path(name).expanduser()).absolute()
    return LocalPath(f"{path}{os.sep}" if name.endswith(("/", os.sep)) else str(path))
