"""An effect happens once: intent on disk, the call, outcome on disk; doubts are settled by asking the world."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from .begun import Changes, joined
from .called import Called
from .contract import Absent, Finding, Intent, Landed, Unsure
from .doubts import Assumed, Doubts, Vouched, nobody
from .ending import Doubt
from .errors import InDoubt, Interrupted, RunbookError, Stopped
from .journal import EffectDone, EffectIntent, Journal
from .model import Change
from .open_intents import OpenIntents
from .resume import History
from .state_key import NEXT_TIME
from .template_guard import reveal
from .values import Secret, contains_unknown

MOST_ATTEMPTS = 3
"""How often one effect is called again after it provably did not happen."""

SETTLE_PAUSE = 5.0
"""Seconds (of the target's clock) between two looks of `find` while it is unsure."""

MOST_LOOKS = 24


class Sleeper(Protocol):
    """Waits, cancellable, by the target's clock."""

    def __call__(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Which step an effect belongs to, and what decides when nothing can tell whether it happened."""

    run: str
    step: str
    scope: str
    """Loop item and try within the step."""
    rerun: str
    """The task's own word, or `declared`: what is wanted was compared with what is there, so that what is still
    planned did not happen."""
    sleep: Sleeper
    secret: bool = False
    """`no_log`: what effects answer is kept out of the journal."""
    vouched: Callable[[str], Any] | None = None
    """What is answered when only somebody's word, which it is told, says that it happened; None: the step ends."""
    planned: Changes = ()
    """What the step is going to change."""
    task: str = ""
    host: str = ""
    ask: Callable[[str], str] = nobody
    """The person at the terminal; '': nobody is there."""
    called: Callable[[], Called] | None = None
    """How the step's module was called."""


class Effects:
    """Performs effects against the journal. `assumed`: the operator's answers for those in doubt."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        explain: Callable[[Exception], RunbookError | None],
        assumed: Assumed = Assumed(),  # noqa: B008 (it is frozen)
    ) -> None:
        self._journal = journal
        self._history = history
        self._explain = explain
        self._doubts = Doubts(assumed)
        self._intents = OpenIntents.of(history.in_doubt())
        self._told: set[tuple[str, str]] = set()
        """Steps (and scopes) whose plan is written down."""

    def perform(
        self,
        place: Place,
        name: str,
        call: Callable[[Intent], Any],
        find: Callable[[Intent], Finding[Any]] | None,
        before: Any,
    ) -> Any:
        """Return what the effect answered, now or when it happened earlier in this run.

        Raises Vouched when it counts as done by somebody's word, Stopped when nobody knows.
        """
        key = f"{place.scope}{name}"
        known = self._history.effect(place.step, key)
        attempt = 1
        if isinstance(known, EffectDone):
            if known.error is None:
                return _open(known)
            attempt = known.attempt + 1
        elif known is not None:
            landed = self._settle(place, _as_intent(known), find, earlier=True)
            if landed is not None:
                return self._done(place, key, known.attempt, landed.result)
            attempt = known.attempt + 1
        return self._call(place, key, attempt, call, find, before)

    def in_doubt(self) -> tuple[Doubt, ...]:
        """Effects that were begun, and nobody wrote what came of them."""
        return self._intents.told()

    def settled(self, step: str) -> None:
        """The step came to a good end."""
        self._intents.settle(step)

    def happened(self, place: Place) -> bool:
        """Whether the journal holds an effect of this step (and loop item) from before the run was resumed. Asked
        when the world is as wanted: then one that was begun and not recorded happened, too."""
        return self._history.acted(place.step, place.scope)

    def began(self, place: Place) -> Mapping[str, bool]:
        """Effects of this step from before the run was resumed: whether their answers are recorded."""
        return self._history.began(place.step, place.scope)

    def changes(self, place: Place, now: Sequence[Change]) -> Changes:
        """All that the step changed, that from before the run was resumed included. The first one's result, where
        it has one, tells what was done then."""
        known = self._history.planned(place.step, place.scope)
        return joined(known, [replace(one, result=None) for one in now])

    def _call(
        self,
        place: Place,
        key: str,
        attempt: int,
        call: Callable[[Intent], Any],
        find: Callable[[Intent], Finding[Any]] | None,
        before: Any,
    ) -> Any:
        last = attempt + MOST_ATTEMPTS - 1
        while True:
            intent = self._intend(place, key, attempt, before, asks=find is None and place.rerun == "ask")
            try:
                result = call(intent)
            except Exception as error:
                meaning = error if isinstance(error, RunbookError) else self._explain(error)
                if meaning is None:
                    raise  # our own mistake: the intent stays open, and resume asks
                if isinstance(meaning, Interrupted):
                    raise meaning from error
                if not isinstance(meaning, InDoubt):
                    self._told.discard((place.step, place.scope))
                    self._record(EffectDone(step=place.step, key=key, attempt=attempt, error=meaning.message))
                    raise meaning from error
                landed = self._settle(place, intent, find)
                if landed is not None:
                    return self._done(place, key, attempt, landed.result)
                if attempt == last:
                    raise meaning from error
                attempt += 1
            else:
                return self._done(place, key, attempt, result)

    def _intend(self, place: Place, key: str, attempt: int, before: Any, *, asks: bool) -> Intent:
        started = datetime.now(UTC)
        token = make_token(place.run, place.step, key, attempt)
        told = (place.step, place.scope)
        new = told not in self._told
        record = EffectIntent(
            step=place.step,
            key=key,
            token=token,
            attempt=attempt,
            started=started,
            before=before,
            planned=place.planned if new else (),
            called=place.called() if new and place.planned and place.called else None,
            task=place.task,
            host=place.host,
            asks=asks,
        )
        self._journal.commit(record)
        self._intents.begin(record)
        self._told.add(told)
        return Intent(key, token, attempt, started, before)

    def _done(self, place: Place, key: str, attempt: int, result: Any) -> Any:
        kept = Secret(result, "no_log") if place.secret else result
        self._record(EffectDone(step=place.step, key=key, attempt=attempt, result=kept))
        return result

    def _record(self, done: EffectDone) -> None:
        self._journal.commit(done)
        self._intents.end(done.step, done.key)

    def _settle(
        self,
        place: Place,
        intent: Intent,
        find: Callable[[Intent], Finding[Any]] | None,
        *,
        earlier: bool = False,
    ) -> Landed[Any] | None:
        """Landed: it did happen. None: it provably (or by the operator's word) did not. `earlier`: it was begun
        before the run went on."""
        why = "nothing can tell whether it happened"
        if find is not None:
            for _ in range(MOST_LOOKS):
                finding = find(intent)
                if isinstance(finding, Landed):
                    return finding
                if isinstance(finding, Absent):
                    return None
                why = finding.why if isinstance(finding, Unsure) else why
                place.sleep(SETTLE_PAUSE)
        try:
            self._doubts.decide(place, intent, why, earlier=earlier)
        except Vouched as word:
            if place.vouched is None:
                raise
            return Landed(place.vouched(str(word)))
        return None


def _open(known: EffectDone) -> Any:
    result = reveal(known.result)
    if contains_unknown(result):
        raise Stopped(
            f"'{known.key}' of this step is done, but what it answered is secret and was not kept.",
            hint=f"Start a new run with `--fresh`: it looks at the world again. {NEXT_TIME}",
        )
    return result


def make_token(run: str, step: str, key: str, attempt: int) -> str:
    """A mark of at most 80 characters that names run, step, effect and try (SSM keeps 100 in `Comment`)."""
    mark = hashlib.blake2b(f"{step}\0{key}".encode(), digest_size=12).hexdigest()
    return f"runbook {run[:40]} {mark} {attempt}"


def _as_intent(known: EffectIntent) -> Intent:
    return Intent(known.key, known.token, known.attempt, known.started, known.before)
