"""A run: all plays of a playbook, in order, against the journal. Prints nothing: it emits events."""

from __future__ import annotations

import functools
import hashlib
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from .context import Permits, Services
from .contract import ClientFactory
from .effects import Effects
from .errors import LoadError, Problem, RunbookError, StepError, Stopped, UsageError
from .journal import ItemDone, Journal, NoJournal, RunEnded, RunHeader, RunStatus
from .loops import ItemKey
from .model import (
    AddHost,
    Event,
    Host,
    Inventory,
    Notice,
    Outcome,
    Play,
    Playbook,
    PlayStarted,
    RunFinished,
    RunStarted,
    Status,
    StepFinished,
    Tally,
    Value,
)
from .patterns import match_hosts
from .planned import PlannedWorld
from .playrun import PlayRun, batches
from .preflight import Destination, check_places, destinations, tasks_of
from .registry import Registry
from .resume import History, pick
from .scheduler import STRATEGIES, Scheduler
from .scope import VariableScope
from .secrets import Masker
from .step import Job, Steps
from .tags import Tags
from .targets import Targets, describe
from .template import Templates
from .varfiles import load_vars
from .variables import HostState, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the operator asked for the run."""

    check: bool = False
    fresh: bool = False
    run: str | None = None
    """Resume this run, by name."""
    extra_vars: Mapping[str, Value] = field(default_factory=dict)
    limit: str = ""
    tags: Tags = field(default_factory=Tags)
    start_at: str | None = None
    forks: int = 50
    assume: str | None = None
    verbosity: int = 0
    argv: tuple[str, ...] = ()


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
    cancel: threading.Event = field(default_factory=threading.Event)
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _changes: bool = False
    _worst: list[int] = field(default_factory=lambda: [0])
    _clients: Callable[[], ClientFactory] = field(init=False)

    def __post_init__(self) -> None:
        self._clients = functools.cache(self.registry.client_factory)

    @property
    def changed(self) -> bool:
        """Whether any step changed the world, or in a dry run would have."""
        return self._changes

    def run(self) -> int:
        """Play it; returns the exit code. Raises what kept anything from being run."""
        began = time.monotonic()
        targets = Targets()
        states = {name: HostState(host) for name, host in self.inventory.hosts.items()}
        groups = {name: list(hosts) for name, hosts in self.inventory.groups.items()}
        plays = [(play, self._hosts_now(play, states, groups)) for play in self.playbook.plays]
        where = self._preflight(plays, states, groups, targets)
        journal: Journal = NoJournal() if self.options.check else self.open_journal()
        try:
            header, history, resumed = self._choose_run(journal, where)
            self._tell_start(header, where, history, resumed)
            services = self._services(header.run, journal, history)
            try:
                self._play_all(services, journal, history, states, groups, targets)
            except Stopped as stop:
                self._worst.append(stop.exit_code)
                self.report(Notice(message=str(stop)))
            except RunbookError as error:
                self._worst.append(error.exit_code)
                self.report(Notice(message=str(error)))
            return self._finish(journal, header, began)
        finally:
            journal.close()

    # -------------------------------------------------------------- before the first step

    def _hosts(
        self, play: Play, states: Mapping[str, HostState], groups: Mapping[str, Sequence[str]]
    ) -> tuple[str, ...]:
        inventory = Inventory(
            hosts={name: state.host for name, state in states.items()},
            groups={name: tuple(hosts) for name, hosts in groups.items()},
        )
        scope = VariableScope(self.templates, [self.options.extra_vars, play.vars])
        found = match_hosts(self.templates.render(play.hosts, scope), inventory, at=play.position)
        if not self.options.limit:
            return found
        kept = set(match_hosts(self.options.limit, inventory))
        return tuple(host for host in found if host in kept)

    def _hosts_now(
        self, play: Play, states: Mapping[str, HostState], groups: Mapping[str, Sequence[str]]
    ) -> tuple[str, ...]:
        """The hosts as far as they are known before the run: `add_host` may bring what a later play is for."""
        try:
            return self._hosts(play, states, groups)
        except (UsageError, StepError):
            tasks = (task for each in self.playbook.plays for task in tasks_of(each.tasks))
            if any(task.module in ("add_host", "include_tasks") for task in tasks):
                return ()
            raise

    def _preflight(
        self,
        plays: Sequence[tuple[Play, Sequence[str]]],
        states: dict[str, HostState],
        groups: Mapping[str, Sequence[str]],
        targets: Targets,
    ) -> list[Destination]:
        scoped = []
        for play, hosts in plays:
            around = self._surroundings(play, [], states, groups, "")
            scoped.append((play, [(host, around.scope(states[host], {}, {})) for host in hosts]))
        check_places(scoped, self.registry, self.templates)
        return destinations(scoped, self.registry, self.templates, targets, self._clients)

    def _choose_run(self, journal: Journal, where: Sequence[Destination]) -> tuple[RunHeader, History, bool]:
        header = self._header(where)
        if self.options.check or self.options.fresh:
            journal.begin(header)
            return header, History(), False
        known = journal.runs()
        if self.options.run is not None:
            chosen = next((run for run in known if run.run == self.options.run), None)
            if chosen is None:
                raise UsageError(f"There is no run '{self.options.run}'", hint="`runbook runs` lists them.")
            _refuse_elsewhere(chosen.header, header)
        else:
            chosen = pick(known, header)
        if chosen is None:
            journal.begin(header)
            return header, History(), False
        header = _as_run(header, chosen.run)
        history = History(journal.records(chosen.run))
        journal.begin(header)
        return header, history, True

    def _header(self, where: Sequence[Destination]) -> RunHeader:
        options = self.options
        identities = [d.identity for d in where if d.identity is not None]
        return RunHeader(
            run=new_run_name(),
            playbook=str(Path(self.playbook.path).resolve()),
            playbook_digest=self.playbook.digest,
            inventory=tuple(self.inventory.sources),
            inventory_digest=self.inventory.digest,
            extra_vars_digest=_digest(options.extra_vars),
            limit=options.limit,
            tags=tuple(sorted(options.tags.only)),
            skip_tags=tuple(sorted(options.tags.skip)),
            account=",".join(dict.fromkeys(i.account for i in identities)),
            region=",".join(dict.fromkeys(i.region for i in identities)),
            target=", ".join(dict.fromkeys("sandbox" if d.target.ca_file else "aws" for d in where)),
            argv=options.argv or tuple(sys.argv),
            started=datetime.now(UTC),
        )

    def _tell_start(
        self, header: RunHeader, where: Sequence[Destination], history: History, resumed: bool
    ) -> None:
        note = ""
        if resumed:
            note = f"{len(history)} steps are recorded. Start afresh with `--fresh`."
        self.report(
            RunStarted(
                run=header.run,
                playbook=self.playbook.path,
                target=", ".join(_place(d) for d in where) or "this machine",
                check=self.options.check,
                resumed=resumed,
                note=note,
            )
        )

    def _services(self, run: str, journal: Journal, history: History) -> Services:
        return Services(
            run=run,
            clients=self._clients,
            effects=Effects(journal, history, self._explain, self.options.assume),
            planned=PlannedWorld() if self.options.check else None,
            permits=Permits(self.options.forks),
            cancel=self.cancel,
            emit=self._emit,
        )

    def _explain(self, error: Exception) -> RunbookError | None:
        return self._clients().explain(error)

    # -------------------------------------------------------------- the plays

    def _play_all(
        self,
        services: Services,
        journal: Journal,
        history: History,
        states: dict[str, HostState],
        groups: dict[str, list[str]],
        targets: Targets,
    ) -> None:
        def item_done(job: Job, key: ItemKey, outcome: Outcome) -> None:
            journal.append(ItemDone(step=job.step, item=key[0], same=key[1], outcome=outcome))

        steps = Steps(services, self.templates, self.registry, targets, self._explain, item_done, self.masker)
        lost: set[str] = set()
        for play in self.playbook.plays:
            hosts = [host for host in self._hosts_now(play, states, groups) if host not in lost]
            serial = [self.templates.render(size, self._play_scope(play)) for size in play.serial]
            for number, batch in enumerate(batches(hosts, serial)):
                run = PlayRun(
                    play=play,
                    around=self._surroundings(play, batch, states, groups, services.run),
                    steps=steps,
                    templates=self.templates,
                    catalog=self.registry,
                    journal=journal,
                    history=history,
                    tags=self.options.tags,
                    emit=self._emit,
                    add_host=_Adder(states, groups),
                    states=states,
                    batch=f"batch{number}/" if play.serial else "",
                    start_at=self.options.start_at,
                    alive=list(batch),
                )
                run.around.play_hosts = run.alive
                self._play_batch(run, batch, services)
                lost.update(host for host in batch if run.lanes[host].failed)
            self._count_lost(play, hosts)

    def _play_batch(self, run: PlayRun, batch: Sequence[str], services: Services) -> None:
        name = self.templates.render(run.play.name, self._play_scope(run.play))
        self._emit(PlayStarted(name=str(name or run.play.hosts), hosts=tuple(batch)))
        if not batch:
            return
        for host in batch:
            self._tallies.setdefault(host, Tally())
        scheduler = Scheduler(conduct=run, permits=services.permits, cancel=self.cancel)
        try:
            scheduler.run([run.lane(host) for host in batch], STRATEGIES[run.play.strategy]())
        finally:
            scheduler.close()
            for host, lane in run.lanes.items():
                self._add(host, rescued=lane.trail.rescued, failed=-lane.trail.rescued)
                if lane.failed:
                    self._worst.append(4 if self._tallies[host].unreachable else 2)

    def _count_lost(self, play: Play, hosts: Sequence[str]) -> None:
        if not hosts and play.tasks:
            self.report(Notice(message=f"No host left for play '{play.name or play.hosts}'."))

    def _play_scope(self, play: Play) -> VariableScope:
        return VariableScope(self.templates, [self.options.extra_vars, play.vars])

    def _surroundings(
        self,
        play: Play,
        batch: Sequence[str],
        states: Mapping[str, HostState],
        groups: Mapping[str, Sequence[str]],
        run: str,
    ) -> Surroundings:
        base = Path(self.playbook.path).parent
        source = Path(self.inventory.sources[0]) if self.inventory.sources else None
        return Surroundings(
            templates=self.templates,
            extra_vars=self.options.extra_vars,
            play_vars=[*self._vars_files(play, base), play.vars],
            hosts=states,
            groups=groups,
            play_hosts=list(batch),
            batch=list(batch),
            playbook_dir=Path(play.position.file).resolve().parent,
            inventory_dir=source.resolve().parent if source is not None and source.exists() else None,
            check=self.options.check,
            run=run,
            tags=sorted(self.options.tags.only),
            verbosity=self.options.verbosity,
        )

    def _vars_files(self, play: Play, base: Path) -> Iterator[Mapping[str, Value]]:
        """The play's `vars_files`, the last one first: it wins."""
        scope = self._play_scope(play)
        for written in reversed(play.vars_files):
            name = Path(str(self.templates.render(written, scope)))
            beside = Path(play.position.file).parent / name
            yield load_vars(str(beside if beside.is_file() else base / name))

    # -------------------------------------------------------------- what observers are told

    def _emit(self, event: Event) -> None:
        if isinstance(event, StepFinished):
            self._count(event.host, event.outcome)
        self.report(event)

    def _count(self, host: str, outcome: Outcome) -> None:
        status = outcome.status
        if outcome.ignored:
            self._add(host, ok=1, ignored=1)
        else:
            self._add(host, **{_COUNTED[status]: 1})
        if status is Status.CHANGED:
            self._changes = True
            self._add(host, ok=1)

    def _add(self, host: str, **counts: int) -> None:
        known = self._tallies.setdefault(host, Tally())
        values = {name: getattr(known, name) + counts.get(name, 0) for name in Tally.__slots__}
        self._tallies[host] = Tally(**values)

    def _finish(self, journal: Journal, header: RunHeader, began: float) -> int:
        seconds = time.monotonic() - began
        code = next(code for code in (1, 4, 2, 0) if code in self._worst)
        status: RunStatus = "done" if code == 0 else "failed" if code == 2 else "stopped"
        journal.commit(RunEnded(status=status, exit_code=code, ended=datetime.now(UTC), seconds=seconds))
        resumable = code != 0 and not self.options.check
        self.report(
            RunFinished(
                run=header.run,
                hosts=dict(self._tallies),
                seconds=seconds,
                exit_code=code,
                resume=f"runbook resume {header.run}" if resumable else "",
            )
        )
        return code


