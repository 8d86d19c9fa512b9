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
    lookup: str | None = None
    """`with_NAME`: the lookup that makes the items out of what is written; None: `loop`."""
    extended: Value = False
    extended_allitems: Value = True
    break_when: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Role:
    """A role as one play or include uses it; its tasks and handlers carry it. Equal to itself only."""

    name: str
    path: str
    """Its folder: `files/`, `templates/`, `vars/` and `tasks/` of its tasks are looked for there first."""
    identity: str
    defaults: Mapping[str, Value] = field(default_factory=dict)
    """`defaults/main.yml`: the weakest variables of all."""
    vars: Mapping[str, Value] = field(default_factory=dict)
    """`vars/main.yml`: above the play's own."""
    given: Mapping[str, Value] = field(default_factory=dict)
    """`vars` that its user wrote: above its own, below those of blocks and tasks."""
    params: Mapping[str, Value] = field(default_factory=dict)
    """What its user wrote beside the name: above facts and registered results."""
    parents: tuple[Role, ...] = ()
    """Roles that use it (by dependency or include), the innermost last: their variables are seen in it."""
    dependencies: tuple[Role, ...] = ()
    """Roles that it needs, as `meta/main.yml` says: their variables are seen in it, too."""
    public: bool = True
    """The whole play sees its defaults and variables."""
    key: str = ""
    """Two uses with the same key are the same role with the same parameters."""
    allow_duplicates: bool = True
    """A host plays it again, although it has played one with the same key."""
    by_include: bool = False
    """Its innermost parent uses it by `include_role` or `import_role`, and not as a dependency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task, with the keywords that it inherits from its blocks already merged in."""

    module: str
    args: Mapping[str, Value]
    position: Position
    identity: str
    """Structural: its play, its section, its own text, n-th among equal siblings (DESIGN: identity of a step)."""

    name: Value = None
    module_template: Value = None
    """The module's name, where only the run can tell it: `module` is what is written until then."""
    arg_positions: Mapping[str, Position] = field(default_factory=dict)
    args_template: Value = None
    """Arguments that one template yields, under those that are written."""
    late_defaults: tuple[Value, ...] = ()
    """Like `module_defaults`, those that only the run can tell."""
    role: Role | None = None
    when: tuple[Expression, ...] = ()
    loop: Loop | None = None
    until: tuple[Expression, ...] = ()
    retries: Value = None
    """How often a failed try is repeated; None: 3 times with `until`, else never."""
    delay: Value = 5.0
    """Seconds between two tries of `until`."""
    register: str | None = None
    changed_when: tuple[Expression, ...] | None = None
    failed_when: tuple[Expression, ...] | None = None
    ignore_errors: Value = False
    notify: tuple[Value, ...] = ()
    listen: tuple[str, ...] = ()
    tags: frozenset[Value] = frozenset()
    vars: Mapping[str, Value] = field(default_factory=dict)
    params: Mapping[str, Value] = field(default_factory=dict)
    """Own `vars` of an include: in what it includes they win over facts and registered results."""
    around: Any = None
    """What the file or the role inherits that an include names (the loader's `Inherited`)."""
    environment: tuple[Value, ...] = ()
    delegate_to: Value = None
    delegate_facts: Value = False
    run_once: Value = False
    no_log: Value = False
    connection: Value = None
    aws: Value = None
    rerun: str = "ask"
    """What resume does with an effect that nothing can settle: `safe`, `never` or `ask`."""
    timeout: Value = None
    throttle: Value = 0
    async_seconds: Value = 0
    """`async`: how long it may run in the background; 0: it does not run there."""
    poll: Value = 15
    """Seconds between two looks at a background task; 0: nobody waits for it."""
    ignore_unreachable: Value = False
    any_errors_fatal: Value = None
    module_defaults: tuple[Value, ...] = ()
    """Mappings of module (or `group/...`) to arguments, the outermost first."""
    check_mode: Value = None
    diff: Value = None
    implicit: bool = False
    """The operator did not write it: handlers are flushed between the sections of a play."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`block` with `rescue` and `always`; its keywords are merged into its tasks by the loader."""

    body: tuple[Task | Block, ...]
    rescue: tuple[Task | Block, ...] = ()
    always: tuple[Task | Block, ...] = ()
    name: Value = None
    position: Position
    identity: str
    role: Role | None = None
    """These are all tasks of a role."""


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
    vars_prompt: tuple[Mapping[str, Value], ...] = ()
    roles: tuple[Role, ...] = ()
    """Roles whose defaults and variables the whole play sees, in their order."""
    tags: frozenset[str] = frozenset()
    strategy: str = "linear"
    serial: tuple[Value, ...] = ()
    max_fail_percentage: Value = None
    any_errors_fatal: Value = False
    force_handlers: Value = False
    order: str = "inventory"
    gather_facts: Value = True
    gather_subset: tuple[Value, ...] = ()
    fact_path: Value = None
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
    more: Mapping[int, str] = field(default_factory=dict)
    """Further playbooks of the same command line, by the number of their first play."""
    roles_path: tuple[str, ...] = ()
    """Folders of roles beside those of the playbook."""

    @property
    def paths(self) -> tuple[str, ...]:
        """All playbooks of the command line, in their order."""
        return (self.path, *self.more.values())


