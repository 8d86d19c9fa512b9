"""Fixtures of the modules' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.plays import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder in which playbook texts can be played."""
    return Folder(tmp_path)
