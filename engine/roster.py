"""The hosts of a run: which play is for which, what is known of each, and what `add_host` brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .contract import FactSource
from .errors import StepError, UsageError, nearest
from .host_facts import no_facts
from .inventory import absolute
from .keyword_ways import ORDERS, STRATEGIES, short
from .model import AddHost, Host, Inventory, Play, Playbook, Value
from .options import Options
from .patterns import Warn, check_limit, limited, match_hosts
from .preflight import tasks_of
from .scope import VariableScope
from .template import Templates
from .template_guard import reveal
from .values import Template
from .variables import HostState, HostVars, Surroundings
from .vars_files import VarsFiles

BRINGS_HOSTS = ("add_host", "include_tasks")
"""Modules after which a later play may find hosts that the inventory lacks."""

NO_SOURCE: Mapping[str, Value] = {"inventory_file": None, "inventory_dir": None}
"""What is known of a host's source when a task brought it."""


@dataclass(slots=True)
class Roster:
    """Hosts and groups of one run; grows by `add_host`."""

    playbook: Playbook
    inventory: Inventory
    options: Options
    templates: Templates
    fact_source: Callable[[datetime, str | None], FactSource] = no_facts
    """Facts as of a moment, with the folder of the owner's own facts."""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When the run did: a resumed run shows its first time as `ansible_date_time`."""
    states: dict[str, HostState] = field(init=False)
    groups: dict[str, list[str]] = field(init=False)
    answers: dict[str, Mapping[str, Value]] = field(default_factory=dict)
    """What was answered to the `vars_prompt` of each play, by its identity."""
    _wanted: list[AddHost] = field(default_factory=list)
    """What tasks brought, in their order."""
    _added: int = 0
    """How many hosts joined `all` in this run."""
    _facts: dict[tuple[datetime, str | None], FactSource] = field(default_factory=dict)
    _files: dict[str, VarsFiles] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.states = {name: HostState(self._connected(host)) for name, host in self.inventory.hosts.items()}
        self.groups = {name: list(hosts) for name, hosts in self.inventory.groups.items()}

    def hosts(self, play: Play, warn: Warn | None = None) -> tuple[str, ...]:
        """The play's hosts as far as they are known now, within `--limit`; `warn` is told what names nobody.

        Raises StepError for names that can't be rendered and that no task can bring any more.
        """
        try:
            return self._matching(play, warn)
        except StepError:
            tasks = (task for each in self.playbook.plays for task in tasks_of(each.tasks))
            asks = play.vars_prompt and play.identity not in self.answers
            if asks or any(task.module in BRINGS_HOSTS for task in tasks):
                return ()
            raise

    def _matching(self, play: Play, warn: Warn | None) -> tuple[str, ...]:
        known = self._known()
        pattern = self.templates.render(play.hosts, self.scope(play))
        found = match_hosts(reveal(pattern), known, at=play.position, warn=warn)
        if not self.options.limit:
            return found
        kept = limited(self.options.limit, known)
        return tuple(host for host in found if host in kept)

    def _known(self) -> Inventory:
        return Inventory(
            hosts={name: state.host for name, state in self.states.items()},
            groups={name: tuple(hosts) for name, hosts in self.groups.items()},
        )

    def check_limit(self, warn: Warn) -> None:
        """Raises UsageError when `--limit` leaves nobody of the inventory."""
        if self.options.limit:
            check_limit(self.options.limit, self._known(), warn)

    def add(self, wanted: AddHost) -> bool:
        """Put a host into the run's inventory; returns whether that changed anything."""
        self._wanted.append(wanted)
        return self._add(wanted)

    def refresh(self, inventory: Inventory) -> None:
        """The inventory was read anew: what tasks brought, and what is known of its hosts, stays."""
        gone = (name for name in self.states if name not in inventory.hosts)
        alone = {name: replace(self.states[name].host, vars={}, groups=(), implicit=True) for name in gone}
        for name, host in {**alone, **inventory.hosts}.items():
            if name in self.states:
                self.states[name].host = self._connected(host)
            else:
                self.states[name] = HostState(self._connected(host))
        self.groups.clear()
        self.groups.update({name: list(hosts) for name, hosts in inventory.groups.items()})
        self._added = 0
        for wanted in self._wanted:
            self._add(wanted)

    def _add(self, wanted: AddHost) -> bool:
        groups = ("all", *wanted.groups)
        known = self.states.get(wanted.name)
        if known is None:
            groups = groups if wanted.groups else ("all", "ungrouped")
            self.states[wanted.name] = HostState(
                self._connected(Host(wanted.name, {**NO_SOURCE, **wanted.vars}, groups))
            )
        else:
            merged = {**known.host.vars, **wanted.vars} if wanted.vars else known.host.vars
            joined = tuple(dict.fromkeys((*known.host.groups, *groups)))
            known.host = replace(known.host, vars=merged, groups=joined, implicit=False)
        if wanted.groups:
            self._no_longer_ungrouped(wanted.name)
        missing = [group for group in groups if wanted.name not in self.groups.setdefault(group, [])]
        for group in missing:
            # As in Ansible `all` names its own hosts first, then those of its groups.
            at = self._added if group == "all" else len(self.groups[group])
            self.groups[group].insert(at, wanted.name)
            self._added += group == "all"
        return known is None or bool(missing)

    def _no_longer_ungrouped(self, name: str) -> None:
        host = self.states[name].host
        if "ungrouped" in host.groups:
            self.states[name].host = replace(host, groups=tuple(g for g in host.groups if g != "ungrouped"))
        if name in self.groups.get("ungrouped", ()):
            self.groups["ungrouped"].remove(name)

    def _connected(self, host: Host) -> Host:
        """The host with the connection of the command line, unless it has its own."""
        default = self.options.connection
        if default is None or "ansible_connection" in host.vars:
            return host
        return replace(host, vars={**host.vars, "ansible_connection": default})

    # -------------------------------------------------------------- variables of a play

    def scope(self, play: Play) -> VariableScope:
        """What a play's own keywords can read: they belong to no host."""
        given, own = self.options.extra_vars, self._own(play)
        everybody = _Everybody(self, play)
        if not play.vars_files:
            return VariableScope(self.templates, [everybody, given, *own])
        files = self._vars_files(play).known(
            lambda before: VariableScope(self.templates, [everybody, given, *before, *own])
        )
        return VariableScope(self.templates, [everybody, given, *files, *own])

    def _own(self, play: Play) -> list[Mapping[str, Value]]:
        """What the play itself says: answers to its questions win over its `vars`."""
        answers = self.answers.get(play.identity)
        return [answers, play.vars] if answers else [play.vars]

    def settled(self, play: Play) -> Play:
        """The play with the words rendered that say how it goes over its hosts.

        Raises UsageError for a word that there is not.
        """
        found: dict[str, Any] = {}
        for keyword, words in (("strategy", STRATEGIES), ("order", ORDERS)):
            written: Value = getattr(play, keyword)
            if isinstance(written, Template):
                word = short(str(self.templates.render(written, self.scope(play))))
                if word not in words:
                    hint = nearest(word, words) or f"There are: {', '.join(words)}."
                    raise UsageError(f"'{keyword}' can't be '{word}'", position=written.position, hint=hint)
                found[keyword] = "linear" if word == "debug" else word
        return replace(play, **found) if found else play

    def name(self, play: Play) -> str:
        """The play's name, or else its hosts."""
        scope = self.scope(play)
        try:
            name, hosts = self.templates.render(play.name, scope), self.templates.render(play.hosts, scope)
            if name:
                return str(name)
            return ",".join(map(str, hosts)) if isinstance(play.hosts, list | tuple) else str(hosts)
        except StepError:
            return str(getattr(play.name, "source", play.name))

    def surroundings(
        self,
        play: Play,
        batch: Sequence[str],
        run: str,
        *,
        begun: bool = True,
        hosts: Sequence[str] = (),
        left: Sequence[str] = (),
    ) -> Surroundings:
        """What all hosts of the batch share. `begun`: false before the first play. `hosts`: all of the play;
        `left`: those of them that have not failed."""
        return Surroundings(
            templates=self.templates,
            extra_vars=self.options.extra_vars,
            play_vars=self._own(play),
            vars_files=self._vars_files(play) if play.vars_files else None,
            begun=begun,
            roles=play.roles,
            hosts=self.states,
            groups=self.groups,
            all_hosts=hosts,
            play_hosts=list(left),
            batch=list(batch),
            playbook_dir=Path(play.position.file).resolve().parent,
            inventory_sources=[absolute(source) for source in self.inventory.sources],
            check=self.options.check,
            run=run,
            facts=self._facts_for(play),
            aws=play.aws,
            name=self.name(play) if begun else "",
            options=self.options,
            tags=sorted(self.options.tags.only),
            verbosity=self.options.verbosity,
        )

    def _facts_for(self, play: Play) -> FactSource:
        path = self.templates.render(play.fact_path, self.scope(play)) if play.fact_path is not None else None
        key = (self.began, path)
        if key not in self._facts:
            self._facts[key] = self.fact_source(*key)
        return self._facts[key]

    def _vars_files(self, play: Play) -> VarsFiles:
        known = self._files.get(play.identity)
        if known is None:
            known = self._files[play.identity] = VarsFiles(play, self.playbook.path, self.templates)
        return known


class _Everybody(Mapping[str, Any]):
    """What the keywords of a play can read about the hosts."""

    __slots__ = ("_play", "_roster")

    def __init__(self, roster: Roster, play: Play) -> None:
        self._roster = roster
        self._play = play

    def __getitem__(self, name: str) -> Any:
        if name == "groups":
            return self._roster.groups
        if name == "hostvars":
            return HostVars(self._roster.surroundings(self._play, [], "", begun=False))
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in ("groups", "hostvars")

    def __iter__(self) -> Iterator[str]:
        return iter(("groups", "hostvars"))

    def __len__(self) -> int:
        return 2
