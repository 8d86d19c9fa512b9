"""Why the sandbox did not start is told in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.errors import UsageError
from runbook.sandbox_start import start_sandbox


def test_without_the_extra_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "hidden"
    for package in ("moto", "werkzeug", "trustme"):
        (hidden / package).mkdir(parents=True)
        text = f"raise ModuleNotFoundError(\"No module named '{package}'\", name='{package}')"
        (hidden / package / "__init__.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    monkeypatch.setenv("RUNBOOK_SANDBOX", str(tmp_path / "sandbox"))

    with pytest.raises(UsageError) as refused:
        start_sandbox()
    first, hint = str(refused.value).split("\n")
    assert first.startswith("The sandbox is the target, and it is not installed: Python finds no '")
    assert 'pip install "runbook[sandbox]"' in hint


def test_any_other_reason_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RUNBOOK_SANDBOX", str(tmp_path / "file"))

    with pytest.raises(UsageError, match="did not start"):
        start_sandbox()
