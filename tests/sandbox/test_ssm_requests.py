"""Numbers in SendCommand: time-outs and shares of the targets."""

from __future__ import annotations

import pytest
from runbook.sandbox.ssm_requests import execution_timeout, share


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), ("172800", 172800), ("4", 3600), ("172801", 3600), ("", 3600), ("1h", 3600)],
)
def test_execution_timeout(text: str, seconds: int) -> None:
    assert execution_timeout(text) == seconds


@pytest.mark.parametrize(
    ("text", "targets", "number"),
    [("50", 3, 50), ("10%", 10, 1), ("10%", 11, 2), ("0%", 10, 0), ("100%", 7, 7), ("0", 7, 0)],
)
def test_a_percentage_is_of_the_targets_and_rounded_up(text: str, targets: int, number: int) -> None:
    assert share(text, targets) == number
