"""Takes a run back: what its journal tells is planned, compared with the world, shown, and played by the runner."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from . import assembly
from .acts import Act, acts_of, refuse_doubts
from .assembly import Loaded, View
from .cli_codes import STOPPED
from .cli_start import Start
from .errors import Stopped, UsageError
from .generated import Generated, inventory, playbook
from .identity import digest
from .journal import RunHeader, RunSummary
from .journal_reader import SqliteReader
from .looking import Looking, Notes, Seen, seen_by
from .model import Outcome
from .moved import Moved, moved_on
from .options import Options
from .plan_run import Making, PlanPart
from .prose import inline, one_line, visible
from .registry import Registry
from .resume import taken_back
from .sealing import Seals
from .secrets import Masker
from .state_key import key_source
from .undo_plan import Back, Undoing, by_resource, holds_secret, plan_undo
from .values import Secret
from .vault import Vault
from .writers import EXISTS, MISSING

K = TypeVar("K")
UNDO = "Undo: "
NOTHING = Undoing(backs=(), kept=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A run that is to be taken back, and all that leads there."""

    header: RunHeader
    start: Start
    """How the play was started that it is about: its folder and its modules."""
    state: Path
    vault: Vault
    registry: Registry
    acts: tuple[Act, ...]
    snapshot: str = ""
    undoing: Undoing = NOTHING

    @property
    def path(self) -> str:
        return self.start.playbooks[0]

    def loaded(self, tasks: Sequence[Generated], name: str) -> Loaded:
        """The tasks as a playbook, ready for the runner."""
        return Loaded(
            playbook=playbook(tasks, path=self.path, name=name),
            inventory=replace(inventory(tasks), sources=self.header.inventory),
            registry=self.registry,
            vault=self.vault,
        )

    def tasks(self) -> list[Generated]:
        """What takes it back."""
        return [self.task(back) for back in self.undoing.backs]

    def identity(self, back: Back) -> str:
        act = back.act
        return digest("undo", self.header.run, act.step, act.scope, back.resource)

    def task(self, back: Back) -> Generated:
        called = back.act.called
        assert called is not None  # noqa: S101 (what can be undone was called)
        return Generated(
            identity=self.identity(back),
            host=back.act.host,
            name=_named(back.act.task),
            module=back.module,
            arguments=back.undo.arguments,
            called=called,
            hidden=any(holds_secret(act, back.resource) for act in self.acts),
        )


def read_run(state: Path, header: RunHeader, start: Start, vault: Vault) -> Undone:
    """What a run did, from its records."""
    seals = Seals(key_source(vault, os.environ))
    folders = [Path(path).parent / "library" for path in start.playbooks]
    with SqliteReader(state, seals=seals) as reader:
        acts = acts_of(reader.records(header.run))
    registry = Registry([*folders, *map(Path, start.module_path)])
    return Undone(
        header=header,
        start=start,
        state=state,
        vault=vault,
        registry=registry,
        acts=acts,
    )


def planned(undone: Undone, snapshot: str = "") -> Undone:
    """With what takes it back. Raises UsageError when something is in doubt, or nothing can have a snapshot."""
    with SqliteReader(undone.state) as reader:
        refuse_doubts(reader.records(undone.header.run))
    return replace(undone, snapshot=snapshot, undoing=plan_undo(undone.acts, undone.registry.get, snapshot))


# ---------------------------------------------------------------- later runs


def refuse_later(undone: Undone, runs: Sequence[RunSummary]) -> None:
    """Raises UsageError when a later run, not taken back, changed what is to be taken back."""
    ours = by_place(undone)
    names = [summary.run for summary in runs]
    with SqliteReader(undone.state, seals=Seals(key_source(undone.vault, os.environ))) as reader:
        for summary in runs[names.index(undone.header.run) + 1 :]:
            if taken_back(runs, summary.run) is not None or summary.header.undoes:
                continue
            shared = sorted(ours & by_place(replace(undone, acts=acts_of(reader.records(summary.run)))))
            if shared:
                raise UsageError(
                    f"Run {undone.header.run} can't be taken back: run {summary.run} changed {shared[0]} after it",
                    hint=f"Take that one back first: `runbook undo {summary.run}`.",
                )


