"""A run's dealings with a plan: a dry run makes one, `play --plan` is held to one, most runs have none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from . import __version__
from .errors import Stopped, UsageError
from .journal import Journal, NoJournal, RunHeader
from .plan_book import Keyed, PlanBook, Shown
from .plan_document import Failure, PlanDocument, document
from .plan_file import PlanFile, SavedPlan
from .plan_keeper import Keeper
from .plan_values import Keyer
from .promise import Promise
from .secrets import Masker
from .state_key import HINT, make_key, make_salt

PURPOSE = "plan"


class PlanPart(Protocol):
    """What a run asks of its plan."""

    def journal(self) -> Journal:
        """Where a dry run writes."""
        ...

    def begin(self, header: RunHeader) -> Promise | None:
        """The run begins. Raises UsageError when it is none that the plan is for."""
        ...

    def end(self, finished: Callable[[str], bool]) -> None:
        """All plays came to a good end; `finished`: a step was done before this run went on. Raises Stopped when
        something planned was not done."""
        ...


class NoPlan:
    """There is none."""

    def journal(self) -> Journal:
        return NoJournal()

    def begin(self, header: RunHeader) -> Promise | None:  # noqa: ARG002 (the protocol's name)
        return None

    def end(self, finished: Callable[[str], bool]) -> None:
        pass


class Making:
    """A dry run that keeps what it finds out."""

    def __init__(self, masker: Masker) -> None:
        self.book = PlanBook()
        self.header: RunHeader | None = None
        self._masker = masker

    def journal(self) -> Journal:
        return self.book

    def begin(self, header: RunHeader) -> Promise | None:
        self.header = header
        return self.book

    def end(self, finished: Callable[[str], bool]) -> None:
        pass

    @property
    def changes(self) -> bool:
        """Whether anything would change, or may."""
        return any(call.changed for step in self.book.steps(Shown(self._masker)) for call in step.calls)

    def lasting(self) -> list[str]:
        """Names of the tasks whose changes nothing takes back."""
        steps = self.book.steps(Shown(self._masker))
        found = (step.task for step in steps for call in step.calls if call.changed and call.lasting)
        return list(dict.fromkeys(found))

    def document(self, exit_code: int, failures: Sequence[Failure], notes: Sequence[str]) -> PlanDocument:
        """The plan for programs, secrets masked."""
        assert self.header is not None  # noqa: S101 (asked at the end of the run)
        manner = Shown(self._masker)
        return document(self.book, self.header, manner, exit_code=exit_code, failures=failures, notes=notes)

    def file(self, source: bytes | None) -> PlanFile:
        """The plan as a file keeps it. `source`: what keys are made from. Raises UsageError for secrets without
        one."""
        header = self.header
        assert header is not None  # noqa: S101 (asked after the run)
        salt: list[bytes] = []
        made: list[Keyer] = []

        def keyer() -> Keyer | None:
            if source is not None and not made:
                salt.append(make_salt())
                made.append(Keyer(make_key(source, salt[0], PURPOSE)))
            return made[0] if made else None

        steps = self.book.steps(Keyed(self._masker, keyer))
        return PlanFile(
            made=datetime.now(UTC),
            made_by=__version__,
            start=header.argv,
            folder=header.folder,
            playbook=header.playbook,
            playbook_digest=header.playbook_digest,
            inventory_digest=header.inventory_digest,
            extra_vars_digest=header.extra_vars_digest,
            target=header.target,
            account=header.account,
            region=header.region,
            salt=b"".join(salt),
            steps=steps,
        )


class Keeping:
    """A run that is held to a plan."""

    def __init__(self, saved: SavedPlan, source: bytes | None, mask: Callable[[str], str]) -> None:
        """Raises UsageError when the plan holds secrets, and there is nothing to make its key from."""
        self._saved = saved
        self._mask = mask
        self._keeper: Keeper | None = None
        plan = saved.plan
        if plan.salt and source is None:
            raise UsageError(
                f"The plan {saved.path} holds secrets, and no key is there to know them again", hint=HINT
            )
        self._keyer: Callable[[Any], str] = Keyer(
            make_key(source, plan.salt, PURPOSE) if source and plan.salt else b""
        )

    def journal(self) -> Journal:
        return NoJournal()

    def begin(self, header: RunHeader) -> Promise | None:
        plan = self._saved.plan
        there, here = (plan.account, plan.region, plan.target), (header.account, header.region, header.target)
        if there != here:
            raise UsageError(
                f"The plan was made for {_world(*there)}, and now it would be played in {_world(*here)}",
                hint="Use the inventory, profile and Region that it was made with. A sandbox that was made anew is "
                "another.",
            )
        edited = [
            what
            for what, then, now in (
                (f"the playbook ({Path(plan.playbook).name})", plan.playbook_digest, header.playbook_digest),
                ("the inventory", plan.inventory_digest, header.inventory_digest),
                ("variables of -e", plan.extra_vars_digest, header.extra_vars_digest),
            )
            if then != now
        ]
        self._keeper = Keeper(plan, self._keyer, self._mask, edited)
        return self._keeper

    def end(self, finished: Callable[[str], bool]) -> None:
        left = self._keeper.unmet(finished) if self._keeper is not None else []
        if left:
            raise Stopped("Not all was done that was planned:\n" + "\n".join(f"    {line}" for line in left))


def _world(account: str, region: str, target: str) -> str:
    return f"account {account}, Region {region} ({target})" if account else target or "this machine"
