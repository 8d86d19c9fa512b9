"""Colour goes to a terminal only, and can be refused."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from runbook.style import colour, no_colour, style_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "on_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
    ids=str,
)
def test_who_gets_colour(environ: Mapping[str, str], on_terminal: bool, elsewhere: bool) -> None:
    assert (style_for(Terminal(), environ) is colour) is on_terminal
    assert (style_for(io.StringIO(), environ) is colour) is elsewhere


def test_colour_ends_where_the_text_ends() -> None:
    assert colour("x", "ok") == "\x1b[32mx\x1b[0m"
    assert colour("", "ok") == ""
    assert no_colour("x", "ok") == "x"