_COUNTED: dict[Status, str] = {
    Status.OK: "ok",
    Status.CHANGED: "changed",
    Status.SKIPPED: "skipped",
    Status.FAILED: "failed",
    Status.UNREACHABLE: "unreachable",
}


@dataclass(frozen=True, slots=True)
class _Adder:
    """`add_host`: puts a host into the run's inventory; returns whether that changed anything."""

    states: dict[str, HostState]
    groups: dict[str, list[str]]

    def __call__(self, wanted: AddHost) -> bool:
        known = self.states.get(wanted.name)
        groups = ("all", *wanted.groups)
        if known is None:
            self.states[wanted.name] = HostState(Host(wanted.name, dict(wanted.vars), groups))
        else:
            merged = {**known.host.vars, **wanted.vars}
            known.host = Host(wanted.name, merged, tuple(dict.fromkeys((*known.host.groups, *groups))))
        changed = known is None
        for group in groups:
            hosts = self.groups.setdefault(group, [])
            if wanted.name not in hosts:
                hosts.append(wanted.name)
                changed = True
        return changed


def _refuse_elsewhere(then: RunHeader, now: RunHeader) -> None:
    """In another account or Region everything would look provably absent."""
    if (then.account, then.region, then.target) != (now.account, now.region, now.target):
        raise LoadError(
            [
                Problem(
                    f"Run {then.run} acted in account {then.account or '-'}, Region {then.region or '-'} "
                    f"({then.target or 'this machine'}), and now it would go on in account "
                    f"{now.account or '-'}, Region {now.region or '-'} ({now.target or 'this machine'})",
                    hint="Use the inventory, profile and Region that it began with.",
                )
            ]
        )


def _as_run(header: RunHeader, run: str) -> RunHeader:
    return msgspec.structs.replace(header, run=run)


def _place(destination: Destination) -> str:
    if destination.identity is None or destination.target.ca_file:
        return describe(destination.target)
    return f"AWS account {destination.identity.account}, Region {destination.identity.region}"


def new_run_name() -> str:
    """Sorts by time, tells the day, and is easy to type: `1123-0846-k3f9`."""
    return f"{datetime.now(UTC):%m%d-%H%M}-{secrets.token_hex(2)}"


def _digest(value: Any) -> str:
    return hashlib.blake2b(repr(sorted(value.items(), key=repr)).encode(), digest_size=8).hexdigest()
