"""On a terminal, what is waited for stands below the lines and is drawn again as time goes by."""

from __future__ import annotations

import io
import shutil
from os import terminal_size

import pytest
from runbook.report_live import MOST, LiveScreen
from runbook.report_screen import PlainScreen, screen_for
from runbook.report_text import TextReporter
from runbook.style import colour

from tests.support.terminal import Terminal
from tests.support.told import GOOD, Hides, progress, step, task


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: terminal_size((60, 24)))
    return Terminal()


def test_a_wait_stands_below_and_time_goes_by(terminal: Terminal) -> None:
    clock = Clock()
    screen = LiveScreen(terminal, Hides(), clock=clock)
    screen.write(["TASK [Wait]"])
    screen.progress(progress("creating", 2, 40))
    assert terminal.screen == ["TASK [Wait]", "  | [web1] creating, 40% (2.0 s)"]
    clock.now += 3
    screen.tick()
    assert terminal.screen == ["TASK [Wait]", "  / [web1] creating, 40% (5.0 s)"]
    screen.write(["ok: [web2]"])
    assert terminal.screen == ["TASK [Wait]", "ok: [web2]", "  / [web1] creating, 40% (5.0 s)"]


def test_it_goes_with_the_line_that_tells_the_end(terminal: Terminal) -> None:
    screen = LiveScreen(terminal, Hides(), clock=Clock())
    screen.progress(progress("creating", 2))
    screen.progress(progress("creating", 2, host="web2"))
    screen.finished("web1", "Wait")
    screen.write(["changed: [web1]"])
    assert terminal.screen == ["changed: [web1]", "  | [web2] creating (2.0 s)"]
    screen.finished("web2", "Wait")
    screen.write(["changed: [web2]"])
    assert terminal.screen == ["changed: [web1]", "changed: [web2]"]


def test_an_end_leaves_no_rest(terminal: Terminal) -> None:
    screen = LiveScreen(terminal, Hides(), clock=Clock())
    screen.progress(progress("creating", 2))
    screen.close()
    assert terminal.screen == []


def test_many_waits_are_cut(terminal: Terminal) -> None:
    screen = LiveScreen(terminal, Hides(), clock=Clock())
    for number in range(40):
        screen.progress(progress("creating", 2, host=f"web{number}"))
    assert len(terminal.screen) == MOST + 1
    assert terminal.screen[-1] == f"    and {40 - MOST} more"


def test_a_row_never_wraps(terminal: Terminal) -> None:
    screen = LiveScreen(terminal, Hides(), clock=Clock())
    screen.progress(progress("waiting for hunter2 " * 10, 2))
    (row,) = terminal.screen
    assert len(row) < 60
    assert "hunter2" not in row


def test_a_whole_run_leaves_only_its_lines(terminal: Terminal) -> None:
    reporter = TextReporter(LiveScreen(terminal, Hides()), colour)
    for event in GOOD:
        reporter.tell(event)
        reporter.tick()
    reporter.close()
    assert not [row for row in terminal.screen if "creating" in row]
    assert "changed: [web1]" in terminal.screen
    assert terminal.screen[-1] == "Done in 1 min 12 s."


def test_who_watches_live() -> None:
    watched, unwatched = Terminal(), io.StringIO()
    assert isinstance(screen_for(watched, {}, Hides()), LiveScreen)
    assert isinstance(screen_for(watched, {"NO_COLOR": "1"}, Hides()), LiveScreen)
    assert isinstance(screen_for(watched, {"TERM": "dumb"}, Hides()), PlainScreen)
    assert isinstance(screen_for(unwatched, {}, Hides()), PlainScreen)


def test_nothing_is_drawn_while_nothing_waits(terminal: Terminal) -> None:
    reporter = TextReporter(LiveScreen(terminal, Hides()), colour)
    reporter.tell(task("a"))
    reporter.tell(step("a"))
    before = list(terminal.screen)
    reporter.tick()
    assert terminal.screen == before
