"""Collects the cases: each is a test file, so that cases spread over workers and can be named one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.language.harness.case import in_spread, is_case, known_gaps, read_case
from tests.language.harness.engines import ROOT, ansible, runbook
from tests.language.harness.suite import Differing, check

MISSING = "no ansible-core here: `make ansible` installs it, or RUNBOOK_ANSIBLE names its ansible-playbook"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """All cases where this folder or a case is named, else the spread."""
    if not is_case(file_path):
        return None
    named = any("language" in str(argument) for argument in parent.config.invocation_params.args)
    return CaseFile.from_parent(parent, path=file_path) if named or in_spread(file_path) else None


class CaseFile(pytest.File):
    """The playbook of a case."""

    def collect(self) -> Iterator[pytest.Item]:
        yield CaseItem.from_parent(self, name="both")


class CaseItem(pytest.Item):
    """A case, played by both engines."""

    def setup(self) -> None:
        if ansible() is None:
            pytest.skip(MISSING)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.case = read_case(self.path)
        if what := known_gaps().get(self.case.name):
            self.add_marker(pytest.mark.xfail(reason=what, raises=Differing, strict=True))

    def runtest(self) -> None:
        other = ansible()
        assert other is not None
        check(self.case, runbook(), other, ROOT / "build" / "language" / self.case.name)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Differing):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.case.name
