"""Every case under `cases/`, and every module of ours, keeps the contract."""

from __future__ import annotations

import pytest
from runbook.contract import CONTRACT_VERSION

from tests.support.module_cases import Case, cases, load_module, run_case


@pytest.mark.parametrize("case", cases(), ids=str)
def test_module_does_what_the_case_tells(case: Case) -> None:
    run_case(case)


@pytest.mark.parametrize("name", sorted({case.module for case in cases()}))
def test_module_with_cases_keeps_the_contract(name: str) -> None:
    module = load_module(name)
    assert module.contract_version == CONTRACT_VERSION
    assert (type(module).__doc__ or "").strip(), "its docstring is its manual page"
