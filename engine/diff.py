"""Changes as prose: pure functions from a `Change` to lines of text.

A symbol says what happens, a sentence why; unchanged fields are folded; what is secret or not known yet says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .diff_fields import body
from .model import Action, Change
from .prose import one_line
from .style import Role, Style, no_colour

SYMBOLS: dict[Action, str] = {
    Action.NONE: " ",
    Action.READ: "<=",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.RUN: "!",
    Action.UNDECIDED: "?",
}

ROLES: dict[Action, Role] = {
    Action.NONE: "quiet",
    Action.READ: "read",
    Action.CREATE: "add",
    Action.UPDATE: "update",
    Action.REPLACE: "remove",
    Action.DELETE: "remove",
    Action.RUN: "update",
    Action.UNDECIDED: "note",
}

_MEANINGS: dict[Action, str] = {
    Action.CREATE: "create",
    Action.UPDATE: "update in place",
    Action.REPLACE: "delete, then create again",
    Action.DELETE: "delete",
    Action.READ: "read",
    Action.RUN: "run",
    Action.UNDECIDED: "decided during the run only",
}

_COMPARED = ("is compared only", "was compared only")

COUNTED: dict[Action, str] = {
    Action.CREATE: "add",
    Action.UPDATE: "change",
    Action.REPLACE: "replace",
    Action.DELETE: "remove",
    Action.RUN: "run",
    Action.UNDECIDED: "undecided",
}
"""What the closing line calls them."""

_SENTENCES: dict[Action, tuple[str, str]] = {
    Action.NONE: ("needs no change", "needed no change"),
    Action.READ: ("will be read", "was read"),
    Action.CREATE: ("will be created", "was created"),
    Action.UPDATE: ("will be updated in place", "was updated in place"),
    Action.REPLACE: ("must be replaced", "was replaced"),
    Action.DELETE: ("will be deleted", "was deleted"),
    Action.RUN: ("will be run", "was run"),
    Action.UNDECIDED: ("is decided during the run only", "was decided during the run only"),
}


def headline(change: Change, style: Style = no_colour) -> str:
    """One line: `~ memorydb:cluster/lab-cluster (1 replica instead of 0)`."""
    symbol = style(SYMBOLS[change.action], ROLES[change.action])
    if change.resource is None:
        only = " (compared only)" if change.compared else ""
        return f"{symbol} {one_line(change.reason) or _name(change)}{only}"
    reason = style(f" ({one_line(change.reason)})", "quiet") if change.reason else ""
    return f"{symbol} {_name(change)}{reason}"


def lines(change: Change, style: Style = no_colour, *, done: bool = False) -> list[str]:
    """The whole change, field by field. `done`: it was applied already."""
    will, was = _COMPARED if change.compared else _SENTENCES[change.action]
    fields = [] if change.action is Action.UNDECIDED else body(change.before, change.after, style)
    below = [f"    {line}" for line in fields]
    if change.resource is None:
        return [headline(change, style), *below]
    reason = f": {one_line(change.reason)}" if change.reason else ""
    head = f"# {_name(change)} {was if done else will}{reason}"
    symbol = style(SYMBOLS[change.action], ROLES[change.action])
    return [style(head, "heading"), f"{symbol} {_name(change)}", *below]


def legend(changes: Iterable[Change], style: Style = no_colour) -> list[str]:
    """What the symbols in use mean."""
    used = {change.action for change in changes}
    meanings = [(action, meaning) for action, meaning in _MEANINGS.items() if action in used]
    if not meanings:
        return []
    symbols = [f"{style(SYMBOLS[action].rjust(5), ROLES[action])}  {meaning}" for action, meaning in meanings]
    return ["Symbols:", *symbols]


def summary(changes: Sequence[Change]) -> str:
    """The closing line: how much of what."""
    count = counted(changes)
    if not any(count.values()):
        return "No changes. The world is already as the playbook describes it."
    always = ("add", "change", "replace", "remove")
    parts = [_part(name, number) for name, number in count.items() if number or name in always]
    return f"Plan: {', '.join(parts)}."


def counted(changes: Iterable[Change]) -> dict[str, int]:
    """How many changes of each kind."""
    count = Counter(change.action for change in changes)
    return {name: count[action] for action, name in COUNTED.items()}


def counts(changes: Iterable[Change]) -> str:
    """How much of what, of one host: what there is none of is left out."""
    return ", ".join(_part(name, number) for name, number in counted(changes).items() if number)


def _part(name: str, number: int) -> str:
    return f"{number} {name}" if name == "undecided" else f"{number} to {name}"


def _name(change: Change) -> str:
    return one_line(change.resource) if change.resource else "this step"
