"""The commands that read a state file: `runs`, `show`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .cli_codes import DONE, WRONG
from .cli_options import output_option, state_option
from .errors import UsageError, nearest

if TYPE_CHECKING:
    from .journal_reader import SqliteReader
    from .journal_steps import ToldStep

_CHUNK = 200
"""Lines that are written at a time."""


@click.command()
@state_option
@click.option(
    "--salvage",
    metavar="NEWFILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what can be read of a damaged state file to a new one.",
)
@output_option
def runs(state: Path, salvage: Path | None, output: str) -> int:
    """List the runs of the state file."""
    from .cli_start import again_words
    from .journal_lock import WriterLock
    from .runs_list import as_json, as_text

    if salvage is not None:
        return _salvage(state, salvage)
    reader, damage = _readable(state)
    with reader:
        found, writer = reader.runs(), WriterLock.held_by(state)
        if output == "json":
            click.echo(as_json(found, writer, lambda run: again_words(run.header.argv, state)))
        else:
            click.echo(as_text(found, writer))
    return _ended(damage)


def _salvage(state: Path, to: Path) -> int:
    from .journal_salvage import salvage

    what = salvage(state, to)
    click.echo(
        f"{to}: {what}. Look at its runs before you go on with one (`runbook show RUN --state {to}`): an effect "
        "whose record is lost would be made again."
    )
    return DONE


def _readable(state: Path, run: str | None = None) -> tuple[SqliteReader, str]:
    """The state file, and what is to be said of its damage; of a damaged one what can be read. `run`: whose records
    will be asked for."""
    from .journal_reader import SqliteReader
    from .journal_schema import DamagedJournal
    from .run_names import find_run

    try:
        reader = SqliteReader(state)
        found = reader.runs()
        if run is not None:
            reader.check(find_run(found, run).run)
    except DamagedJournal as error:
        from .journal_salvage import salvaged_to_memory

        connection, what = salvaged_to_memory(state)
        told = f"{error.message} {what}; this is told of what can.\n  {error.hint}"
        return SqliteReader(state, connection=connection), told
    return reader, ""


def _ended(damage: str) -> int:
    if damage:
        click.echo(f"Error: {damage}", err=True)
    return WRONG if damage else DONE


@click.command()
@click.argument("run", default="last")
@click.argument("step", required=False)
@state_option
@click.option("-D", "--diff", is_flag=True, help="Show every change field by field.")
@click.option("-v", "--verbose", count=True, help="Show results, too.")
@output_option
def show(run: str, step: str | None, state: Path, diff: bool, verbose: int, output: str) -> int:
    """Show what RUN did: its steps in their order, their changes, what is in doubt. RUN may be shortened; the last
    one is shown when none is named. STEP, a number of that list or a task's name (`*` stands for anything): all
    that is known of it."""
    import os

    from .cli_start import again_words
    from .journal_lock import WriterLock
    from .journal_steps import JournalSteps
    from .run_names import find_run
    from .runs_list import line
    from .style import style_for

    reader, damage = _readable(state, run)
    with reader:
        writer = WriterLock.held_by(state)
        summary = find_run(reader.runs(), run)
        again = again_words(summary.header.argv, state)
        told = line(summary, writer, again)
        steps = JournalSteps(reader.entries(summary.run), running=told.status == "running")
        chosen = _Chosen(step)
        if output == "json":
            from .show_json import document

            _write(document(summary, writer, again, steps, chosen))
        else:
            from .show_text import RunText, head

            text = RunText(style=style_for(sys.stdout, os.environ), verbosity=verbose, with_diff=diff)
            if step is None:
                _write(f"{line}\n" for line in [*head(summary, writer, text.style), ""])
                _write(f"{line}\n" for line in text.listed(steps))
                if told.resume:
                    _write(f"{line}\n" for line in text.closing(summary, steps, told.resume))
            else:
                found = (told for told in steps.all() if chosen(told))
                _write(f"{line}\n" for told in found for line in text.detail(told))
        chosen.check(summary.run)
    return _ended(damage)


class _Chosen:
    """Which steps are wanted: by number, by the name of their task, or all."""

    def __init__(self, step: str | None) -> None:
        self._step = step
        self._fits: Callable[[ToldStep], bool] = self._test(step)
        self._names: set[str] = set()
        self._count = 0

    def _test(self, step: str | None) -> Callable[[ToldStep], bool]:
        if step is None:
            return lambda _: True
        if step.isdecimal():
            return lambda told: told.number == int(step)
        return lambda told: told.task == step or fnmatchcase(told.task, step)

    def __call__(self, told: ToldStep) -> bool:
        if self._step is None:
            return True
        self._names.add(told.task)
        fits = self._fits(told)
        self._count += fits
        return fits

    def check(self, run: str) -> None:
        """Raises UsageError when a step was asked for and none was found."""
        if self._step is not None and not self._count:
            hint = nearest(self._step, self._names) or f"`runbook show {run}` lists them with their numbers."
            raise UsageError(f"Run {run} has no step '{self._step}'", hint=hint)


def _write(pieces: Iterable[str]) -> None:
    """To the standard output, without a system call for each line."""
    waiting: list[str] = []
    for piece in pieces:
        waiting.append(piece)
        if len(waiting) >= _CHUNK:
            sys.stdout.write("".join(waiting))
            waiting.clear()
    sys.stdout.write("".join(waiting))
    sys.stdout.flush()
