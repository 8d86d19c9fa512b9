"""A context that a module test hands to `observe` and `apply`: it keeps no journal and never sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from runbook.contract import (
    Absent,
    Finding,
    Intent,
    Landed,
    LocalPath,
    PlaybookFolder,
    Ready,
    RenderedFile,
    Target,
    TemplateSyntax,
    Waiting,
)
from runbook.errors import Failed, InDoubt, Interrupted, RunbookError, Stopped

T = TypeVar("T")

MOST_READS = 100
"""So many reads of one poll stand for its whole timeout."""

LEAST_PAUSE = 0.05
"""Seconds between two looks at a fast sandbox: it needs the processor too."""

MOST_TRIES = 3
MOST_LOOKS = 24
LOOK_PAUSE = timedelta(seconds=5)

TARGET = Target(
    region="eu-west-2",
    access_key_id="testing",
    secret_access_key="testing",
    endpoint_url="http://127.0.0.1:1",
    speed=1.0,
)


@dataclass(frozen=True)
class NamedFiles:
    """Files by their names below one folder, not rendered."""

    base: Path

    def find(self, name: str, folder: str = "files") -> str:
        places = (self.base / folder / name, self.base / name)
        found = next((place for place in places if place.exists()), None)
        if found is None:
            raise Failed(f"Could not find or access '{name}'")
        return f"{found}/" if name.endswith("/") else str(found)

    def render(self, name: str, dest: str, syntax: TemplateSyntax) -> RenderedFile:
        return RenderedFile(name, Path(self.find(name, "templates")).read_text())

    def opened(self, content: bytes, path: str) -> bytes:
        return content

    def place(self, name: str) -> LocalPath:
        return LocalPath(f"{self.base / name}{'/' if name.endswith('/') else ''}")


@dataclass(kw_only=True)
class RecordingContext:
    """`contract.Context` that records what a module did.

    `done` holds outcomes of effects from before a resume, `begun` the keys of those that were only begun.
    `known` answers `observe` for resources that the planned world knows.
    """

    clients: Callable[[str, bool], Any] | None = None
    host: str = "localhost"
    run: str = "run-1"
    target: Target = TARGET
    connection: str = "local"
    variables: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    base: Path = field(default_factory=Path.cwd)
    cancelled: bool = False
    secret_arguments: frozenset[str] = frozenset()
    diff: bool = False
    done: Mapping[str, Any] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()
    known: Mapping[str, Any] = field(default_factory=dict)
    """Of a dry run: resources that earlier steps would change, and what they would be then."""
    effects: list[str] = field(default_factory=list)
    """Keys of the effects that were really called, in order."""
    phases: list[str] = field(default_factory=list)
    """What was shown as progress, without repeats."""
    warnings: list[str] = field(default_factory=list)
    _read: dict[str, Any] = field(default_factory=dict)

    @property
    def began(self) -> Mapping[str, bool]:
        return {**dict.fromkeys(self.begun, False), **dict.fromkeys(self.done, True)}

    def cut_short(self) -> RunbookError:
        return Interrupted("The run was interrupted, and this with it.")

    @property
    def files(self) -> PlaybookFolder:
        return NamedFiles(self.base)

    def client(self, service: str, *, retries: bool = True) -> Any:
        if self.clients is None:
            raise AssertionError(f"no {service} client was expected")
        return self.clients(service, retries)

    def observe(self, resource: str, read: Callable[[], T]) -> T:
        if resource in self.known:
            return cast(T, self.known[resource])
        if resource not in self._read:
            self._read[resource] = read()
        return cast(T, self._read[resource])

    def planned(self, prefix: str) -> tuple[str, ...]:
        return tuple(name for name in self.known if name.startswith(prefix))

    def effect(
        self,
        key: str,
        call: Callable[[Intent], T],
        *,
        find: Callable[[Intent], Finding[T]] | None = None,
        before: Any = None,
        vouched: Callable[[str], T] | None = None,
    ) -> T:
        if key in self.done:
            return cast(T, self.done[key])
        self._read.clear()
        doubtful = key in self.begun
        for attempt in range(1, MOST_TRIES + 1):
            intent = Intent(key, f"runbook {self.run} {key} {attempt}", attempt, datetime.now(UTC), before)
            if not doubtful:
                self.effects.append(key)
                try:
                    return call(intent)
                except InDoubt:
                    doubtful = True
            landed: Landed[T] | None = self._settle(intent, find)
            if landed is not None:
                return landed.result
            doubtful = False
        raise Stopped(f"'{key}' did not happen in {MOST_TRIES} tries.")

    def _settle(self, intent: Intent, find: Callable[[Intent], Finding[T]] | None) -> Landed[T] | None:
        if find is not None:
            for look in range(MOST_LOOKS):
                finding = find(replace(intent, started=intent.started - look * LOOK_PAUSE))
                if isinstance(finding, Landed):
                    return finding
                if isinstance(finding, Absent):
                    return None
        raise Stopped(f"It is in doubt whether '{intent.key}' happened.")

    def poll(
        self,
        what: str,
        read: Callable[[], Waiting | Ready[T]],
        *,
        timeout: float,
        interval: float = 5.0,
        longest: float = 60.0,
    ) -> T:
        assert timeout > 0
        assert 0 < interval <= longest
        phase = ""
        for _ in range(MOST_READS):
            answer = read()
            if isinstance(answer, Ready):
                return answer.value
            phase = answer.phase
            self.progress(phase, answer.percent)
        raise Failed(f"{what}: still {phase} after {timeout:g} seconds")

    def ask(self, prompt: str) -> str:
        self.phases.append(prompt)
        return ""

    def progress(self, phase: str, percent: float | None = None) -> None:
        shown = phase if percent is None else f"{phase} {percent:g}%"
        if self.phases[-1:] != [shown]:
            self.phases.append(shown)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@dataclass(kw_only=True)
class WaitingContext(RecordingContext):
    """The same against a service that takes its time: `poll` waits, by the target's clock."""

    def poll(
        self,
        what: str,
        read: Callable[[], Waiting | Ready[T]],
        *,
        timeout: float,
        interval: float = 5.0,
        longest: float = 60.0,
    ) -> T:
        deadline = time.monotonic() + timeout / self.target.speed
        while True:
            answer = read()
            if isinstance(answer, Ready):
                return answer.value
            self.progress(answer.phase, answer.percent)
            if time.monotonic() > deadline:
                raise Failed(f"{what}: still {answer.phase} after {timeout:g} seconds")
            time.sleep(max(interval / self.target.speed, LEAST_PAUSE))
