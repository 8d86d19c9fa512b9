"""An effect happens once: intent before the call, doubts settled by asking, else by the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from runbook.contract import Absent, Finding, Intent, Landed, Unsure
from runbook.effects import Effects, Place, Vouched, make_token
from runbook.errors import Failed, InDoubt, RunbookError, Stopped
from runbook.journal import EffectDone, EffectIntent, Journal, RunHeader
from runbook.journal_sqlite import SqliteJournal
from runbook.resume import History

HEADER = RunHeader(
    run="r1",
    playbook="p.yml",
    playbook_digest="",
    inventory=(),
    inventory_digest="",
    started=datetime(2026, 1, 1, tzinfo=UTC),
)


def place(rerun: str = "ask", *, secret: bool = False) -> Place:
    return Place("r1", "step@host", "", rerun, lambda _seconds: None, secret=secret)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = SqliteJournal(tmp_path / "state.db")
    made.begin(HEADER)
    yield made
    made.close()


def no_sdk(_error: Exception) -> RunbookError | None:
    return None


@pytest.fixture
def again(journal: Journal) -> Callable[..., Effects]:
    """Effects as a resumed run has them: knowing all that the journal holds."""

    def make(assume: str | None = None) -> Effects:
        return Effects(journal, History(journal.records("r1")), no_sdk, assume)

    return make


def refuse(_intent: Intent) -> str:
    raise AssertionError("it is called although it happened")


def test_the_intent_is_on_disk_before_the_call(journal: Journal, again: Callable[..., Effects]) -> None:
    seen: list[object] = []

    def call(intent: Intent) -> str:
        seen.extend(journal.records("r1"))
        return intent.token

    token = again().perform(place(), "send", call, None, {"was": 1})
    (intent,) = [record for record in seen if isinstance(record, EffectIntent)]
    assert intent.token == token
    assert intent.before == {"was": 1}
    assert not [record for record in seen if isinstance(record, EffectDone)]


def test_a_resume_returns_what_was_answered_without_a_call(again: Callable[..., Effects]) -> None:
    again().perform(place(), "send", lambda _: {"id": "c-1"}, None, None)
    assert again().perform(place(), "send", refuse, None, None) == {"id": "c-1"}


def test_a_step_that_acted_before_a_kill_is_known_to_have_acted(again: Callable[..., Effects]) -> None:
    assert not again().happened(place())
    again().perform(place(), "create", lambda _: None, None, None)
    assert again().happened(place()), "what it made is there: the step counts as changed all the same"
    assert not again().happened(replace(place(), step="other@host"))
    assert not again().happened(replace(place(), scope="item.0/1/")), "an item of a loop is for itself"


def test_a_step_that_was_killed_before_it_could_tell_has_acted_when_the_world_is_as_wanted(
    again: Callable[..., Effects],
) -> None:
    def killed(_: Intent) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again().perform(place(), "create", killed, None, None)
    assert again().happened(place())


def test_a_refused_call_is_tried_again_with_another_token(again: Callable[..., Effects]) -> None:
    tokens = []

    def refused(intent: Intent) -> str:
        tokens.append(intent.token)
        raise Failed("no capacity")

    with pytest.raises(Failed, match="no capacity"):
        again().perform(place(), "send", refused, None, None)

    def accepted(intent: Intent) -> str:
        tokens.append(intent.token)
        return "ok"

    assert again().perform(place(), "send", accepted, None, None) == "ok"
    assert len(set(tokens)) == 2


def test_a_lost_response_is_settled_by_asking(again: Callable[..., Effects]) -> None:
    def lost(_intent: Intent) -> str:
        raise InDoubt("the response was lost")

    answers: Iterator[Finding[str]] = iter([Unsure("not listed yet"), Landed("found")])
    assert again().perform(place(), "send", lost, lambda _: next(answers), None) == "found"
    assert again().perform(place(), "send", refuse, None, None) == "found"


def test_what_provably_did_not_happen_is_called_again(again: Callable[..., Effects]) -> None:
    calls: list[int] = []

    def flaky(intent: Intent) -> str:
        calls.append(intent.attempt)
        if len(calls) == 1:
            raise InDoubt("the response was lost")
        return "second"

    assert again().perform(place(), "send", flaky, lambda _: Absent(), None) == "second"
    assert calls == [1, 2]


def crash(effects: Effects, rerun: str = "ask") -> None:
    """Leave an intent without outcome, as a kill does."""

    def die(_intent: Intent) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        effects.perform(place(rerun), "run", die, None, None)


def test_an_effect_in_doubt_stops_and_asks(again: Callable[..., Effects]) -> None:
    crash(again())
    with pytest.raises(Stopped, match="in doubt") as stopped:
        again().perform(place(), "run", refuse, None, None)
    assert "--assume" in str(stopped.value)


def test_the_operator_says_that_it_did_not_happen(again: Callable[..., Effects]) -> None:
    crash(again())
    calls: list[Intent] = []
    again("not-done").perform(place(), "run", calls.append, None, None)
    assert len(calls) == 1


def test_the_operator_says_that_it_happened(again: Callable[..., Effects]) -> None:
    crash(again())
    with pytest.raises(Vouched):
        again("done").perform(place(), "run", refuse, None, None)


def test_a_task_that_may_run_twice_runs_again(again: Callable[..., Effects]) -> None:
    crash(again())
    assert again().perform(place("safe"), "run", lambda _: "again", None, None) == "again"


def test_a_resume_reattaches_by_asking_the_world(again: Callable[..., Effects]) -> None:
    crash(again())
    tokens: list[str] = []

    def find(intent: Intent) -> Finding[str]:
        tokens.append(intent.token)
        return Landed("reattached")

    assert again().perform(place(), "run", refuse, find, None) == "reattached"
    assert tokens == [make_token("r1", "step@host", "run", 1)]


def test_a_secret_answer_is_not_kept_and_a_resume_says_so(
    again: Callable[..., Effects], tmp_path: Path, journal: Journal
) -> None:
    assert again().perform(place(secret=True), "run", lambda _: "hunter2", None, None) == "hunter2"
    with pytest.raises(Stopped, match="secret"):
        again().perform(place(secret=True), "run", refuse, None, None)
    journal.close()
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_token_is_short_and_names_run_step_effect_and_try() -> None:
    token = make_token("1123-0846-k3f9", "s" * 500, "effect", 1)
    assert len(token) <= 80
    assert "1123-0846-k3f9" in token
    others = {
        make_token("1123-0846-k3f9", "t" * 500, "effect", 1),
        make_token("1123-0846-k3f9", "s" * 500, "other", 1),
        make_token("1123-0846-k3f9", "s" * 500, "effect", 2),
    }
    assert token not in others
    assert len(others) == 3
