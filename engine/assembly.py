"""Puts a run together from what the command line says."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from .errors import Problem
from .inventory import load_inventory
from .journal_sqlite import SqliteJournal
from .loader import load_playbook
from .model import Host, Inventory, Notice, Playbook, Value
from .options import Options
from .patterns import match_hosts
from .registry import Registry
from .report import Reporter, Reports
from .report_screen import screen_for
from .runner import Runner
from .secrets import Masker
from .style import style_for
from .targets import SANDBOX
from .template import Templates

IMPLICIT = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the operator wants to see the run."""

    json: bool = False
    diff: bool = False
    verbosity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A playbook with the world it is for."""

    playbook: Playbook
    inventory: Inventory
    registry: Registry
    warnings: tuple[Problem, ...] = field(default=())


def load(path: str, sources: Sequence[str]) -> Loaded:
    """Read playbook and inventory. Raises LoadError with all that is wrong."""
    folder = Path(path).parent
    registry = Registry([folder / "library"], base=folder)
    warnings: list[Problem] = []
    playbook = load_playbook(path, registry, warn=warnings.append)
    inventory = load_inventory(sources, playbook_dir=folder) if sources else rehearsal(folder)
    return Loaded(playbook=playbook, inventory=inventory, registry=registry, warnings=tuple(warnings))


def rehearsal(folder: Path | None = None) -> Inventory:
    """No inventory was named, and none stands here: the sandbox is the target, so nobody spends by accident."""
    found = load_inventory((), playbook_dir=folder)
    local = found.hosts[IMPLICIT]
    layered: Mapping[str, Value] = {**local.vars, "aws": {"endpoint_url": SANDBOX}}
    return Inventory(
        {**found.hosts, IMPLICIT: Host(IMPLICIT, layered, local.groups)}, found.groups, found.digest
    )


def play(loaded: Loaded, options: Options, state: Path, view: View) -> tuple[int, bool]:
    """Play it: the exit code, and whether anything changed (or would). Raises what kept it from running."""
    masker = Masker()
    templates = Templates(Path(loaded.playbook.path).resolve().parent, masker)
    with Reports([_reporter(view, masker)]) as reports:
        for warning in loaded.warnings:
            reports.tell(Notice(message=str(warning)))
        runner = Runner(
            playbook=loaded.playbook,
            inventory=loaded.inventory,
            options=options,
            registry=loaded.registry,
            templates=templates,
            open_journal=lambda: SqliteJournal(state, mask=masker.mask, command=sys.argv),
            report=reports.tell,
            masker=masker,
        )
        with stopping(runner.cancel):
            code = runner.run()
    return code, runner.changed


def _reporter(view: View, masker: Masker) -> Reporter:
    if view.json:
        from .report_json import JsonReporter

        return JsonReporter(sys.stdout, masker)
    from .report_text import TextReporter

    screen = screen_for(sys.stdout, os.environ, masker)
    style = style_for(sys.stdout, os.environ)
    return TextReporter(screen, style, verbosity=view.verbosity, with_diff=view.diff)


@contextmanager
def stopping(cancel: threading.Event) -> Iterator[None]:
    """Ctrl-C or SIGTERM once: stop and record; twice: exit now, resume still works."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if cancel.is_set():
            os._exit(4)
        cancel.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def hosts_of(loaded: Loaded, limit: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each play's name with its hosts, for `--list-hosts`."""
    kept = set(match_hosts(limit, loaded.inventory)) if limit else None
    listed = []
    for play_ in loaded.playbook.plays:
        pattern = play_.hosts if isinstance(play_.hosts, tuple) else str(play_.hosts)
        hosts = match_hosts(pattern, loaded.inventory, at=play_.position)
        chosen = tuple(host for host in hosts if kept is None or host in kept)
        listed.append((str(play_.name or play_.hosts), chosen))
    return listed
