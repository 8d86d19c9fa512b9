"""Effects that were begun, and of which nobody has written yet what came of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .ending import Doubt
from .journal import EffectIntent


@dataclass(slots=True)
class OpenIntents:
    """Those of a run, the earlier times of it included. Threads may share it."""

    _before: dict[tuple[str, str], EffectIntent] = field(default_factory=dict)
    """From before the run went on."""
    _now: dict[tuple[str, str], EffectIntent] = field(default_factory=dict)

    @classmethod
    def of(cls, intents: Iterable[EffectIntent]) -> OpenIntents:
        return cls({(intent.step, intent.key): intent for intent in intents})

    def begin(self, intent: EffectIntent) -> None:
        key = (intent.step, intent.key)
        self._before.pop(key, None)  # it did not happen, or it would not be tried again
        self._now[key] = intent

    def end(self, step: str, key: str) -> None:
        self._before.pop((step, key), None)
        self._now.pop((step, key), None)

    def settle(self, step: str) -> None:
        """The step came to a good end: what was in doubt of it before is none any more."""
        for known in [each for each in self._before if each[0] == step]:
            self._before.pop(known, None)

    def told(self) -> tuple[Doubt, ...]:
        """In the order in which they began."""
        return tuple(map(doubt_of, (*self._before.values(), *self._now.values())))


def doubt_of(intent: EffectIntent) -> Doubt:
    return Doubt(
        host=intent.host or intent.step.partition("@")[2],
        task=intent.task,
        key=intent.key,
        started=intent.started,
        asks=intent.asks,
    )
