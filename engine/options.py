"""How the operator asked for a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .doubts import Assumed
from .model import Value
from .tags import Tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says of a run; the defaults are those of `runbook play`."""

    check: bool = False
    diff: bool = False
    """Results tell what was and what is."""
    fresh: bool = False
    run: str | None = None
    """Resume this run, by name."""
    extra_vars: Mapping[str, Value] = field(default_factory=dict)
    limit: str = ""
    tags: Tags = field(default_factory=Tags)
    start_at: str | None = None
    connection: str | None = None
    """Of hosts for which nothing else says one."""
    force_handlers: bool = False
    """In all plays, whatever they say."""
    plan: str = ""
    """Digest of the plan that the run is held to."""
    undoes: str = ""
    """The run that this one takes back."""
    step: bool = False
    """Ask before each task."""
    forks: int = 50
    assume: Assumed = field(default_factory=Assumed)
    """The operator's answers for effects of which nothing can tell whether they happened."""
    yes: bool = False
    """What an edit of the playbook brought back may remove things without a question."""
    verbosity: int = 0
    argv: tuple[str, ...] = ()
    """A command line that starts the same run, secrets left out; `resume` reads it."""
    again: tuple[str, ...] = ()
    """What `resume` has to be told beside the run's name, such as where the state file is."""
