"""What passes between the stages: small frozen types, nothing that acts."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from .errors import Position
from .values import Expression

Value: TypeAlias = Any
"""Plain YAML data whose operator-written texts with braces are `Template`."""

NO_VARS: Mapping[str, Value] = {}


# ---------------------------------------------------------------- what a playbook says


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """`loop` with its `loop_control`."""

    items: Value
    loop_var: str = "item"
    index_var: str | None = None
    label: Value = None
    pause: Value = 0.0
    flatten: bool = False
    """`with_items`: an item that is a list stands for its own items (one level)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task, with the keywords that it inherits from its blocks already merged in."""

    module: str
    args: Mapping[str, Value]
    position: Position
    identity: str
    """Structural: its play, its section, its own text, n-th among equal siblings (DESIGN: identity of a step)."""

    name: Value = None
    arg_positions: Mapping[str, Position] = field(default_factory=dict)
    when: tuple[Expression, ...] = ()
    loop: Loop | None = None
    until: tuple[Expression, ...] = ()
    retries: Value = 3
    delay: Value = 5.0
    """Seconds between two tries of `until`."""
    register: str | None = None
    changed_when: tuple[Expression, ...] | None = None
    failed_when: tuple[Expression, ...] | None = None
    ignore_errors: Value = False
    notify: tuple[Value, ...] = ()
    listen: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    vars: Mapping[str, Value] = field(default_factory=dict)
    environment: tuple[Value, ...] = ()
    delegate_to: Value = None
    run_once: Value = False
    no_log: Value = False
    connection: Value = None
    aws: Value = None
    rerun: str = "ask"
    """What resume does with an effect that nothing can settle: `safe`, `never` or `ask`."""
    timeout: Value = None
    check_mode: Value = None
    diff: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`block` with `rescue` and `always`; its keywords are merged into its tasks by the loader."""

    body: tuple[Task | Block, ...]
    rescue: tuple[Task | Block, ...] = ()
    always: tuple[Task | Block, ...] = ()
    name: Value = None
    position: Position
    identity: str


Node: TypeAlias = Task | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One play. `vars_files` stay names here: they are read when the play begins."""

    name: Value
    hosts: Value
    position: Position
    identity: str
    tasks: tuple[Node, ...] = ()
    handlers: tuple[Node, ...] = ()
    vars: Mapping[str, Value] = field(default_factory=dict)
    vars_files: tuple[Value, ...] = ()
    tags: frozenset[str] = frozenset()
    strategy: str = "linear"
    serial: tuple[Value, ...] = ()
    max_fail_percentage: Value = None
    any_errors_fatal: Value = False
    force_handlers: Value = False
    order: str = "inventory"
    gather_facts: Value = False
    environment: tuple[Value, ...] = ()
    connection: Value = None
    aws: Value = None
    no_log: Value = False
    ignore_errors: Value = False


@dataclass(frozen=True, slots=True)
class Playbook:
    """All plays of a playbook file and of those it imports, in order."""

    path: str
    plays: tuple[Play, ...]
    digest: str
    """Of all the files that were read for it: another digest is another playbook."""


# ---------------------------------------------------------------- who it is played on


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the inventory. `vars` are already merged from its groups, lowest precedence first."""

    name: str
    vars: Mapping[str, Value] = field(default_factory=dict)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """Hosts in the order they were written, and each group's hosts (children's included)."""

    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]
    digest: str = ""
    sources: tuple[str, ...] = ()


# ---------------------------------------------------------------- what would be done, what was done


class Action(enum.StrEnum):
    """What a change does; the one vocabulary of plan, diff, journal and reports."""

    NONE = "none"
    READ = "read"
    """Looks or waits; done when applied, never counted as changed."""
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    RUN = "run"
    """Runs something whose effect can't be told field by field."""
    UNDECIDED = "undecided"
    """Depends on values that are known after apply only."""

    @property
    def changes(self) -> bool:
        """Whether applying it would change the world."""
        return self not in (Action.NONE, Action.READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one step would do. `before` and `after` are of the type that the module's `observe` returns.

    `result` is what `register` holds when nothing is applied (no change, or a dry run): what a change would
    decide is `Unknown` in it.
    """

    action: Action
    resource: str | None = None
    before: Any = None
    after: Any = None
    result: Any = None
    reason: str = ""
    warnings: tuple[str, ...] = ()


class Status(enum.StrEnum):
    """How a step ended."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


class Include(msgspec.Struct, frozen=True, tag=True):
    """Go on with the tasks of a file."""

    file: str
    vars: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """The loop's own variables of this item."""
    item: str = ""
    """Which item of a loop, as in the identity of a step."""


class AddHost(msgspec.Struct, frozen=True, tag=True):
    """Put a host into the inventory of this run."""

    name: str
    groups: tuple[str, ...] = ()
    vars: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Meta(msgspec.Struct, frozen=True, tag=True):
    """A word to the engine: flush_handlers, end_play, end_host, clear_facts, noop, ..."""

    word: str


# Tagged structs, because they stand in the journal too.
Directive: TypeAlias = Include | AddHost | Meta


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one step (one task on one host, all its loop items) ended."""

    status: Status
    result: Mapping[str, Any]
    """What `register` gets: changed, failed, skipped, msg, the module's fields, `results` of a loop."""
    changes: tuple[Change, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Variables that it sets (`set_fact`)."""
    notified: tuple[str, ...] = ()
    directives: tuple[Directive, ...] = ()
    """What the engine does next because of it; a resume follows them again without asking the module."""
    ignored: bool = False
    """It failed and `ignore_errors` says to go on."""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        return self.status in (Status.FAILED, Status.UNREACHABLE) and not self.ignored
