"""Fixtures of all rooms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cli import Desk


@pytest.fixture(scope="session")
def desks() -> Iterator[dict[str, Desk]]:
    """Desks by the test file that works at them; their sandboxes end with the session.

    Not scoped to a module: a test that is run alone, or again, finds the same world.
    """
    made: dict[str, Desk] = {}
    yield made
    for desk in made.values():
        desk.sandbox("down")


@pytest.fixture
def desk(
    desks: dict[str, Desk], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    """A folder with a sandbox that holds the lab's world; one for all tests of a file."""
    file = request.module.__name__
    if file not in desks:
        desks[file] = Desk(tmp_path_factory.mktemp("desk"))
        desks[file].up()
    return desks[file]
