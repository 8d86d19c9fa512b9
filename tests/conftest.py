"""Fixtures of all rooms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cli import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A folder with a sandbox that holds the lab's world; one for all tests of a file."""
    made = Desk(tmp_path_factory.mktemp("desk"))
    made.up()
    yield made
    made.sandbox("down")