def by_place(undone: Undone) -> set[str]:
    """The names of all that a run changed."""
    return {resource for _, resource in by_resource(undone.acts, undone.registry.get)}


# ---------------------------------------------------------------- looking


def look(undone: Undone, numbers: Sequence[int], options: Options) -> dict[int, Seen]:
    """What the calls of some acts see now, each in the world as it is. Raises UsageError in another world."""
    tasks = {number: _again(undone, number) for number in numbers if undone.acts[number].called is not None}
    return _look(undone, tasks, options)


def _look_instead(undone: Undone, seen: Mapping[int, Seen], options: Options) -> dict[str, Seen]:
    """What the calls of the undoing see, where those that made the changes can't look again: a template needs the
    variables of its play."""
    tasks = {
        back.resource: replace(
            undone.task(back),
            module=(back.undo.look or back.undo).module or back.act.module,
            arguments=(back.undo.look or back.undo).arguments,
            compares=True,
        )
        for back in undone.undoing.backs
        if any(seen[number].error for number, _ in back.left_behind.values() if number in seen)
    }
    return _look(undone, tasks, options)


def _look(undone: Undone, tasks: Mapping[K, Generated], options: Options) -> dict[K, Seen]:
    if not tasks:
        return {}
    looking = Looking()
    loaded = undone.loaded(list(tasks.values()), "look")
    notes = Notes()
    dry = replace(options, check=True)
    code, _ = assembly.play(loaded, dry, undone.state, View(listener=notes), _listening(looking, undone))
    if code == STOPPED:
        raise Stopped("\n".join(notes.messages) or "Looking was interrupted.")
    if looking.header is not None:
        refuse_elsewhere(undone.header, looking.header)
    return {key: seen_by(looking.of(task.identity, task.host)) for key, task in tasks.items()}


def _again(undone: Undone, number: int) -> Generated:
    act = undone.acts[number]
    called = act.called
    assert called is not None  # noqa: S101 (who looks leaves the others out)
    return Generated(
        identity=digest("look", act.step, act.scope),
        host=act.host,
        name=act.task,
        module=act.module,
        arguments=called.arguments,
        called=called,
        compares=True,
    )


def _listening(looking: Looking, undone: Undone) -> Callable[[Masker], Looking]:
    def begin(masker: Masker) -> Looking:
        for act in undone.acts:
            if act.called is not None:
                masker.add_boxes(dict(act.called.arguments))
        return looking

    return begin


def refuse_elsewhere(then: RunHeader, now: RunHeader) -> None:
    """Raises UsageError when the calls would go to another account, Region or sandbox than the run's."""
    for what, before, here in (
        ("account", then.account.split(","), now.account.split(",")),
        ("Region", then.region.split(","), now.region.split(",")),
        ("world", then.target.split(", "), now.target.split(", ")),
    ):
        other = [one for one in here if one and one not in before]
        if other:
            raise UsageError(
                f"Run {then.run} acted in {what} {', '.join(before)}, and this would act in {', '.join(other)}",
                hint="Use the profile and Region that it had. A sandbox that was made anew is another world.",
            )


def refuse_moved(undone: Undone, options: Options) -> None:
    """Raises UsageError, with every field, when the world is not as the run left it."""
    numbers = sorted({number for back in undone.undoing.backs for number, _ in back.left_behind.values()})
    seen = look(undone, numbers, options)
    instead = _look_instead(undone, seen, options)
    found = list(moved_on(undone.undoing.backs, undone.acts, seen, undone.registry.get, instead))
    if found:
        raise UsageError(
            f"Run {undone.header.run} can't be taken back: the world has moved on since it left it\n"
            + "\n".join(f"    {line}" for one in found for line in told(one)),
            hint="Nothing was changed. Put this back by hand, or leave the run as it is.",
        )


