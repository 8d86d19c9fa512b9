"""Puts a run together from what the command line says."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from .cli_prompt import Prompt
from .cli_signals import stopping
from .contract import ClientFactory, Target
from .errors import JournalError, Problem, UsageError
from .events import Notice
from .inventory import load_inventory
from .inventory_plugin import Reach
from .journal import RunSummary
from .journal_reader import SqliteReader
from .journal_sqlite import SqliteJournal
from .loader import load_playbook
from .model import NO_VARS, Inventory, Playbook, Value
from .options import Options
from .plan_run import Making, NoPlan, PlanPart
from .prompts import Prompter
from .registry import Registry
from .report import Reporter, Reports
from .report_screen import screen_for
from .role_files import roles_folders
from .roster import Roster
from .runner import Runner
from .sealing import Seals
from .secrets import Masker
from .start_at import check_start
from .state_key import STATE_KEY, key_source
from .style import style_for
from .targets import SANDBOX, Targets
from .template import Templates
from .vault import Vault

IMPLICIT = "localhost"

STOPPING = Notice(message="Stopping: what was begun is recorded. Once more ends at once.")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the operator wants to see the run."""

    json: bool = False
    diff: bool = False
    verbosity: int = 0
    kept: bool = False
    """A plan is going to be kept in a file, or there is none to keep."""
    listener: Reporter | None = None
    """Who is told instead of the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A playbook with the world it is for."""

    playbook: Playbook
    inventory: Inventory
    registry: Registry
    warnings: tuple[Problem, ...] = field(default=())
    vault: Vault = field(default_factory=Vault)
    reread: Callable[[], Inventory] | None = None
    """Reads the inventory anew."""


def load(
    paths: Sequence[str],
    sources: Sequence[str],
    module_path: Sequence[str] = (),
    *,
    roles_path: Sequence[str] = (),
    extra_vars: Mapping[str, Value] = NO_VARS,
    vault: Vault | None = None,
) -> Loaded:
    """Read the playbooks, which are played as one, and the inventory; `vault` opens what is encrypted.

    Raises LoadError with all that is wrong.
    """
    folders = list(dict.fromkeys(Path(path).parent for path in paths))
    folder = folders[0]
    libraries = [*(each / "library" for each in folders), *map(Path, module_path)]
    registry = Registry(libraries)
    warnings: list[Problem] = []
    playbook = load_playbook(
        paths[0],
        registry,
        more=paths[1:],
        roles_path=roles_folders(roles_path),
        extra_vars=extra_vars,
        warn=warnings.append,
        vault=vault,
    )

    def read(warn: Callable[[Problem], None] = lambda _: None) -> Inventory:
        found = load_inventory(sources, playbook_dir=folder, warn=warn, vault=vault, reach=reach(registry))
        return found if sources else rehearsal(found)

    return Loaded(
        playbook=playbook,
        inventory=read(warnings.append),
        reread=read,
        registry=registry,
        warnings=tuple(warnings),
        vault=vault or Vault(),
    )


def reach(registry: Registry) -> Reach:
    """What leads an inventory plugin to AWS, or to the sandbox."""

    def lead(settings: Mapping[str, Value]) -> tuple[ClientFactory, Target]:
        return registry.client_factory(), Targets().target(settings)

    return lead


def rehearsal(found: Inventory) -> Inventory:
    """No inventory was named, and none stands here: the sandbox is the target, so nobody spends by accident."""
    local = found.hosts[IMPLICIT]
    layered: Mapping[str, Value] = {**local.vars, "aws": {"endpoint_url": SANDBOX}}
    hosts = {**found.hosts, IMPLICIT: replace(local, vars=layered)}
    return replace(found, hosts=hosts)


def no_plan(_masker: Masker) -> PlanPart:
    """The run makes no plan, and is held to none."""
    return NoPlan()


def play(
    loaded: Loaded,
    options: Options,
    state: Path,
    view: View,
    plan: Callable[[Masker], PlanPart] = no_plan,
) -> tuple[int, bool]:
    """Play it: the exit code, and whether anything changed (or would). Raises what kept it from running."""
    if options.start_at is not None:
        check_start(loaded.playbook, options.start_at)
    if options.step and not sys.stdin.isatty():
        raise UsageError("--step asks before each task, and there is no terminal to ask at")
    masker = Masker()
    masker.add_boxes(dict(options.extra_vars))
    masker.add(os.environ.get(STATE_KEY, ""))
    seals = Seals(key_source(loaded.vault, os.environ))
    cancel = threading.Event()
    part = plan(masker)
    with Reports([view.listener or _reporter(view, masker, part)]) as reports:
        prompt = Prompt(reports, masker, cancel)
        for warning in loaded.warnings:
            reports.tell(Notice(message=str(warning)))
        runner = Runner(
            playbook=loaded.playbook,
            inventory=loaded.inventory,
            options=options,
            registry=loaded.registry,
            templates=_templates(loaded, masker),
            open_journal=lambda: SqliteJournal(
                state, mask=masker.mask, command=("runbook", *map(masker.mask, options.argv)), seals=seals
            ),
            seals=seals,
            report=reports.tell,
            masker=masker,
            cancel=cancel,
            ask=prompt,
            reread=loaded.reread,
            question=prompt.question if prompt.there() else None,
            plan=part,
            earlier=lambda: _earlier(state),
        )
        with stopping(cancel, partial(reports.tell, STOPPING)):
            code = runner.run()
    return code, runner.changed


def _earlier(state: Path) -> Sequence[RunSummary]:
    """What is read by the way: a state file that can't be read is told by who needs it."""
    try:
        with SqliteReader(state) as reader:
            return reader.runs()
    except JournalError:
        return ()


def roster(loaded: Loaded, options: Options) -> Roster:
    """Who would be played on. Nobody is asked: defaults answer questions of plays."""
    made = Roster(loaded.playbook, loaded.inventory, options, _templates(loaded, Masker()))
    prompter = Prompter(made.templates, options.extra_vars)
    for play in loaded.playbook.plays:
        if play.vars_prompt:
            made.answers[play.identity] = prompter.defaults(play, made.scope(play))
    return made


def _templates(loaded: Loaded, masker: Masker) -> Templates:
    return Templates(Path(loaded.playbook.path).resolve().parent, masker, loaded.vault)


def _reporter(view: View, masker: Masker, plan: PlanPart) -> Reporter:
    if isinstance(plan, Making) and view.json:
        from .report_plan_json import PlanJsonReporter

        return PlanJsonReporter(sys.stdout, masker, plan.document)
    if view.json:
        from .report_json import JsonReporter

        return JsonReporter(sys.stdout, masker)
    from .report_text import TextReporter

    screen = screen_for(sys.stdout, os.environ, masker)
    style = style_for(sys.stdout, os.environ)
    if isinstance(plan, Making):
        from .report_plan import PlanReporter

        return PlanReporter(screen, style, verbosity=view.verbosity, kept=view.kept, lasting=plan.lasting)
    return TextReporter(screen, style, verbosity=view.verbosity, with_diff=view.diff)
