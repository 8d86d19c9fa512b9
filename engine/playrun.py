"""One play on one batch of hosts: what a step's outcome means for its host, its play and the journal."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .context import SharedReads
from .errors import LoadError, StepError
from .events import Event, StepAnew, StepFinished, TaskStarted
from .failed_task import told
from .handlers import Handlers, Notified
from .include_vars import read
from .includes import Includes
from .job import Job
from .journal import Journal, StepDone
from .late_module import LateModules
from .loader_call import Catalog
from .meta_words import FOR_ALL, META, MetaWords
from .model import (
    NO_VARS,
    AddHost,
    CustomStats,
    FactsOf,
    Include,
    IncludeRole,
    Meta,
    Outcome,
    Play,
    Status,
    Task,
    VarsFiles,
)
from .outcomes import NOT_READ, not_included
from .places import plays_here
from .recall import Recall
from .reread import with_secrets
from .rounds import Rounds, fail_with_the_first
from .run_once import Once, Place, place_of
from .scheduler import Lane
from .scope import VariableScope
from .start_at import StartAt
from .step import Steps
from .stepping import Stepping, passed_over
from .tags import Tags
from .task_names import shown_name
from .template import Templates
from .values import Template, UnknownValue
from .variables import HostState, Surroundings
from .walk import Slot, Trail, Verdict, walk_play


@dataclass(slots=True, kw_only=True)
class PlayRun:
    """The runner's side of the scheduler for one play and batch (`scheduler.Conduct`)."""

    play: Play
    around: Surroundings
    steps: Steps
    templates: Templates
    catalog: Catalog
    journal: Journal
    recall: Recall
    tags: Tags
    emit: Callable[[Event], None]
    add_host: Callable[[AddHost], bool]
    keep_stats: Callable[[CustomStats], None]
    refresh: Callable[[], None]
    """Reads the inventory anew."""
    batch: str
    """Identity of the serial batch within the play, empty for the only one."""
    start_at: StartAt
    size: int = 1
    """Hosts of the batch, those included that failed in an earlier play."""
    force_handlers: bool = False
    stepping: Stepping | None = None
    rounds: Rounds = field(init=False)
    lanes: dict[str, Lane] = field(default_factory=dict)
    _scopes: dict[str, VariableScope] = field(default_factory=dict)
    """What the step of each host reads that is under way."""
    _announced: Place | None = None
    _reads: SharedReads = field(default_factory=SharedReads)
    _once: Once = field(default_factory=Once)
    roles_path: Sequence[str] = ()
    words: MetaWords = field(init=False)
    _handlers: Handlers = field(init=False)
    _notified: Notified = field(init=False)
    _includes: Includes = field(init=False)
    _late: LateModules = field(init=False)

    def __post_init__(self) -> None:
        self.rounds = Rounds(self.play, self.templates, self.size)
        self.words = MetaWords(self.around, self.lanes)
        self._late = LateModules(self.templates, self.catalog)
        self._handlers = Handlers(self.play.handlers)
        self._notified = Notified(self._handlers, self.around, self.templates)
        self._includes = Includes(
            catalog=self.catalog,
            templates=self.templates,
            roles_path=self.roles_path,
            playbook=self.play.position.file,
            around=self.around,
            handlers=self._handlers,
        )

    def lane(self, host: str) -> Lane:
        """A host at the beginning of this play."""
        state = self.around.hosts[host]
        trail = Trail(named=functools.partial(self._notified.named, host))
        self._gather(state)
        force = self.force_handlers or bool(
            self.templates.render(self.play.force_handlers, self.around.scope(state))
        )
        walk = walk_play(self.play.tasks, self._handlers.tasks, trail, chain=self.batch, force_handlers=force)
        self.lanes[host] = Lane(host, walk, trail)
        return self.lanes[host]

    def _gather(self, state: HostState) -> None:
        """`gather_facts`: from here on the host's facts lie ready, where there are any."""
        scope = self.around.scope(state)
        if not self.templates.render(self.play.gather_facts, scope):
            return
        if not plays_here(self.play, state.host.name, scope, self.templates):
            return
        subset = tuple(str(self.templates.render(word, scope)) for word in self.play.gather_subset)
        state.gathered.gather(self.around.facts, subset, self.play.environment)

    # -------------------------------------------------------------- scheduler.Conduct

    def prepare(self, lane: Lane) -> Callable[[], Outcome] | None:
        slot = _slot(lane)
        if not slot.frame.handler and not self._selected(lane, slot):
            lane.advance(Verdict())
            return None
        unnamed = self._name_module(lane, slot)
        slot = _slot(lane)
        if self._once_for_all(slot.task) and not self._does_it(lane, slot):
            return None
        scope = functools.partial(self._scope, lane, slot)
        done, anew = self.recall.finished(
            slot, lane.host, functools.partial(self._name_again, slot, lane.host), scope
        )
        if done is not None:
            self._replay(lane, slot, done)
            return None
        if self.stepping is not None and not self.stepping.agreed(slot, self._name_again(slot, lane.host)):
            self._finish(lane, passed_over(), replayed=False)
            return None
        job = self._job(lane, slot, anew)
        if anew:
            self.emit(StepAnew(host=lane.host, task=job.name, position=slot.task.position, why=anew))
        if slot.frame.maybe:
            return lambda: self.steps.leave_open(job, "it is not known yet whether it is notified")
        if unnamed is not None:
            return lambda: self.steps.refuse(job, unnamed)
        return lambda: self.steps.perform(job)

    def _replay(self, lane: Lane, slot: Slot, done: Outcome) -> None:
        self._announce(slot, lane.host)
        if slot.task.async_seconds:
            job = self._job(lane, slot)
            self.steps.restore(job, done, self.recall.history.background(job.step))
        if done.facts or done.directives:
            done = with_secrets(done, functools.partial(self._job, lane, slot), self.steps)
        self._finish(lane, done, replayed=True)

    def waits(self, lane: Lane) -> bool:
        task = _slot(lane).task
        return task.module_template is None and self.steps.waits(task)

    def finish(self, lane: Lane, outcome: Outcome) -> None:
        self._finish(lane, outcome, replayed=False)

    # -------------------------------------------------------------- before a step

    def _name_module(self, lane: Lane, slot: Slot) -> StepError | None:
        """From here on the lane's task has its module, where a template names it; what kept it from that."""
        if slot.task.module_template is None:
            return None
        scope = self.around.scope(self.around.hosts[lane.host], slot.task, slot.frame.vars)
        try:
            lane.slot = replace(slot, task=self._late.named(slot.task, scope))
        except StepError as error:
            return error
        return None

    def _selected(self, lane: Lane, slot: Slot) -> bool:
        def render(tag: Template) -> Any:
            scope = self.around.scope(self.around.hosts[lane.host], slot.task, slot.frame.vars)
            return self.templates.render(tag, scope)

        return self.start_at.reached(slot.task) and self.tags.select(slot.task, render)

    def _once_for_all(self, task: Task) -> bool:
        if not self.rounds.linear or task.module_template is not None:
            return False
        return self.steps.once(task) or (task.module == META and not FOR_ALL.isdisjoint(task.args.values()))

    def _does_it(self, lane: Lane, slot: Slot) -> bool:
        """Whether this host does a `run_once` task itself."""
        place = place_of(slot)
        ended = self._once.ended(place)
        if ended is not None:
            self._take_over(lane, slot, ended)
            return False
        return self._once.first(place, lane)

    def _take_over(self, lane: Lane, slot: Slot, outcome: Outcome) -> None:
        self._remember(self.around.hosts[lane.host], slot.task, outcome)
        self._note_role(lane, slot, outcome)
        if outcome.failed:
            fail_with_the_first(lane)
            self._look_after(lane, at_once=False)
        elif not self.words.follow(lane, outcome):
            lane.advance(self._verdict(lane, slot, _without_includes(outcome)))

    def _scope(self, lane: Lane, slot: Slot) -> VariableScope:
        return self.around.scope(self.around.hosts[lane.host], slot.task, slot.frame.vars)

    def _job(self, lane: Lane, slot: Slot, anew: str = "") -> Job:
        scope = self._scopes[lane.host] = self._scope(lane, slot)
        step = slot.step(lane.host)
        name = self._announce(slot, lane.host, scope)
        return Job(
            slot=slot,
            play=self.play,
            host=lane.host,
            step=step,
            name=name,
            scope=scope,
            reads=self._reads,
            base=self.around.playbook_dir,
            items=self.recall.history.items(step) if slot.task.loop else {},
            anew=anew,
        )

    def _announce(self, slot: Slot, host: str, scope: VariableScope | None = None) -> str:
        """Tell once that a task begins; returns its name."""
        name = self._name_again(slot, host, scope)
        if self._announced != place_of(slot):
            self._announced = place_of(slot)
            self._reads = SharedReads()
            if slot.task.implicit:
                return name
            self.emit(
                TaskStarted(
                    name=name,
                    module=slot.task.module,
                    position=slot.task.position,
                    handler=slot.frame.handler,
                )
            )
        return name

    def _name(self, task: Task, scope: VariableScope) -> str:
        try:
            return shown_name(task, str(self.templates.render(task.name, scope)))
        except (StepError, UnknownValue):
            return shown_name(task)

    # -------------------------------------------------------------- after a step

    def _finish(self, lane: Lane, outcome: Outcome, *, replayed: bool) -> None:
        slot = _slot(lane)
        state = self.around.hosts[lane.host]
        name = self._name_again(slot, lane.host)
        scope = self._scopes.pop(lane.host, None)
        made_from = (
            self.recall.made_from(slot, scope) if scope is not None and not replayed else ("", NO_VARS)
        )
        try:
            verdict = self._verdict(lane, slot, outcome)
        except (StepError, LoadError) as error:
            outcome = not_included(outcome, str(error))
            verdict = Verdict(failed=True)
        self._remember(state, slot.task, outcome)
        if _rescued(slot, outcome):
            scope = self.around.scope(state, slot.task, slot.frame.vars)
            state.facts["ansible_failed_task"] = told(slot.task, self.templates, scope, self.catalog)
            state.facts["ansible_failed_result"] = outcome.result
        if not replayed:
            self.journal.append(_record(lane.host, slot, name, outcome, made_from))
        for kept in outcome.directives:
            if isinstance(kept, CustomStats):
                self.keep_stats(kept)
        if self.words.refreshes(outcome):
            self.refresh()
        self._note_role(lane, slot, outcome)
        for notified in outcome.notified:
            self._notified.notify(lane.host, slot, lane.trail, notified)
        for notified in outcome.may_notify:
            self._notified.notify(lane.host, slot, lane.trail, notified, sure=False)
        if slot.task.module != META or outcome.status in (Status.FAILED, Status.SKIPPED):
            self._tell_end(lane.host, slot, name, outcome, replayed)
        self._go_on(lane, slot, outcome, verdict)

    def _tell_end(self, host: str, slot: Slot, name: str, outcome: Outcome, replayed: bool) -> None:
        task = slot.task
        self.emit(
            StepFinished(
                host=host,
                task=name,
                module=task.module,
                position=task.position,
                outcome=outcome,
                replayed=replayed,
                # a file or role that can't be read counts as failed all the same (Ansible's rule)
                rescued=_rescued(slot, outcome) and NOT_READ not in outcome.result,
            )
        )

    def _note_role(self, lane: Lane, slot: Slot, outcome: Outcome) -> None:
        role = slot.task.role
        if role is not None and outcome.status not in (Status.SKIPPED, Status.UNREACHABLE):
            lane.trail.roles.begun.add(role.key)

    def _name_again(self, slot: Slot, host: str, scope: VariableScope | None = None) -> str:
        if not isinstance(slot.task.name, Template):
            return shown_name(slot.task)
        if scope is None:
            scope = self.around.scope(self.around.hosts[host], slot.task, slot.frame.vars)
        return self._name(slot.task, scope)

    def _go_on(self, lane: Lane, slot: Slot, outcome: Outcome, verdict: Verdict) -> None:
        if outcome.status is Status.UNREACHABLE and not outcome.ignored:
            lane.failed = True
            lane.leave()
        ended = lane.gone or self.words.follow(lane, outcome)
        if slot.task.any_errors_fatal and self.rounds.fatal(
            slot.task, self.around.scope(self.around.hosts[lane.host])
        ):
            self.rounds.hold(lane, verdict)
        elif not ended:
            lane.advance(verdict)
        self._look_after(lane, at_once=verdict.failed)
        if self._once_for_all(slot.task):
            for waiting in self._once.end(place_of(slot), outcome):
                self._take_over(waiting, slot, outcome)

    def settle(self) -> None:
        """No host runs a task: what one failure means for the others is seen now."""
        for lane in self.rounds.settle():
            self._look_after(lane, at_once=True)
        if self.rounds.over:
            self._end_all()

    def _look_after(self, lane: Lane, *, at_once: bool) -> None:
        """What it means for the play that this host failed. `at_once`: with this task, and not after an always
        section that it had still to do."""
        if not lane.failed or lane.host not in self.around.batch:
            return
        self.around.batch.remove(lane.host)
        self.around.play_hosts.remove(lane.host)
        if at_once:
            self.rounds.lost(self.around.scope(self.around.hosts[lane.host]))

    def _end_all(self) -> None:
        """Too many hosts failed: the others stop as well."""
        for lane in self.lanes.values():
            if lane.slot is not None:
                lane.failed = True
                lane.leave()
                self._look_after(lane, at_once=False)

    def _remember(self, state: HostState, task: Task, outcome: Outcome) -> None:
        state.facts.update(outcome.facts)
        state.gathered.learn(outcome.host_facts)
        if task.register and task.module != META:
            state.facts[task.register] = outcome.result

    def _learn_of(self, told: FactsOf) -> None:
        """As in Ansible, what is learned of a host that nobody knows is lost."""
        state = self.around.hosts.get(told.host)
        if state is not None:
            state.facts.update(told.facts)
            state.gathered.learn(told.host_facts)

    def _verdict(self, lane: Lane, slot: Slot, outcome: Outcome) -> Verdict:
        includes = []
        words = set()
        for directive in outcome.directives:
            if isinstance(directive, Include | IncludeRole):
                scope = self.around.scope(self.around.hosts[lane.host], slot.task, slot.frame.vars)
                includes.append((directive, self._includes.nodes(slot, directive, scope)))
            elif isinstance(directive, FactsOf):
                self._learn_of(directive)
            elif isinstance(directive, AddHost):
                self.add_host(directive)
            elif isinstance(directive, VarsFiles):
                scope = self.around.scope(self.around.hosts[lane.host], slot.task, slot.frame.vars)
                self.around.hosts[lane.host].included.update(read(directive, scope, self.templates.vault))
            elif isinstance(directive, Meta):
                words.add(directive.word)
        return Verdict(
            failed=outcome.failed,
            includes=tuple(includes),
            flush="flush_handlers" in words,
            end_role="end_role" in words and slot.task.role is not None,
        )


def _without_includes(outcome: Outcome) -> Outcome:
    """What the other hosts take over of a `run_once` task: what it includes is for the one that did it."""
    left = tuple(each for each in outcome.directives if not isinstance(each, Include | IncludeRole))
    return replace(outcome, directives=left) if left != outcome.directives else outcome


def _slot(lane: Lane) -> Slot:
    assert lane.slot is not None  # noqa: S101 (the scheduler only hands over lanes with a task)
    return lane.slot


def _rescued(slot: Slot, outcome: Outcome) -> bool:
    """It failed, and a rescue section takes over. A host that is lost leaves without one (Ansible's rule)."""
    return slot.frame.rescued and outcome.failed and outcome.status is not Status.UNREACHABLE


def _record(
    host: str, slot: Slot, name: str, outcome: Outcome, made_from: tuple[str, Mapping[str, str]]
) -> StepDone:
    return StepDone(
        step=slot.step(host),
        host=host,
        task=name,
        module=slot.task.module,
        file=slot.task.position.file,
        line=slot.task.position.line,
        column=slot.task.position.column,
        outcome=outcome,
        register=slot.task.register,
        rescued=_rescued(slot, outcome),
        definition=made_from[0],
        reads=made_from[1],
    )
