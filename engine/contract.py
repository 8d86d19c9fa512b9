"""What a module is, and what it is handed. Modules import this file, `model`, `values` and `errors`, nothing else.

Two kinds:

* `Module`: looks at the world, plans, changes it. `observe` only reads; `plan` is pure; `apply` does what the
  change says and nothing more, every call with an effect through `ctx.effect`. There is no check mode in a
  module: a dry run simply ends after `plan`.
* `Computation`: decides from its arguments alone (`set_fact`, `assert`, `include_tasks`); runs in the scheduler's
  own loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeGuard, TypeVar, runtime_checkable

import msgspec

from .contract_arguments import (
    FREE_FORM,
    REST,
    SECRET,
    LocalFile,
    LocalPath,
    Params,
    RenderedFile,
    TemplateSyntax,
    aliases,
    no_effect,
    refused,
)
from .contract_undo import Undo, UndoAnswer
from .errors import RunbookError
from .model import (
    Action,
    AddHost,
    Change,
    CustomStats,
    Directive,
    Include,
    IncludeRole,
    Meta,
    Value,
    VarsFiles,
)
from .secret_names import boxed
from .values import Expression, Unknown

CONTRACT_VERSION = 1

T = TypeVar("T")


class PlaybookFolder(Protocol):
    """Files that the operator keeps beside the playbook, by the names that arguments give them."""

    def find(self, name: str, folder: str = "files") -> str:
        """The absolute path of a file or folder, looked for in `folder` (`files`, `templates`) and beside it; it
        keeps the slash at its end. Raises Failed that tells all places where it was looked for."""
        ...

    def render(self, name: str, dest: str, syntax: TemplateSyntax) -> RenderedFile:
        """What a template renders to with the step's variables; `dest` is told to it. Its text may be Unknown.
        Raises Failed, TemplateError."""
        ...

    def opened(self, content: bytes, path: str) -> bytes:
        """What the file at `path` holds, opened when it is encrypted; the same object when it is not. Raises
        VaultError."""
        ...

    def place(self, name: str) -> LocalPath:
        """A place on this machine; a relative one starts at the playbook's folder."""
        ...


@dataclass(frozen=True, slots=True)
class Permissions:
    """IAM actions that a module needs, as in a policy document: to look, and to change."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


# ---------------------------------------------------------------- effects and waiting


@dataclass(frozen=True, slots=True)
class Intent:
    """What stands in the journal before an effect is tried."""

    key: str
    token: str
    """At most 80 characters, unique for run, step, effect and try; put it where the service keeps it."""
    attempt: int
    """From 1."""
    started: datetime
    """UTC, by the operator's clock."""
    before: Any = None
    """What the module saw before, as plain data."""


@dataclass(frozen=True, slots=True)
class Landed(Generic[T]):
    """The effect did happen; `result` is what its call would have answered."""

    result: T


@dataclass(frozen=True, slots=True)
class Absent:
    """The effect provably did not happen."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """Nothing can tell (yet)."""

    why: str


Finding: TypeAlias = Landed[T] | Absent | Unsure


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not there yet; shown as live progress."""

    phase: str
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class Ready(Generic[T]):
    """What was waited for is there."""

    value: T


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a step's calls go: the step's merged `aws:` settings."""

    region: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    endpoint_url: str | None = None
    allowed_account_ids: tuple[str, ...] = ()
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    """Only the sandbox's own made-up pair travels here."""
    ca_file: str | None = None
    """CA bundle of the sandbox's data plane; None: the system's."""
    world: str = ""
    """Which world of the sandbox it is: one that was made anew is another."""
    speed: float = 1.0
    """Seconds of the service's time in one second of ours (the sandbox's fast clock)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the calls are made as."""

    account: str
    arn: str
    region: str
    expires: datetime | None = None
    """UTC: when the credentials end and are not renewed by themselves; None: they are, or it can't be told."""


class ClientFactory(Protocol):
    """Makes service clients; the only implementation is in the modules room, so the engine needs no SDK."""

    def client(self, target: Target, service: str, *, retries: bool = True) -> Any:
        """A client, cached by all of `target`. `retries=False`: one attempt only, for effects without a token."""
        ...

    def identify(self, target: Target) -> Identity:
        """Ask who we are. Raises CredentialsError in one clear sentence, Stopped when the same will work later:
        expired credentials, a service that can't be reached or has too much to do."""
        ...

    def explain(self, error: Exception) -> RunbookError | None:
        """The error that an SDK exception means: Failed (the service refused: nothing happened), InDoubt (the
        response was lost: it may have happened), Stopped (credentials expired, throttled past the budget),
        Unreachable. None: not an exception of the SDK."""
        ...


