"""An effect happens once: intent before the call, doubts settled by asking, else by the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from runbook.contract import Absent, Finding, Intent, Landed, Unsure
from runbook.doubts import Vouched, read_assumed
from runbook.effects import Effects, Place, make_token
from runbook.errors import Failed, InDoubt, Interrupted, RunbookError, Stopped, UsageError
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

    def make(*assume: str) -> Effects:
        return Effects(journal, History(journal.records("r1")), no_sdk, read_assumed(assume))

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


def die(_intent: Intent) -> str:
    raise KeyboardInterrupt


def crash(effects: Effects, rerun: str = "ask") -> None:
    """Leave an intent without outcome, as a kill does."""
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


def test_a_step_may_go_on_behind_an_effect_that_counts_as_done(again: Callable[..., Effects]) -> None:
    crash(again())
    vouched = replace(place(), vouched=lambda word: word)
    assert "as the operator says" in again("done").perform(vouched, "run", refuse, None, None)
    assert "as the operator says" in again().perform(place(), "run", refuse, None, None), "it is recorded"


def test_an_answer_is_for_what_was_in_doubt_when_it_was_given(again: Callable[..., Effects]) -> None:
    def lost(_intent: Intent) -> str:
        raise InDoubt("the response was lost")

    for answer in ("done", "not-done"):
        with pytest.raises(Stopped, match="in doubt"):
            again(answer).perform(replace(place(), step=f"{answer}@host"), "run", lost, None, None)


def test_the_answer_for_one_task_wins(again: Callable[..., Effects]) -> None:
    crash(again())
    one = replace(place(), task="Migrate = it", host="web1")
    with pytest.raises(Vouched, match="as the operator says"):
        again("not-done", "Migrate = it=done").perform(one, "run", refuse, None, None)
    with pytest.raises(Vouched):
        again("Migrate = it=not-done", "Migrate = it@web1=done").perform(one, "run", refuse, None, None)
    assert again("Migrate = it@web2=done", "not-done").perform(one, "run", lambda _: 1, None, None) == 1


@pytest.mark.parametrize("text", ["", "yes", "=done", "Migrate=", "done=", "Migrate=maybe"])
def test_other_answers_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="`done` or `not-done`"):
        read_assumed([text])


def test_a_named_task_must_be_in_doubt(journal: Journal, again: Callable[..., Effects]) -> None:
    with pytest.raises(KeyboardInterrupt):
        again().perform(replace(place(), task="Migrate", host="web1"), "run", die, None, None)
    history = History(journal.records("r1"))
    for fine in ("Migrate=done", "Migrate@web1=done", "done"):
        read_assumed([fine]).check(history)
    with pytest.raises(UsageError, match="'Migarte' is in doubt") as caught:
        read_assumed(["Migarte=done"]).check(history)
    assert "Did you mean 'Migrate'?" in str(caught.value)
    with pytest.raises(UsageError, match="nothing of a task 'Migrate'"):
        read_assumed(["Migrate=done"]).check(History())


def test_what_is_never_run_again_counts_as_done_without_a_question(again: Callable[..., Effects]) -> None:
    crash(again())
    asked = replace(place("never"), ask=lambda _: "n")
    with pytest.raises(Vouched, match="rerun: never"):
        again().perform(asked, "run", refuse, None, None)
    assert again("not-done").perform(asked, "run", lambda _: "again", None, None) == "again"


@pytest.mark.parametrize(
    ("typed", "calls"), [(["not done"], 1), (["what?", "N"], 1), (["d"], 0), ([" Done "], 0)]
)
def test_the_person_at_the_terminal_answers(
    again: Callable[..., Effects], typed: list[str], calls: int
) -> None:
    crash(again())
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return typed.pop(0)

    called: list[Intent] = []
    person = replace(place(), task="Migrate", host="web1", ask=ask)
    with suppress(Vouched):
        again().perform(person, "run", called.append, None, None)
    assert len(called) == calls
    assert not typed
    assert "IN DOUBT [web1] Migrate" in asked[0]
    assert "not done  it did not happen: do it now" in asked[0]


@pytest.mark.parametrize("typed", ["stop", "s", ""])
def test_the_person_may_look_first(again: Callable[..., Effects], typed: str) -> None:
    crash(again())
    with pytest.raises(Stopped, match="in doubt"):
        again().perform(replace(place(), ask=lambda _: typed), "run", refuse, None, None)
    assert len(again().in_doubt()) == 1


def test_nobody_is_asked_about_what_was_not_in_doubt_before(again: Callable[..., Effects]) -> None:
    def lost(_intent: Intent) -> str:
        raise InDoubt("the response was lost")

    with pytest.raises(Stopped):
        again().perform(replace(place(), ask=refuse), "run", lost, None, None)  # type: ignore[arg-type]


def test_an_interrupted_call_is_neither_settled_nor_made_again(again: Callable[..., Effects]) -> None:
    calls: list[Intent] = []

    def interrupted(intent: Intent) -> str:
        calls.append(intent)
        raise Interrupted("Ctrl-C")

    for rerun in ("safe", "never", "ask"):
        with pytest.raises(Interrupted):
            again().perform(replace(place(rerun), step=rerun), "run", interrupted, lambda _: Absent(), None)
    assert len(calls) == 3


def test_what_is_in_doubt_is_known(again: Callable[..., Effects]) -> None:
    crash(again())
    effects = again("not-done")
    (doubt,) = effects.in_doubt()
    assert (doubt.key, doubt.host, doubt.asks) == ("run", "host", True)
    effects.perform(place(), "run", lambda _: 1, None, None)
    assert effects.in_doubt() == ()
    with pytest.raises(KeyboardInterrupt):
        again().perform(replace(place("safe"), step="other@host"), "run", die, None, None)
    effects = again()
    assert [doubt.asks for doubt in effects.in_doubt()] == [False]
    effects.settled("other@host")
    assert effects.in_doubt() == ()


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
