"""Whole messages for bad playbooks. RUNBOOK_GOLDEN=write writes them anew; read them before they are committed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from runbook.errors import LoadError
from runbook.loader import load_playbook

from tests.support.catalog import SmallCatalog

GOLDEN = Path(__file__).parent.parent / "golden" / "loader"


@pytest.mark.parametrize("name", ["plays", "tasks", "keywords", "yaml"])
def test_all_problems_of_a_playbook_are_told_together(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    with pytest.raises(LoadError) as caught:
        load_playbook(f"{name}.yml", SmallCatalog())
    expected = GOLDEN / f"{name}.txt"
    if os.environ.get("RUNBOOK_GOLDEN") == "write":
        expected.write_text(f"{caught.value}\n", encoding="utf-8")
    assert f"{caught.value}\n" == expected.read_text(encoding="utf-8")
