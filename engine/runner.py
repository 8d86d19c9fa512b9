"""A run: all plays of a playbook, in order, against the journal. Prints nothing: it emits events."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from . import credentials_end
from .background import Background
from .batches import batches, ordered, sizes
from .context import Permits, Services
from .contract import ClientFactory
from .custom_stats import StatsBoard
from .doubts import nobody
from .edits import Edits
from .effects import Effects
from .errors import JournalError, Problem, RunbookError, Stopped
from .events import Event, Notice, PlayStarted, RunStarted, StepFinished
from .identity import Definitions
from .job import Job
from .journal import ItemDone, Journal, RunSummary
from .left_over import LeftOver
from .lookup_clients import LookupClients
from .loops import ItemKey
from .meta_words import META
from .model import Inventory, Outcome, Play, Playbook
from .options import Options
from .plan_run import NoPlan, PlanPart
from .planned import PlannedWorld
from .playrun import PlayRun
from .preflight import Destination, check_places, destinations
from .promise import Promise
from .prompts import Ask, Prompter
from .questions import Questions
from .recall import Recall
from .registry import Registry
from .roster import Roster
from .run_choice import ChosenRun, choose_run, make_header
from .run_end import Ending, our_mistake
from .sandbox_start import start_sandbox
from .scheduler import STRATEGIES, TICK, Scheduler
from .sealing import Seals
from .secrets import Masker
from .shown_first import ShownFirst
from .start_at import StartAt
from .step import Steps
from .stepping import Stepping
from .tallies import Tallies
from .targets import Targets, describe
from .template import Templates
from .written import Written


@dataclass(slots=True, kw_only=True)
class Runner:
    """Plays a playbook."""

    playbook: Playbook
    inventory: Inventory
    options: Options
    registry: Registry
    templates: Templates
    open_journal: Callable[[], Journal]
    report: Callable[[Event], None]
    masker: Masker = field(default_factory=Masker)
    seals: Seals = field(default_factory=Seals)
    """Those of the journal."""
    cancel: threading.Event = field(default_factory=threading.Event)
    ask: Callable[[str], str] = nobody
    question: Ask | None = None
    """Asks what plays want to know (`vars_prompt`); None: there is no terminal."""
    plan: PlanPart = field(default_factory=NoPlan)
    reread: Callable[[], Inventory] | None = None
    """Reads the inventory's sources anew."""
    earlier: Callable[[], Sequence[RunSummary]] = tuple
    """The runs that the state file holds."""
    _tallies: Tallies = field(default_factory=Tallies)
    _stats: StatsBoard = field(default_factory=StatsBoard)
    _targets: Targets = field(init=False)
    _clients: Callable[[], ClientFactory] = field(init=False)
    _roster: Roster = field(init=False)
    _prompter: Prompter = field(init=False)
    _ending: Ending = field(init=False)

    def __post_init__(self) -> None:
        self._clients = functools.cache(self.registry.client_factory)
        self._targets = Targets(lambda: start_sandbox(self._note))
        self.templates.doors.client = LookupClients(self._targets, self._clients)
        self.templates.doors.warn = self._note
        self._roster = Roster(
            self.playbook, self.inventory, self.options, self.templates, self.registry.fact_source
        )
        self._prompter = Prompter(self.templates, self.options.extra_vars)
        self._ending = Ending(self.options, self._tallies, self.report, LeftOver(self.options.tags))

    @property
    def changed(self) -> bool:
        """Whether any step changed the world, or in a dry run would have."""
        return self._tallies.changed

    def run(self) -> int:
        """Play it; returns the exit code. Raises what kept anything from being run."""
        began = time.monotonic()
        where = self._preflight()
        journal: Journal = self.plan.journal() if self.options.check else self.open_journal()
        try:
            header = make_header(self.playbook, self.inventory, self.options, where)
            promise = self.plan.begin(header)
            chosen = choose_run(journal, header, self.options)
            self._roster.began = chosen.began
            recall = self._recall(journal, chosen)
            self._tell_start(chosen, where, str(recall.edits or ""))
            ends = credentials_end.warning(where, chosen.header, self.earlier)
            if ends:
                self._note(ends)
            try:
                services = self._services(journal, chosen, promise)
                self._ending.doubts = services.effects.in_doubt
                self._play_all(journal, recall, services)
                self._await_background(services)
                if self._tallies.exit_code == 0:
                    self.plan.end(lambda step: chosen.history.finished(step) is not None)
            except JournalError as error:
                self._ending.stop(error, code=4)
            except RunbookError as error:
                self._ending.stop(error, code=error.exit_code)
            except Exception as error:  # noqa: BLE001 (a mistake of ours: told, recorded, and gone on with)
                self._ending.stop(our_mistake(error, self.options.verbosity), code=4)
            seconds = time.monotonic() - began
            return self._ending.finish(journal, chosen.header.run, seconds, self._plays, self._stats.kept)
        finally:
            journal.close()

    def _preflight(self) -> list[Destination]:
        """Check what can be checked before the first step."""
        self._roster.check_limit(self._warn)
        scoped = []
        for play in self.playbook.plays:
            around = self._roster.surroundings(play, [], "", begun=False)
            states = self._roster.states
            hosts = [(host, around.scope(states[host])) for host in self._roster.hosts(play)]
            scoped.append((play, hosts))
        check_places(scoped, self.registry, self.templates)
        return destinations(scoped, self.registry, self.templates, self._targets, self._clients)

    def _explain(self, error: Exception) -> RunbookError | None:
        return self._clients().explain(error)

    # -------------------------------------------------------------- the plays

    def _play_all(self, journal: Journal, recall: Recall, services: Services) -> None:
        steps = self._steps(services, journal)
        start_at = StartAt(self.options.start_at)
        stepping = Stepping(self.question) if self.options.step and self.question is not None else None
        lost: set[str] = set()
        questions = Questions(self._prompter, self._roster, journal, recall.history, self.question)
        questions.check(self.playbook.plays)
        for written in self.playbook.plays:
            questions.put(written)
            play = self._roster.settled(written)
            every = self._roster.hosts(play, self._warn)
            hosts = [host for host in every if host not in lost]
            serial = [self.templates.render(size, self._roster.scope(play)) for size in play.serial]
            ended = False
            cut = batches(ordered(every, play.order, services.run), sizes(serial))
            for number, whole in enumerate(cut):
                batch = [host for host in whole if host not in lost]
                run = PlayRun(
                    play=play,
                    around=self._roster.surroundings(
                        play, batch, services.run, hosts=every, left=[h for h in every if h not in lost]
                    ),
                    steps=steps,
                    templates=self.templates,
                    catalog=self.registry,
                    roles_path=self.playbook.roles_path,
                    journal=journal,
                    recall=recall,
                    tags=self.options.tags,
                    emit=self._emit,
                    add_host=self._roster.add,
                    keep_stats=self._stats.keep,
                    refresh=self._refresh,
                    batch=f"batch{number}/" if play.serial else "",
                    start_at=start_at,
                    size=len(whole),
                    force_handlers=self.options.force_handlers,
                    stepping=stepping,
                )
                self._play_batch(run, batch, services)
                failed = [host for host in batch if run.lanes[host].failed]
                lost.update(failed)
                if run.words.forgiven:
                    lost.difference_update(self._roster.hosts(play))
                    self._tallies.forgive(self._roster.hosts(play))
                if whole and len(failed) == len(whole):
                    ended = True
                if ended or run.words.ended:
                    break
            if ended:  # as in Ansible: a batch of which all failed ends the run
                break
            if not hosts and play.tasks:
                self.report(Notice(message=f"No host left for play '{self._roster.name(play)}'."))

    def _refresh(self) -> None:
        """`meta: refresh_inventory`."""
        if self.reread is not None:
            self._roster.refresh(self.reread())

    def _play_batch(self, run: PlayRun, batch: Sequence[str], services: Services) -> None:
        if run.stepping is not None:
            run.stepping.next_play()
        self._emit(PlayStarted(name=self._roster.name(run.play), hosts=tuple(batch)))
        scheduler = Scheduler(conduct=run, permits=services.permits, cancel=self.cancel)
        try:
            scheduler.run(
                [run.lane(host) for host in batch], STRATEGIES[run.play.strategy](self.options.forks)
            )
        finally:
            scheduler.close()
            for host, lane in run.lanes.items():
                self._tallies.end(host, failed=lane.failed)
            self._ending.left_over.note(run.play, run.lanes, over=run.words.ended)

    def _plays(self) -> Iterator[tuple[Play, Sequence[str]]]:
        return ((play, self._roster.hosts(play)) for play in self.playbook.plays)

    def _recall(self, journal: Journal, chosen: ChosenRun) -> Recall:
        written = Written(self.seals.of(chosen.header.salt), self.templates.vault)
        definitions = Definitions()
        edits = Edits(self.playbook, chosen.history, definitions) if chosen.resumed else None
        return Recall(chosen.history, journal, definitions, written, edits)

    def _services(self, journal: Journal, chosen: ChosenRun, promise: Promise | None) -> Services:
        return Services(
            run=chosen.header.run,
            clients=self._clients,
            effects=Effects(journal, chosen.history, self._explain, self.options.assume),
            planned=PlannedWorld() if self.options.check else None,
            promise=promise,
            edited=None if self.options.check else ShownFirst(self._emit, self.options.yes),
            permits=Permits(self.options.forks),
            cancel=self.cancel,
            emit=self._emit,
            ask=self.ask,
            diff=self.options.diff,
            background=Background(stop=lambda _error: self.cancel.set()),
        )

    def _await_background(self, services: Services) -> None:
        """Wait for tasks with `poll: 0` that nobody asked for: they end with this program, and half of an effect is
        what nobody wants. Each has its own limit. Raises Stopped when the run is cancelled meanwhile."""
        left = len(services.background.unfinished())
        if left:
            tasks = "a task" if left == 1 else f"{left} tasks"
            self._note(f"Waiting for {tasks} in the background (`async` with `poll: 0`).")
        while not services.background.wait(TICK):
            if self.cancel.is_set():
                raise Stopped("The run was interrupted while tasks ran in the background.")

    def _steps(self, services: Services, journal: Journal) -> Steps:
        def item_done(job: Job, key: ItemKey, outcome: Outcome, label: str) -> None:
            journal.append(ItemDone(step=job.step, item=key[0], same=key[1], outcome=outcome, label=label))

        return Steps(
            services, self.templates, self.registry, self._targets, self._explain, item_done, self.masker
        )

    # -------------------------------------------------------------- what observers are told

    def _tell_start(self, chosen: ChosenRun, where: Sequence[Destination], edited: str) -> None:
        self.report(
            RunStarted(
                run=chosen.header.run,
                playbook=" ".join(self.playbook.paths),
                target=", ".join(_place(destination) for destination in where) or "this machine",
                check=self.options.check,
                resumed=chosen.resumed,
                note="\n".join(filter(None, (chosen.note, edited))),
            )
        )

    def _emit(self, event: Event) -> None:
        if isinstance(event, StepFinished) and (event.module != META or event.outcome.failed):
            self._tallies.count(event.host, event.outcome, rescued=event.rescued)
        self.report(event)

    def _note(self, message: str) -> None:
        self.report(Notice(message=message))

    def _warn(self, problem: Problem) -> None:
        self._note(str(problem))


def _place(destination: Destination) -> str:
    if destination.identity is None or destination.target.ca_file:
        return describe(destination.target)
    return f"AWS account {destination.identity.account}, Region {destination.identity.region}"
