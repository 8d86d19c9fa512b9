"""`runbook doc`: pages and lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runbook.errors import UsageError
from runbook.module_list import as_text, told
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


def test_a_long_name_is_the_same_module_and_programs_get_json() -> None:
    registry = Registry()

    assert told(registry, "module", "ansible.builtin.debug") == registry.manual("debug")
    page = json.loads(told(registry, "module", "debug", as_json=True))
    assert (page["name"], page["arguments"]["type"]) == ("debug", "object")
    assert page["description"]
    assert set(json.loads(told(registry, "module", None, as_json=True))) == set(registry.names())


@pytest.mark.parametrize(
    ("kind", "name"), [("filter", "combine"), ("test", "ansible.builtin.version"), ("lookup", "file")]
)
def test_filters_tests_and_lookups_have_pages(kind: str, name: str) -> None:
    short = name.rpartition(".")[2]

    assert short in [line.split()[0] for line in told(Registry(), kind, None).splitlines()]
    assert told(Registry(), kind, name).startswith(f"{short}\n===")
    with pytest.raises(UsageError, match=f"There is no {kind} 'nix'"):
        told(Registry(), kind, "nix")
