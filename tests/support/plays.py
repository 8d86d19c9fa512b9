"""Plays playbook texts in a folder of their own, with the real loader, journal and modules."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from runbook.events import Event, ItemFinished, Notice, RunFinished, RunStarted, StepFinished, TaskStarted
from runbook.inventory import load_inventory
from runbook.journal_sqlite import SqliteJournal
from runbook.loader import load_playbook
from runbook.model import Outcome
from runbook.options import Options
from runbook.plan_file import SavedPlan, read_plan, write_plan
from runbook.plan_run import Keeping, Making, NoPlan, PlanPart
from runbook.registry import Registry
from runbook.runner import Runner
from runbook.sealing import Seals
from runbook.secrets import Masker
from runbook.template import Templates

E = TypeVar("E", bound=Event)


@dataclass
class Played:
    """What a run told its observers."""

    code: int
    events: list[Event]

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        """Host, task and status of each step, in the order in which they ended."""
        return [(s.host, s.task, str(s.outcome.status)) for s in self.of(StepFinished)]

    def steps_of(self, module: str) -> list[StepFinished]:
        """The finished steps of one module, in their order."""
        return [step for step in self.of(StepFinished) if step.module == module]

    @property
    def names(self) -> list[str]:
        return [step.task for step in self.of(StepFinished)]

    @property
    def of_failed(self) -> dict[str, Any]:
        """The results of the tasks that failed."""
        return {s.task: s.outcome.result for s in self.of(StepFinished) if s.outcome.failed}

    @property
    def tasks(self) -> list[str]:
        return [task.name for task in self.of(TaskStarted)]

    @property
    def items(self) -> list[str]:
        return [item.label for item in self.of(ItemFinished)]

    @property
    def notices(self) -> str:
        """What the operator is told beside the steps, why the run stopped included."""
        stops = [f"{stop.message}\n{stop.hint}" for end in self.of(RunFinished) for stop in end.stops]
        return "\n".join([*(notice.message for notice in self.of(Notice)), *stops])

    @property
    def started(self) -> RunStarted:
        return self.of(RunStarted)[0]

    @property
    def finished(self) -> RunFinished:
        return self.of(RunFinished)[-1]

    def outcome(self, task: str, host: str | None = None) -> Outcome:
        return next(
            s.outcome for s in self.of(StepFinished) if s.task == task and (host is None or s.host == host)
        )

    def message(self, task: str, host: str | None = None) -> Any:
        return self.outcome(task, host).result["msg"]


@dataclass
class Folder:
    """A folder with a playbook in it."""

    path: Path
    inventory: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    key: bytes | None = None
    """What secrets are sealed with."""

    @property
    def state(self) -> Path:
        return self.path / "state.db"

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    def runner(
        self, text: str | None = None, *, plan: Callable[[Masker], PlanPart] | None = None, **options: Any
    ) -> tuple[Runner, list[Event]]:
        file = self.path / "site.yml"
        if text is not None:
            self.write("site.yml", text)
        registry = Registry([self.path / "library"])
        events: list[Event] = []
        masker = Masker()
        digest = options.pop("plan_digest", "")
        journal = options.pop("journal", partial(SqliteJournal, self.state))
        fields = {name: options.pop(name) for name in ("ask", "question") if name in options}
        seals = Seals(self.key)
        sources = [self.inventory] if self.inventory else []
        runner = Runner(
            playbook=load_playbook(str(file), registry, extra_vars=options.get("extra_vars", {})),
            inventory=load_inventory(sources, playbook_dir=self.path),
            options=Options(**{**self.options, **options}, plan=digest),
            registry=registry,
            templates=Templates(self.path, masker),
            open_journal=lambda: journal(mask=masker.mask, seals=seals),
            seals=seals,
            report=events.append,
            masker=masker,
            plan=plan(masker) if plan else NoPlan(),
            **fields,
        )
        return runner, events

    def kept(self) -> bytes:
        """All bytes of the state file, and of what SQLite keeps beside it."""
        return b"".join(file.read_bytes() for file in self.path.glob("state.db*"))

    def play(self, text: str | None = None, **options: Any) -> Played:
        runner, events = self.runner(text, **options)
        return Played(runner.run(), events)

    def plan(self, text: str | None = None, *, key: bytes | None = None, **options: Any) -> SavedPlan:
        """Make a plan, and read it from its file again."""
        made: list[Making] = []

        def making(masker: Masker) -> PlanPart:
            made.append(Making(masker))
            return made[0]

        assert self.play(text, plan=making, check=True, **options).code == 0
        write_plan(self.path / "saved.plan", made[0].file(key))
        return read_plan(str(self.path / "saved.plan"))

    def keep(
        self, saved: SavedPlan, text: str | None = None, *, key: bytes | None = None, **options: Any
    ) -> Played:
        """Play it, held to a plan."""
        return self.play(
            text,
            plan=lambda masker: Keeping(saved, key, masker.mask),
            **{"plan_digest": saved.digest, **options},
        )
