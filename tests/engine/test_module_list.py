"""`runbook doc` without a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.module_list import as_text
from runbook.registry import Registry


def test_every_module_has_a_line() -> None:
    lines = as_text(Registry()).splitlines()

    assert [line.split()[0] for line in lines] == sorted(Registry().names())
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)


def test_a_module_that_can_not_be_used_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError('no')")
    shown = as_text(Registry([tmp_path]))

    assert "broken " in shown
    assert "(can't be used: " in shown
    assert "debug " in shown


@pytest.mark.parametrize("name", sorted(Registry().names()))
def test_every_manual_page_can_be_printed(name: str) -> None:
    page = Registry().manual(name)

    assert page.startswith(f"{name}\n")
    assert "Arguments" in page
