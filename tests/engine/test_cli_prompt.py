"""A question stands behind all that was told before it, and can be interrupted."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest
from runbook.cli_prompt import Prompt
from runbook.errors import Stopped
from runbook.events import Event, Notice
from runbook.report import Reports
from runbook.secrets import Masker

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

import pty


class Lines:
    """A reporter that writes where the question is written."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    def tell(self, event: Event) -> None:
        assert isinstance(event, Notice)
        self._stream.write(event.message + "\n")

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass


class Desk:
    """A person at a terminal."""

    def __init__(self) -> None:
        self.keyboard, terminal = pty.openpty()
        self.answers = os.fdopen(terminal, encoding="utf-8")
        self.screen = io.StringIO()
        self.reports = Reports([Lines(self.screen)])
        self.cancel = threading.Event()
        self.masker = Masker()
        self.ask = Prompt(self.reports, self.masker, self.cancel, self.answers, self.screen)

    def type(self, text: str) -> None:
        os.write(self.keyboard, text.encode())

    def close(self) -> None:
        self.reports.close()
        self.answers.close()
        os.close(self.keyboard)


@pytest.fixture
def person() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


def test_the_answer_is_what_was_typed_without_its_line_end(person: Desk) -> None:
    person.type("ja → später\n")

    assert person.ask("sure") == "ja → später"


def test_everything_told_before_stands_before_and_what_comes_meanwhile_after(person: Desk) -> None:
    for number in range(50):
        person.reports.tell(Notice(message=f"line {number}"))
    answered = threading.Timer(0.3, person.type, ["yes\n"])
    threading.Timer(0.1, person.reports.tell, [Notice(message="meanwhile")]).start()
    answered.start()

    assert person.ask("sure") == "yes"
    shown = person.screen.getvalue()
    assert shown.endswith(("line 49\n\nsure: ", "line 49\n\nsure: meanwhile\n"))
    person.reports.flush()
    assert person.screen.getvalue().endswith("line 49\n\nsure: meanwhile\n")


def test_secrets_are_masked_in_the_question(person: Desk) -> None:
    person.masker.add("hunter22")
    person.type("\n")

    assert person.ask("is it hunter22") == ""
    assert "is it ********: " in person.screen.getvalue()


def test_a_cancelled_run_asks_no_longer(person: Desk) -> None:
    threading.Timer(0.1, person.cancel.set).start()

    with pytest.raises(Stopped):
        person.ask("sure")


def test_without_a_terminal_nobody_is_asked() -> None:
    screen = io.StringIO()
    with Reports([]) as reports:
        for answers in (io.StringIO("yes\n"), None):
            assert Prompt(reports, Masker(), threading.Event(), answers, screen)("sure") == ""
    assert screen.getvalue() == ""


def test_a_private_answer_is_not_shown(monkeypatch: pytest.MonkeyPatch, person: Desk) -> None:
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: asked.append(prompt) or "geheim")

    assert person.ask.there()
    assert person.ask.question("Password", private=True) == "geheim"
    person.type("open\n")
    assert person.ask.question("Name") == "open"
    assert asked == ["\nPassword: "]


def test_ctrl_c_at_a_private_question_stops_the_run(monkeypatch: pytest.MonkeyPatch, person: Desk) -> None:
    def interrupted(_prompt: str, _stream: object) -> str:
        signal.raise_signal(signal.SIGINT)
        return "not reached"

    monkeypatch.setattr("getpass.getpass", interrupted)
    with pytest.raises(Stopped):
        person.ask.question("Password", private=True)
    assert person.cancel.is_set()
