"""The report that a person reads; whole outputs stand in tests/golden/report."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from runbook.errors import Position
from runbook.events import ChangePlanned, Event, StepAnew, Tally
from runbook.model import Action, Change, Status
from runbook.report_screen import PlainScreen
from runbook.report_text import TextReporter
from runbook.style import Style, colour, no_colour
from runbook.values import Secret

from tests.support.golden import assert_golden
from tests.support.told import BAD, GOOD, PLANNED, Hides, finished, item, play, progress, started, step, task


def shown(
    events: Sequence[Event], *, verbosity: int = 0, with_diff: bool = False, style: Style = no_colour
) -> str:
    stream = io.StringIO()
    reporter = TextReporter(PlainScreen(stream, Hides()), style, verbosity=verbosity, with_diff=with_diff)
    for event in events:
        reporter.tell(event)
    reporter.close()
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no playbook is that the places of events could point into."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "events", "verbosity", "with_diff"),
    [
        ("good", GOOD, 0, False),
        ("good_diff", GOOD, 0, True),
        ("good_verbose", GOOD, 2, False),
        ("bad", BAD, 0, False),
        ("bad_verbose", BAD, 1, False),
        ("planned", PLANNED, 0, False),
        ("planned_diff", PLANNED, 0, True),
        ("planned_verbose", PLANNED, 1, False),
    ],
)
def test_a_run_reads_as_it_should(
    name: str, events: Sequence[Event], verbosity: int, with_diff: bool
) -> None:
    assert_golden(f"report/{name}.txt", shown(events, verbosity=verbosity, with_diff=with_diff))


@pytest.mark.parametrize("events", [GOOD, BAD, PLANNED], ids=["good", "bad", "planned"])
@pytest.mark.parametrize("verbosity", [0, 2])
def test_no_secret_shows_and_colour_changes_no_word(events: Sequence[Event], verbosity: int) -> None:
    painted = shown(events, verbosity=verbosity, with_diff=True, style=colour)
    assert "hunter2" not in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == shown(events, verbosity=verbosity, with_diff=True)


def test_nothing_to_do_is_said() -> None:
    text = shown([started(check=True), play(), task("a"), step("a"), finished(web1=Tally(ok=1))])
    assert "No changes. The world is already as the playbook describes it.\n" in text
    assert "nothing was changed" in text


def test_a_dry_run_that_was_cut_short_counts_nothing() -> None:
    text = shown([started(check=True), play(), finished(2, web1=Tally(failed=1))])
    assert "No changes" not in text
    assert "Plan:" not in text


def test_a_play_without_hosts_says_so() -> None:
    assert "PLAY [empty] ***" in shown([play("empty", ())])
    assert "skipping: no hosts matched" in shown([play("empty", ())])


def test_hosts_out_of_step_have_their_task_named_again() -> None:
    text = shown(
        [task("a"), step("a"), task("b"), step("b"), step("a", host="web2"), item("b", "x", host="web2")]
    )
    headings = re.findall(r"TASK \[(\w)\]", text)
    assert headings == ["a", "b", "a", "b"]


def test_a_stopped_run_says_how_to_go_on() -> None:
    text = shown([finished(4, "runbook resume r1", web1=Tally(ok=1))])
    assert (
        "Stopped after 1 min 12 s (exit code 4).\nDone: 1 step.\nGo on from here with:\n    runbook resume r1\n"
        in text
    )


def test_a_rescued_failure_has_no_card_at_the_end() -> None:
    text = shown([task("a"), step("a", Status.FAILED, msg="no"), finished(web1=Tally(ok=1, rescued=1))])
    assert "fatal: [web1]: no" in text
    assert "FAILED [web1]" not in text


def test_text_from_outside_cannot_play_tricks_on_a_terminal() -> None:
    nasty = "x\x1b[2J\x07\rfatal: [web1]"
    events: list[Event] = [
        started(note=nasty),
        play(nasty, (nasty,)),
        task(nasty),
        progress(nasty, 1, host=nasty, name=nasty),
        item(nasty, nasty, Status.FAILED, nasty, msg=nasty, hint=nasty),
        step(nasty, Status.FAILED, nasty, msg=nasty, stdout=nasty, stderr=nasty, field=nasty),
        step(nasty, module="debug", msg=nasty),
        finished(2, nasty, **{nasty: Tally(failed=1)}),
    ]
    for verbosity in (0, 2):
        text = shown(events, verbosity=verbosity)
        assert all(line.isprintable() for line in text.split("\n"))


def test_a_wait_that_is_soon_over_is_not_told() -> None:
    assert "waiting" not in shown([progress("sent", 0.1), progress("running", 2.9), step("Ask")])


def test_a_wait_is_told_when_its_phase_changes_and_every_half_minute() -> None:
    events = [progress("creating", second) for second in range(0, 100, 5)]
    lines = shown([*events, progress("available", 100), step("Wait"), progress("creating", 3)]).splitlines()
    waits = [line for line in lines if line.startswith("waiting:")]
    assert waits == [
        "waiting: [web1] creating (5.0 s)",
        "waiting: [web1] creating (35.0 s)",
        "waiting: [web1] creating (1 min 05 s)",
        "waiting: [web1] creating (1 min 35 s)",
        "waiting: [web1] available (1 min 40 s)",
        "waiting: [web1] creating (3.0 s)",
    ]


def test_a_countdown_is_one_phase() -> None:
    events = [progress(f"{left} seconds left", 20 - left) for left in range(20, 0, -1)]
    assert shown(events) == "waiting: [web1] 17 seconds left (3.0 s)\n"


def test_a_character_that_the_stream_lacks_is_spelled_out() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    reporter = TextReporter(PlainScreen(stream, Hides()), no_colour)
    reporter.tell(play("naïve ☃"))
    reporter.close()
    assert rb"PLAY [na\xefve \u2603]" in raw.getvalue()


# ---------------------------------------------------------------- what failed


def failed(**fields: Any) -> list[str]:
    """The card at the end of a run that one step stopped."""
    text = shown([task("a"), step("a", Status.FAILED, **fields), finished(2, web1=Tally(failed=1))])
    return text.split("FAILED [web1] a\n")[1].split("\n\n")[0].splitlines()


def test_a_failure_shows_its_line_with_a_mark(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/lab.yml").write_text("\n" * 11 + "    - name: a\x07\n")

    assert failed(msg="no") == [
        "    at playbooks/lab.yml:12:7",
        "      12 |     - name: a\\x07",
        "         |       ^",
        "    no",
    ]
    assert failed(msg="playbooks/lab.yml:13:9: 'x' is undefined") == [
        "    at playbooks/lab.yml:12:7",
        "    playbooks/lab.yml:13:9: 'x' is undefined",
    ]


def test_a_failure_shows_what_the_module_was_called_with() -> None:
    lines = failed(msg="no", arguments={"dest": "/x", "token": Secret("hunter2"), "content": "hunter2"})

    assert lines[1:] == [
        "    shell:",
        "      dest: /x",
        "      token: (sensitive value)",
        "      content: ********",
        "    no",
    ]


def test_what_no_log_hides_is_called_hidden() -> None:
    events = [
        task("a"),
        step("a", Status.FAILED, msg=Secret("hunter2", "no_log")),
        finished(2, web1=Tally(failed=1)),
    ]
    text = shown(events)

    assert "fatal: [web1]: (what it says is hidden by no_log)" in text
    assert text.count("hidden by no_log") == 2


def test_an_ignored_failure_is_short() -> None:
    text = shown([task("a"), step("a", Status.FAILED, ignored=True, msg="no", stdout="a long story")])

    assert text.splitlines()[-3:] == ["fatal: [web1]: no", "    at playbooks/lab.yml:12:7", "...ignoring"]


def test_a_step_that_an_edit_brought_back_is_shown_before_it_is_done() -> None:
    change = Change(action=Action.UPDATE, resource="file:/x", before={"mode": "0600"}, after={"mode": "0644"})
    lines = shown(
        [
            task("Put it"),
            StepAnew(host="web1", task="Put it", position=Position("p.yml", 1, 1), why="edited since"),
            ChangePlanned(host="web1", task="Put it", change=change),
            step("Put it", Status.CHANGED),
        ]
    ).splitlines()
    assert lines[2:5] == [
        "[web1] edited since: planned anew",
        "next: [web1]",
        "    # file:/x will be updated in place",
    ]
    assert '"0600" -> "0644"' in lines[6]
    assert lines[-1] == "changed: [web1]"
