"""`runbook drift`, and `resume --verify`: what is not as it was declared, or as a run left it. They only look."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_codes import DONE, WOULD_CHANGE
from .cli_options import output_option, playbook_options
from .errors import UsageError

if TYPE_CHECKING:
    from .drift import Drift
    from .journal import StepDone
    from .looking import Looking
    from .moved import Moved
    from .secrets import Masker


@click.command()
@click.argument("playbooks", type=click.Path(), nargs=-1, required=True)
@playbook_options
@click.option("-v", "--verbose", count=True, help="Also tell what can't be judged before a run.")
@output_option
def drift(playbooks: tuple[str, ...], **given: Any) -> int:
    """Tell what differs from what playbooks declare, and change nothing: exit code 3 when something does.

    A field is judged by the task that declares it last. Commands declare nothing.
    """
    from . import assembly
    from .cli_run import options_of, start_of
    from .drift import drift_of, undecided
    from .looking import Looking, Notes

    looking, notes = Looking(), Notes()
    maskers: list[Masker] = []

    def listening(masker: Masker) -> Looking:
        maskers.append(masker)
        return looking

    start, extra, vault = start_of(playbooks, given)
    options = options_of(start, extra, {**given, "diff": False}, check=True)
    loaded = assembly.load(
        start.playbooks,
        start.inventory,
        start.module_path,
        roles_path=start.roles_path,
        extra_vars=options.extra_vars,
        vault=vault,
    )
    code, _ = assembly.play(loaded, options, Path(), assembly.View(listener=notes), listening)
    found = list(drift_of(looking.held, loaded.registry.get))
    ended = list(looking.ledger.ended.values())
    failed = [one for one in ended if one.outcome.failed and not one.rescued]
    told = _Told(maskers[0], given["verbose"])
    for message in notes.messages if code or given["verbose"] else ():
        click.echo(maskers[0].mask(message), err=True)
    if given["output"] == "json":
        told.document(playbooks, found, list(undecided(ended)), failed, code)
    else:
        told.text(found, list(undecided(ended)), failed)
    return code or (WOULD_CHANGE if found else DONE)


class _Told:
    """Tells drift, secrets masked."""

    def __init__(self, masker: Masker, verbosity: int) -> None:
        self._mask = masker.mask
        self._verbosity = verbosity

    def text(self, found: Sequence[Drift], open_: Sequence[StepDone], failed: Sequence[StepDone]) -> None:
        from .drift import told
        from .prose import one_line
        from .style import style_for
        from .undo_run import shown

        style = style_for(sys.stdout, os.environ)
        resource = None
        for one in found:
            if one.resource != resource:
                resource = one.resource
                click.echo(style(one_line(self._mask(resource)), "heading"))
            at = one.call.position
            where = style(f"({self._mask(one.call.task)}, {at.file}:{at.line})", "quiet")
            click.echo(f"    {self._mask(told(one, shown))}  {where}")
        for record in failed:
            message = str(record.outcome.result.get("msg", "it failed")).strip().splitlines()[:1]
            click.echo(
                f"{self._mask(record.task)}: can't be judged: {self._mask(''.join(message))}", err=True
            )
        for record in open_ if self._verbosity else ():
            click.echo(f"{self._mask(record.task)}: only a run can decide it", err=True)
        if not (found or failed) and (self._verbosity or sys.stdout.isatty()):
            click.echo("No drift.")

    def document(
        self,
        playbooks: Sequence[str],
        found: Sequence[Drift],
        open_: Sequence[StepDone],
        failed: Sequence[StepDone],
        code: int,
    ) -> None:
        from .journal_values import Packer

        pack = Packer(self._mask, planned=True).pack
        click.echo(
            json.dumps(
                {
                    "playbooks": list(playbooks),
                    "drift": [_as_json(one, pack) for one in found],
                    "undecided": [_step(record, self._mask) for record in open_],
                    "failed": [
                        {**_step(record, self._mask), "message": pack(record.outcome.result.get("msg", ""))}
                        for record in failed
                    ],
                    "exit_code": code or (WOULD_CHANGE if found else DONE),
                }
            )
        )


def _as_json(one: Drift, pack: Any) -> dict[str, Any]:
    from .writers import MISSING

    def value(of: Any) -> Any:
        return None if of is MISSING else pack(of)

    return {
        "resource": pack(one.resource),
        "field": one.field,
        "there": value(one.there),
        "declared": value(one.declared),
        "host": one.call.host,
        "task": pack(one.call.task),
        "module": one.call.module,
        "file": one.call.position.file,
        "line": one.call.position.line,
    }


def _step(record: StepDone, mask: Any) -> dict[str, Any]:
    return {
        "host": record.host,
        "task": mask(record.task),
        "module": record.module,
        "file": record.file,
        "line": record.line,
    }


# ---------------------------------------------------------------- resume --verify


def verify(run: str | None, given: Mapping[str, Any]) -> int:
    """Look again at what the finished steps of a run left; repairs nothing and goes on with nothing."""
    from . import undo_run
    from .cli_undo import look_options, read
    from .journal_reader import SqliteReader
    from .moved import differing
    from .run_names import LAST, find_run
    from .undo_plan import by_resource
    from .writers import last_writers

    state: Path = given["state"]
    with SqliteReader(state) as reader:
        runs = reader.runs()
    if not runs:
        raise UsageError(f"There is no run in {state}", hint="`runbook play` starts one.")
    chosen = find_run(runs, run or LAST)
    recorded = read(runs, chosen.header, state, dict(given))
    places = by_resource(recorded.acts, recorded.registry.get)
    numbers = {number for changes in places.values() for number, _ in last_writers(changes).values()}
    looked = sorted(number for number in numbers if recorded.acts[number].finished)
    seen = undo_run.look(recorded, looked, look_options(given))
    found = [one for one in differing(recorded.acts, recorded.registry.get, seen) if one.act.finished]
    mask = undo_run.secrets_of(recorded).mask
    if given["output"] == "json":
        click.echo(json.dumps({"run": chosen.run, "looked_at": len(looked), "differs": _moved(found, mask)}))
    else:
        _tell_moved(chosen.run, len(looked), found, mask, finished=chosen.finished)
    return WOULD_CHANGE if found else DONE


def _tell_moved(run: str, looked: int, found: Sequence[Moved], mask: Any, *, finished: bool) -> None:
    from .undo_run import told

    for one in found:
        for line in told(one):
            click.echo(mask(line))
    what = "1 call was" if looked == 1 else f"{looked} calls were"
    if not found:
        click.echo(f"Run {run}: {what} looked at again, and all is as it was left.")
        return
    click.echo(f"Run {run}: {what} looked at again; the fields above are not as they were left.")
    click.echo(
        "Nothing was repaired." + ("" if finished else f" `runbook resume {run}` goes on all the same.")
    )


def _moved(found: Iterable[Moved], mask: Any) -> list[dict[str, Any]]:
    from .journal_values import Packer
    from .writers import MISSING

    pack = Packer(mask, planned=True).pack
    return [
        {
            "resource": mask(one.resource),
            "field": ".".join(one.path),
            "left": None if one.recorded is MISSING else pack(one.recorded),
            "now": None if one.now is MISSING else pack(one.now),
            "error": mask(one.error),
            "host": one.act.host,
            "task": mask(one.act.task),
        }
        for one in found
    ]
