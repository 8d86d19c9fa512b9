"""Which run a `play` is: a new one, or one that goes on (DESIGN: which run is resumed)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from .edits import task_identities
from .errors import UsageError
from .journal import Journal, RunHeader
from .model import Inventory, Playbook, Value
from .options import Options
from .preflight import Destination
from .resume import History, elsewhere, passed_over, pick
from .state_key import make_salt
from .targets import world_of


@dataclass(frozen=True, slots=True)
class ChosenRun:
    """A run that has begun in the journal, with what it holds already."""

    header: RunHeader
    history: History
    resumed: bool
    began: datetime
    """UTC; of a run that goes on, when it began first."""
    passed: RunHeader | None = None
    """A run that is unfinished and acted in another world, so that this one is new."""

    @property
    def note(self) -> str:
        """What the operator reads of a run that goes on."""
        if self.passed is not None:
            return (
                f"A new run: {self.passed.run} is unfinished, but acted in {_place(self.passed)}; "
                f"this one acts in {_place(self.header)}."
            )
        if not self.resumed:
            return f"It takes back run {self.header.undoes}." if self.header.undoes else ""
        count = len(self.history)
        steps = "1 step is" if count == 1 else f"{count} steps are"
        return f"{steps} recorded. Start afresh with `--fresh`."


def choose_run(journal: Journal, header: RunHeader, options: Options) -> ChosenRun:
    """Begin the run in the journal: anew, or where an unfinished one of the same manner stopped.

    Raises UsageError when the run that was asked for is not there, or acted in another world.
    """
    chosen = passed = None
    if options.run is not None:
        chosen = next((run for run in journal.runs() if run.run == options.run), None)
        if chosen is None:
            raise UsageError(f"There is no run '{options.run}'", hint="`runbook runs` lists them.")
        _refuse_elsewhere(chosen.header, header)
        _refuse_another_plan(chosen.header, header)
    elif not (options.check or options.fresh):
        chosen = pick(journal.runs(), header)
        over = passed_over(journal.runs(), header) if chosen is None else None
        passed = over.header if over is not None else None
    if chosen is None:
        options.assume.check(History())
        journal.begin(header)
        return ChosenRun(header, History(), resumed=False, began=header.started, passed=passed)
    header = msgspec.structs.replace(header, run=chosen.run, salt=chosen.header.salt)
    history = History(journal.records(chosen.run))
    options.assume.check(history)
    journal.begin(header)
    return ChosenRun(header, history, resumed=True, began=chosen.header.started)


def make_header(
    playbook: Playbook, inventory: Inventory, options: Options, where: Sequence[Destination]
) -> RunHeader:
    """The run as the journal knows it: what is played, on what, with what, in which world."""
    identities = [place.identity for place in where if place.identity is not None]
    return RunHeader(
        run=new_run_name(),
        playbook=" ".join(str(Path(path).resolve()) for path in playbook.paths),
        playbook_digest=playbook.digest,
        inventory=tuple(inventory.sources),
        inventory_digest=inventory.digest,
        extra_vars_digest=_digest(options.extra_vars),
        limit=options.limit,
        tags=tuple(sorted(options.tags.only)),
        skip_tags=tuple(sorted(options.tags.skip)),
        account=",".join(dict.fromkeys(identity.account for identity in identities)),
        region=",".join(dict.fromkeys(identity.region for identity in identities)),
        target=", ".join(dict.fromkeys(world_of(place.target) for place in where)),
        start_at=options.start_at or "",
        argv=options.argv,
        tasks=task_identities(playbook),
        salt=make_salt().hex(),
        folder=str(Path.cwd()),
        plan=options.plan,
        undoes=options.undoes,
        started=datetime.now(UTC),
    )


def new_run_name() -> str:
    """Sorts by time, tells the day, and is easy to type: `1123-0846-3f9c`."""
    return f"{datetime.now(UTC):%m%d-%H%M}-{secrets.token_hex(2)}"


def _refuse_elsewhere(then: RunHeader, now: RunHeader) -> None:
    """In another account or Region, or a sandbox made anew, everything would look provably absent."""
    if not elsewhere(then, now):
        return
    raise UsageError(
        f"Run {then.run} acted in {_place(then)}, and now it would go on in {_place(now)}",
        hint="Use the inventory, profile and Region that it began with. A sandbox that was made anew is another.",
    )


def _refuse_another_plan(then: RunHeader, now: RunHeader) -> None:
    if now.plan not in ("", then.plan):
        raise UsageError(
            f"Run {then.run} is held to another plan than the one that is in its file now",
            hint="Put that plan back, or play the new one: `runbook play --plan FILE` starts a new run.",
        )


def _place(header: RunHeader) -> str:
    if not header.account:
        return header.target or "this machine"
    return f"account {header.account}, Region {header.region} ({header.target})"


def _digest(variables: Mapping[str, Value]) -> str:
    text = repr(sorted(variables.items(), key=lambda pair: pair[0]))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