class FactSource(Protocol):
    """What is known of the operator's machine (Ansible's `setup`); the only implementation is in the modules room.
    Facts are named as variables are: `ansible_hostname`."""

    def names(self, subset: Sequence[str] = ()) -> frozenset[str]:
        """Names of the facts that a `gather_subset` asks for; none said: all. Raises Failed for an unknown one."""
        ...

    def get(self, name: str) -> Any:
        """One of them, found out when it is first asked for."""
        ...


class LookupContext(Protocol):
    """What the engine hands to a lookup of the modules room."""

    def client(self, service: str, *, region: str | None = None) -> Any:
        """A boto3 client for the target of the step that the lookup is evaluated for."""
        ...

    def warn(self, message: str) -> None: ...


class AskingLookup(Protocol):
    """A lookup that asks AWS: class `Lookup` in the modules room's `_lookup_NAME.py`. What it finds is secret."""

    options: ClassVar[tuple[str, ...]]
    permissions: ClassVar[tuple[str, ...]]
    """IAM actions that it needs."""

    def run(self, ctx: LookupContext, terms: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
        """What it finds, one value a term: plain data. Raises Failed."""
        ...


@dataclass(frozen=True, slots=True)
class FoundHost:
    """A host that an inventory plugin found (a file `_inventory_NAME.py` of the modules' room, with a function
    `hosts(settings, clients, target)` and the names of its settings)."""

    name: str
    vars: Mapping[str, Any]
    """Data: never a template."""
    groups: tuple[str, ...]


class Context(Protocol):
    """What the engine hands to `observe` and `apply`."""

    @property
    def host(self) -> str: ...
    @property
    def run(self) -> str:
        """The run's id; `runbook:run` tag on what we create."""
        ...

    @property
    def target(self) -> Target: ...
    @property
    def connection(self) -> str:
        """`local` or `ssm`."""
        ...

    @property
    def variables(self) -> Mapping[str, Any]:
        """The step's variables, rendered when read."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The task's `environment`, merged."""
        ...

    @property
    def base(self) -> Path:
        """The playbook's folder; relative paths start there."""
        ...

    @property
    def files(self) -> PlaybookFolder:
        """Files beside the playbook."""
        ...

    @property
    def diff(self) -> bool:
        """Differences are asked for (`--diff`): a result tells in `diff` what was and what is."""
        ...

    @property
    def secret_arguments(self) -> frozenset[str]:
        """Names of the arguments that were made from a secret (and `environment`, when it was). What a module puts
        where others can read it, such as a command history, must not be made from these."""
        ...

    @property
    def began(self) -> Mapping[str, bool]:
        """Effects that this step began before the run was resumed: True when what they answered is recorded, False
        when they are in doubt. What was begun is gone on with, whatever a guard says by now."""
        ...

    def client(self, service: str, *, retries: bool = True) -> Any:
        """A boto3 client for the step's target. `retries=False` for effects without a service-side token."""
        ...

    def observe(self, resource: str, read: Callable[[], T]) -> T:
        """Read another resource than the module's own: once per task for all its hosts and items, and through
        the planned world in a dry run."""
        ...

    def planned(self, prefix: str) -> tuple[str, ...]:
        """Resources whose names begin with `prefix` and that earlier steps of this dry run would change; none when
        the run applies. For what one of them may hold without being named itself: a stack's network."""
        ...

    def effect(
        self,
        key: str,
        call: Callable[[Intent], T],
        *,
        find: Callable[[Intent], Finding[T]] | None = None,
        before: Any = None,
        vouched: Callable[[str], T] | None = None,
    ) -> T:
        """Change the world once: intent on disk, `call(intent)`, outcome on disk.

        On resume a recorded outcome is returned without a call; an intent without outcome is settled by `find`.
        What `call` answers must be plain data (JSON types, bytes, datetime). When only somebody's word says that it
        happened, `vouched` is told that word, and what it answers counts; without it the step ends there.
        """
        ...

    def poll(
        self,
        what: str,
        read: Callable[[], Waiting | Ready[T]],
        *,
        timeout: float,
        interval: float = 5.0,
        longest: float = 60.0,
    ) -> T:
        """Wait until `read` answers Ready: backoff with jitter from `interval` to `longest` seconds (of the
        target's clock), cancellable, with live progress. Raises Failed when `timeout` seconds are over."""
        ...

    def ask(self, prompt: str) -> str:
        """What the person at the terminal types, without its line end; at once '' where there is no terminal.
        All that was told so far is on the screen before the prompt. Raises Stopped when the run is cancelled."""
        ...

    def progress(self, phase: str, percent: float | None = None) -> None: ...

    def warn(self, message: str) -> None: ...

    @property
    def cancelled(self) -> bool:
        """The operator asked to stop, or the task's time is over; whatever does not wait through `poll` looks here
        at least each second."""
        ...

    def cut_short(self) -> RunbookError:
        """The error to raise by who ended its work because of `cancelled`."""
        ...

    def background(self, job: str, *, forget: bool = False) -> Mapping[str, Any] | None:
        """What is known of a task in the background: its result, with `finished`, `changed` and `failed`; None:
        there is none of that name. `forget`: its result is not asked for again."""
        ...


# ---------------------------------------------------------------- modules


@runtime_checkable
class Module(Protocol):
    """A module that looks at the world and changes it. One file, one class named as the file in CamelCase.

    One that acts on the play's host itself (`command`) also has `connections: ClassVar[frozenset[str]]`: the ways
    to a host that it knows, of `local` and `ssm`. It is refused on a host that none of them leads to.

    One that concerns all hosts at once (`pause`) has `run_once: ClassVar[bool] = True`.

    One whose changes can be taken back has `undo`, as in `contract_undo.Undoable`.
    """

    contract_version: ClassVar[int]
    Params: ClassVar[type[Params]]
    Result: ClassVar[type[msgspec.Struct]]
    permissions: ClassVar[Permissions]

    def resource(self, params: Any) -> str | None:
        """The name of what it changes, from arguments alone (`memorydb:cluster/lab-cluster`); None: nothing that
        a later step could look at."""
        ...

    def observe(self, ctx: Context, params: Any) -> Any:
        """Look, change nothing: a frozen msgspec.Struct, or None when it is not there."""
        ...

    def plan(self, params: Any, observed: Any) -> Change:
        """Pure: what would have to change."""
        ...

    def apply(self, ctx: Context, params: Any, change: Change) -> Any:
        """Do it, wait, read back: the module's Result."""
        ...


class Scope(Protocol):
    """A step's variables as a Computation sees them."""

    def get(self, name: str) -> Any:
        """A variable's value, rendered. Raises UndefinedVariable."""
        ...

    def evaluate(self, expression: Expression) -> Any:
        """The value of an expression. Unknown when it depends on one."""
        ...

    def truth(self, expression: Expression) -> bool | Unknown:
        """Whether a condition holds. Unknown when it depends on one. Raises TemplateError, also when its value is
        neither true nor false."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a Computation decided."""

    result: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False
    changed: bool = False
    skipped: bool = False
    facts: Mapping[str, Value] = field(default_factory=dict)
    host_facts: Mapping[str, Value] = field(default_factory=dict)
    """What joins the facts of the host (`ansible_facts`), below the variables of the play."""
    directive: Directive | None = None
    undecided: str | None = None
    """In a dry run: why it can't be decided before the run."""


@runtime_checkable
class Computation(Protocol):
    """A module that only decides."""

    contract_version: ClassVar[int]
    Params: ClassVar[type[Params]]

    def compute(self, params: Any, scope: Scope) -> Decision: ...


def computes(module: Module | Computation) -> TypeGuard[Computation]:
    """Whether a module only decides. (`isinstance` with a protocol costs 20 µs, and every step asks.)"""
    return hasattr(module, "compute")


__all__ = [
    "CONTRACT_VERSION",
    "FREE_FORM",
    "REST",
    "SECRET",
    "Absent",
    "Action",
    "AddHost",
    "AskingLookup",
    "Change",
    "ClientFactory",
    "Computation",
    "Context",
    "CustomStats",
    "Decision",
    "Directive",
    "Expression",
    "FactSource",
    "Finding",
    "FoundHost",
    "Identity",
    "Include",
    "IncludeRole",
    "Intent",
    "Landed",
    "LocalFile",
    "LocalPath",
    "LookupContext",
    "Meta",
    "Module",
    "Params",
    "Permissions",
    "PlaybookFolder",
    "Ready",
    "RenderedFile",
    "Scope",
    "Target",
    "TemplateSyntax",
    "Undo",
    "UndoAnswer",
    "Unsure",
    "Value",
    "VarsFiles",
    "Waiting",
    "aliases",
    "boxed",
    "computes",
    "no_effect",
    "refused",
]