def told(moved: Moved) -> Iterator[str]:
    """A field that is not as it was left, for people."""
    task, name = f" ({one_line(moved.act.task)})", one_line(moved.resource)
    if moved.error:
        first, *_ = visible(moved.error).splitlines() or [""]
        yield f"{name}: can't be looked at: {first}{task}"
    elif moved.path == EXISTS:
        yield f"{name}: {'is there again' if moved.now else 'is not there any more'}{task}"
    else:
        field_ = ".".join(moved.path)
        yield f"{name}: {field_} was left as {shown(moved.recorded)}, and is {shown(moved.now)}{task}"


def shown(value: object) -> str:
    """A value on a line."""
    text = "nothing" if value is MISSING else inline(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


# ---------------------------------------------------------------- showing and playing


def show(undone: Undone, options: Options, view: View) -> tuple[int, bool]:
    """Show the plan of the undoing: its exit code, and whether anything would change.

    Raises UsageError when it would take away what the run did not make.
    """
    made: list[Making] = []

    def making(masker: Masker) -> Making:
        made.append(Making(masker))
        masker.add_boxes([dict(back.undo.arguments) for back in undone.undoing.backs])
        return made[0]

    dry = replace(options, check=True, diff=True)
    code, changed = assembly.play(
        undone.loaded(undone.tasks(), _title(undone)), dry, undone.state, replace(view, kept=True), making
    )
    _refuse_strangers(
        undone, [made[0].book.outcome(f"{task.identity}@{task.host}") for task in undone.tasks()]
    )
    return code, changed


def _refuse_strangers(undone: Undone, outcomes: Sequence[Outcome | None]) -> None:
    ours = {change.resource for act in undone.acts for change in act.changes}
    strange = [
        change.resource
        for outcome in outcomes
        if outcome is not None
        for change in outcome.changes
        if change.action.changes and change.resource not in ours
    ]
    if strange:
        raise UsageError(
            f"Run {undone.header.run} can't be taken back: that would change {strange[0]}, which it did not make",
            hint="Nothing was changed. Take it away by hand, or leave the run as it is.",
        )


def play(undone: Undone, options: Options, view: View) -> int:
    """Take it back, or go on with that."""

    def plain_run(masker: Masker) -> PlanPart:
        masker.add_boxes([dict(back.undo.arguments) for back in undone.undoing.backs])
        return assembly.no_plan(masker)

    return assembly.play(
        undone.loaded(undone.tasks(), _title(undone)), options, undone.state, view, plain_run
    )[0]


def _named(task: str) -> str:
    return f"Redo: {task.removeprefix(UNDO)}" if task.startswith(UNDO) else f"{UNDO}{task}"


def _title(undone: Undone) -> str:
    return f"Undo run {undone.header.run}"


def remarks(undone: Undone, masker: Masker) -> Iterator[str]:
    """What the operator has to know before he says yes."""
    for kept in undone.undoing.kept:
        about = f" [{kept.resource}]" if kept.resource else ""
        yield masker.mask(f"not taken back: {kept.act.task}{about}: {kept.why}")
    for back in undone.undoing.backs:
        if not back.act.finished:
            yield masker.mask(f"not finished: {back.act.task}: it is taken back as far as it came")
        if back.undo.left:
            yield masker.mask(f"stays: {back.act.task} [{back.resource}]: {back.undo.left}")
    for back in undone.undoing.backs:
        if back.undo.loses:
            named = back.undo.snapshot and not undone.snapshot
            hint = "; `--final-snapshot NAME` keeps a last snapshot" if named else ""
            yield masker.mask(f"LOST: {back.undo.loses}{hint}")


def secrets_of(undone: Undone) -> Masker:
    """Masks what is secret in the arguments of the run."""
    masker = Masker()
    for act in undone.acts:
        if act.called is not None:
            masker.add_boxes({n: v for n, v in act.called.arguments.items() if isinstance(v, Secret)})
    return masker
