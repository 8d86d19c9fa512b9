"""`runbook undo RUN`, and going on with it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_codes import DONE
from .cli_options import report_options, run_options, state_option
from .cli_vault_options import given_options, opened_vault, vault_options
from .errors import UsageError

if TYPE_CHECKING:
    from .assembly import View
    from .cli_start import Start
    from .journal import RunHeader, RunSummary
    from .options import Options
    from .undo_run import Undone
    from .vault import Vault

COMMAND = "undo"
_SNAPSHOT = "--final-snapshot"


@click.command()
@click.argument("run")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-C", "--check", is_flag=True, help="Show what would be taken back, and nothing more.")
@click.option(
    _SNAPSHOT, "final_snapshot", default="", metavar="NAME", help="Keep the data of what is deleted."
)
@vault_options
@run_options
@state_option
@report_options
def undo(run: str, **given: Any) -> int:
    """Take back what RUN changed, the last change first: what it made is removed, what it changed is set back.

    Shows the plan and asks; refuses when the world has changed since. It is a run of its own, and `resume` goes on
    with it.
    """
    from . import undo_run
    from .journal_reader import SqliteReader
    from .run_names import find_run

    given["written"], state = given["state"], given["state"].absolute()
    with SqliteReader(state) as reader:
        runs = reader.runs()
    chosen = find_run(runs, run)
    if not _is_left(runs, chosen, state):
        return DONE
    undone = undo_run.planned(read(runs, chosen.header, state, given), given["final_snapshot"])
    options = _options(undone, given, chosen.header)
    view = _view(given)
    undo_run.refuse_later(undone, runs)
    undo_run.refuse_moved(undone, options)
    changed = False
    if undone.undoing.backs:
        code, changed = undo_run.show(undone, options, view)
        if code:
            return code
    _tell(undo_run.remarks(undone, undo_run.secrets_of(undone)), given)
    if not changed:
        click.echo(f"Nothing left to undo of run {chosen.run}.", err=given["output"] == "json")
        return DONE
    if given["check"] or not _agreed(chosen.run, given):
        return DONE
    return undo_run.play(undone, options, view)


def go_on(header: RunHeader, state: Path, given: dict[str, Any]) -> int:
    """`resume` of a run that takes another one back: the same tasks, made from the same records."""
    from . import undo_run
    from .journal_reader import SqliteReader

    with SqliteReader(state) as reader:
        runs = reader.runs()
    target = next((one.header for one in runs if one.run == header.undoes), None)
    if target is None:
        raise UsageError(f"Run {header.undoes}, which run {header.run} takes back, is not in {state}")
    undone = undo_run.planned(read(runs, target, state, given), _snapshot_of(header.argv))
    options = replace(_options(undone, given, target), run=header.run)
    return undo_run.play(undone, options, _view(given))


def _is_left(runs: Sequence[RunSummary], chosen: RunSummary, state: Path) -> bool:
    """Whether anything is left to do. Raises UsageError when it is no time for it."""
    from .journal_lock import WriterLock
    from .resume import taken_back
    from .runs_list import status_of

    writer = WriterLock.held_by(state)
    if status_of(chosen, chosen.times[-1], writer) == "running":
        raise UsageError(f"Run {chosen.run} is at work: {writer}", hint="Stop it, or wait for its end.")
    back = taken_back(runs, chosen.run)
    if back is None:
        return True
    if not back.finished:
        raise UsageError(
            f"Run {back.run} began to take back run {chosen.run}, and is not finished",
            hint=f"`runbook resume {back.run}` goes on with it.",
        )
    click.echo(f"Nothing left to undo: run {back.run} took back run {chosen.run}.")
    return False


def read(runs: Sequence[RunSummary], header: RunHeader, state: Path, given: dict[str, Any]) -> Undone:
    """What a run did, read in the folder where it was started."""
    from .cli_start import go_back, read_start
    from .undo_run import read_run

    played = header
    while played.undoes:
        played = next(one.header for one in runs if one.run == played.undoes)
    start = read_start(played.argv)
    ours = opened_vault(given_options(given))
    go_back(played)
    return read_run(state, header, start, _vault(start, ours))


def _vault(start: Start, ours: Vault) -> Vault:
    from .vault import Vault

    kept = replace(start.vault, ask=start.vault.ask and not ours.passwords)
    return Vault((*ours.passwords, *opened_vault(kept).passwords))


def _options(undone: Undone, given: dict[str, Any], header: RunHeader) -> Options:
    from .cli_start import again_words

    snapshot = (_SNAPSHOT, undone.snapshot) if undone.snapshot else ()
    return replace(
        look_options(given),
        fresh=True,
        undoes=header.run,
        argv=(COMMAND, header.run, *snapshot),
        again=again_words((), given["written"]),
    )


def look_options(given: Mapping[str, Any]) -> Options:
    """What the command line says of any run."""
    from .doubts import read_assumed
    from .options import Options

    return Options(
        forks=given["forks"],
        assume=read_assumed(given["assume"]),
        verbosity=given["verbose"],
        diff=given["diff"],
    )


def _snapshot_of(argv: Sequence[str]) -> str:
    return argv[argv.index(_SNAPSHOT) + 1] if _SNAPSHOT in argv else ""


def _view(given: dict[str, Any]) -> View:
    from .assembly import View

    return View(json=given["output"] == "json", diff=given["diff"], verbosity=given["verbose"])


def _tell(remarks: Any, given: dict[str, Any]) -> None:
    from .prose import one_line

    for remark in remarks:
        click.echo(one_line(remark), err=given["output"] == "json")


def _agreed(run: str, given: dict[str, Any]) -> bool:
    if given["yes"]:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            f"Nobody can be asked whether run {run} is to be taken back", hint="`--yes` says so."
        )
    click.echo(f"Take back run {run}? Type yes: ", nl=False, err=True)
    if sys.stdin.readline().strip() == "yes":
        return True
    click.echo("Nothing was taken back.", err=True)
    return False
