"""A plan as a person reads it: tasks that would change something, field by field, the others only counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import diff
from .events import Event, ItemFinished, Notice, PlayStarted, RunFinished, StepFinished, TaskStarted
from .model import Action, Change, Outcome, Status
from .prose import visible
from .report_recap import recap, verdict
from .report_screen import Screen
from .report_text import TextReporter
from .style import Style

MOST_NAMED = 5
"""Tasks that are named."""

KEEP = "`runbook plan ... -o FILE` keeps this plan, and `runbook play --plan FILE` does exactly this."


class PlanReporter(TextReporter):
    """Writes a dry run; what needs no change is shown with `verbosity` from 1 only.

    `kept`: the plan is going to be kept in a file, so nobody needs to be told how. `lasting`: asked at the end for
    the tasks whose changes nothing takes back.
    """

    def __init__(
        self,
        screen: Screen,
        style: Style,
        *,
        verbosity: int = 0,
        kept: bool = False,
        lasting: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        super().__init__(screen, style, verbosity=verbosity, with_diff=True)
        self._kept = kept
        self._lasting = lasting
        self._begun: TaskStarted | None = None
        """The task whose heading is written when there is something to tell of it."""
        self._hidden = 0
        """Tasks in a row of which nothing was told."""
        self._hosts: dict[str, list[Change]] = {}

    def tell(self, event: Event) -> None:
        if (
            isinstance(event, Notice)
            and self._begun is not None
            and event.message.startswith(self._begun.name)
        ):
            self._unfold(self._begun.name)  # a warning belongs to its task
        super().tell(event)

    # ------------------------------------------------------------ what is left out

    def _play(self, event: PlayStarted) -> None:
        self._fold()
        super()._play(event)

    def _task(self, event: TaskStarted) -> None:
        if self._verbosity:
            super()._task(event)
            return
        if self._begun is not None:
            self._hidden += 1
        self._begun = event

    def _item(self, event: ItemFinished) -> None:
        if self._wanted(event.outcome):
            self._unfold(event.task)
            super()._item(event)
        else:
            self._items.setdefault((event.host, event.task), [])
            self._screen.finished(event.host, event.task)

    def _step(self, event: StepFinished) -> None:
        self._hosts.setdefault(event.host, []).extend(_counted(event.outcome))
        if self._wanted(event.outcome):
            self._unfold(event.task)
            super()._step(event)
            return
        self._items.pop((event.host, event.task), None)
        self._screen.finished(event.host, event.task)

    def _wanted(self, outcome: Outcome) -> bool:
        told = bool(_counted(outcome)) or any(change.compared for change in outcome.changes)
        bad = outcome.status in (Status.FAILED, Status.UNREACHABLE)
        return told or bad or bool(self._verbosity)

    def _unfold(self, task: str) -> None:
        """Write the heading of the task that is told of, and before it how many were not."""
        begun = self._begun
        if self._verbosity or begun is None or begun.name != task:
            return
        self._begun = None
        self._fold()
        super()._task(begun)

    def _fold(self) -> None:
        hidden = self._hidden + (self._begun is not None)
        self._hidden, self._begun = 0, None
        if hidden:
            tasks = "1 task changes nothing" if hidden == 1 else f"{hidden} tasks change nothing"
            self._screen.write(["", self._style(f"# ({tasks}; -v shows all)", "quiet")])

    # ------------------------------------------------------------ the end

    def _finish(self, event: RunFinished) -> None:
        self._fold()
        lines = self._cards(event)
        if self._verbosity or event.exit_code:
            lines += ["", self._rule("PLAY RECAP"), *recap(event.hosts, self._style)]
        if event.exit_code == 0:  # a plan cut short would count wrong
            lines += ["", *self._summary(event)]
        self._screen.write([*lines, "", *verdict(event, self._style, check=True)])

    def _summary(self, event: RunFinished) -> list[str]:
        shown = [change for changes in self._hosts.values() for change in changes]
        if not event.hosts:
            return ["No host was played, so nothing was looked at."]
        lines = diff.legend(shown, self._style)
        changing = {host: changes for host, changes in self._hosts.items() if changes}
        if len(event.hosts) > 1 and changing:
            lines += ["Hosts:", *_by_host(changing)]
        lines += [self._style(diff.summary(shown), "heading")]
        if tasks := self._lasting():
            more = f" and {len(tasks) - MOST_NAMED} more" if len(tasks) > MOST_NAMED else ""
            lines += [f"Nothing takes back: {'; '.join(map(visible, tasks[:MOST_NAMED]))}{more}."]
        if shown and not self._kept:
            lines += [self._style(KEEP, "quiet")]
        return lines


def _counted(outcome: Outcome) -> list[Change]:
    """Without commands of which the task says that they change nothing (`changed_when: false`)."""
    runs = outcome.status is not Status.OK
    return [one for one in outcome.changes if one.action.changes and (runs or one.action is not Action.RUN)]


def _by_host(hosts: dict[str, list[Change]]) -> Sequence[str]:
    width = max(len(visible(host)) for host in hosts)
    return [f"    {visible(host).ljust(width)}  {diff.counts(changes)}" for host, changes in hosts.items()]
