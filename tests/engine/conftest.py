"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from runbook.loader import load_playbook
from runbook.model import Playbook

from tests.support.catalog import SmallCatalog
from tests.support.playbooks import Load
from tests.support.plays import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder in which playbook texts can be played."""
    return Folder(tmp_path)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write files (the first is the playbook) and load them from their folder."""
    monkeypatch.chdir(tmp_path)

    def write_and_load(text: str, files: Mapping[str, str] | None = None, **options: object) -> Playbook:
        for name, content in {"site.yml": text, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return load_playbook("site.yml", SmallCatalog(), **options)  # type: ignore[arg-type]

    return write_and_load