# ---------------------------------------------------------------- who it is played on

LOCALHOST = "localhost"
"""The host that is always there: this machine."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the inventory. `vars` are already merged from its groups, lowest precedence first."""

    name: str
    vars: Mapping[str, Value] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    implicit: bool = False
    """No source names it: `localhost`, which is there all the same and in no group."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group as it is put together. `all` has no hosts of its own: they are in other groups, or `ungrouped`."""

    hosts: tuple[str, ...]
    children: tuple[str, ...]
    vars: Mapping[str, Value]
    """Its own, those of `group_vars` included."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Hosts in the order they were written, and each group's hosts (children's included)."""

    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]
    digest: str = ""
    sources: tuple[str, ...] = ()
    tree: Mapping[str, Group] = field(default_factory=dict)
    """How the groups hold each other, `all` first; for who shows an inventory."""


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
    """What one step would do. `before` and `after` are of the type that is observed under `resource`'s name.

    `result` is what `register` holds when nothing is applied (no change, or a dry run): what a change would
    decide is `Unknown` in it.
    """

    action: Action
    resource: str | None = None
    before: Any = None
    after: Any = None
    result: Any = None
    checked: Any = field(default=None, metadata={"untold": True})
    """What `register` holds of a task that says `check_mode: true` in a run that applies; None: as in a dry run."""
    reason: str = ""
    warnings: tuple[str, ...] = ()
    compared: bool = False
    """A task that says `check_mode: true` saw it: nobody made it, and nobody will."""
    also: tuple[Change, ...] = ()
    """Other resources that the same step changes: the folders above a file, the files in a folder."""


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


class IncludeRole(msgspec.Struct, frozen=True, tag=True):
    """Go on with the tasks of a role."""

    name: str
    tasks_from: str | None = None
    handlers_from: str | None = None
    vars_from: str | None = None
    defaults_from: str | None = None
    public: bool = False
    allow_duplicates: bool = True
    validate: bool = True
    vars: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """The loop's own variables of this item."""
    item: str = ""
    """Which item of a loop, as in the identity of a step."""


class VarsFiles(msgspec.Struct, frozen=True, tag=True):
    """Read variables from files."""

    file: str = ""
    folder: str = ""
    """Instead of one file: all files in it."""
    name: str = ""
    """Put all variables into this one."""
    merge: bool = False
    """Mappings are merged with those that there are."""
    depth: int = 0
    matching: str = ""
    ignored: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    lenient: bool = False
    """Other endings in the folder are passed over, and do not fail the step."""
    found: tuple[str, ...] = ()
    """The files that were read, for a resume to read them again."""


class AddHost(msgspec.Struct, frozen=True, tag=True):
    """Put a host into the inventory of this run."""

    name: str
    groups: tuple[str, ...] = ()
    vars: Mapping[str, Any] = msgspec.field(default_factory=dict)


class FactsOf(msgspec.Struct, frozen=True, tag=True):
    """What a delegated task with `delegate_facts` learned about the other host."""

    host: str
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict)
    host_facts: Mapping[str, Any] = msgspec.field(default_factory=dict)


class CustomStats(msgspec.Struct, frozen=True, tag=True):
    """Numbers and words to show at the end of the run (`set_stats`)."""

    data: Mapping[str, Any]
    host: str | None = None
    """Kept apart for this host; None: of the run."""
    aggregate: bool = True
    """Values of the same name add up; otherwise the last one counts."""


class Meta(msgspec.Struct, frozen=True, tag=True):
    """A word to the engine: flush_handlers, end_play, end_host, clear_facts, noop, ..."""

    word: str


# Tagged structs, because they stand in the journal too.
Directive: TypeAlias = Include | IncludeRole | VarsFiles | AddHost | FactsOf | CustomStats | Meta


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one step (one task on one host, all its loop items) ended."""

    status: Status
    result: Mapping[str, Any]
    """What `register` gets: changed, failed, skipped, msg, the module's fields, `results` of a loop."""
    changes: tuple[Change, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Variables that it sets (`set_fact`)."""
    host_facts: Mapping[str, Any] = field(default_factory=dict)
    """What it found out about the host (`setup`): it joins `ansible_facts`."""
    notified: tuple[str, ...] = ()
    may_notify: tuple[str, ...] = ()
    """In a dry run: handlers that it notifies if it turns out to change something."""
    directives: tuple[Directive, ...] = ()
    """What the engine does next because of it; a resume follows them again without asking the module."""
    ignored: bool = False
    """It failed and `ignore_errors` says to go on."""
    hint: str = ""
    """What to do about a failure."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the module of a step that failed was called with, for reports."""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        return self.status in (Status.FAILED, Status.UNREACHABLE) and not self.ignored
