"""What `setup` and `gather_facts` are: all facts of this machine that were asked for, at once."""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, field
from runbook.contract import Action, Change, Context, Params, Permissions, no_effect

from ._facts import Facts

_TIMEOUT = "Nothing that takes long is asked."


class SetupParams(Params, frozen=True, kw_only=True):
    gather_subset: Annotated[
        list[str], Meta(description="Kinds of facts, `!kind` leaves one out; as Ansible's.")
    ] = field(default_factory=lambda: ["all"])
    filter: Annotated[list[str], Meta(description="Only facts whose names match one of these globs.")] = (
        field(default_factory=list)
    )
    fact_path: Annotated[str, Meta(description="Folder of the machine's own `*.fact` files.")] = (
        "/etc/ansible/facts.d"
    )
    gather_timeout: Annotated[int, no_effect(_TIMEOUT), Meta(description="Seconds.")] = 10


class SetupResult(msgspec.Struct, frozen=True, kw_only=True):
    ansible_facts: Annotated[dict[str, Any], Meta(description="The facts.")]


class Seen(msgspec.Struct, frozen=True):
    """What was found, and what could not be."""

    facts: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


class Setup:
    """`setup`; `gather_facts` is the same by another name."""

    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = SetupParams
    Result: ClassVar[type[msgspec.Struct]] = SetupResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: SetupParams) -> str | None:
        return None

    def observe(self, ctx: Context, params: SetupParams) -> Seen:
        """All of it: it only looks. Raises Failed for an unknown subset."""
        source = Facts(datetime.now(UTC), params.fact_path)
        names = sorted(source.names(params.gather_subset))
        if ctx.connection != "local":
            why = f"'{ctx.host}' is not this machine, and facts of other hosts are not gathered"
            return Seen({}, [why])
        found = {name: source.get(name) for name in names if _wanted(name, params.filter)}
        meta = {"gather_subset": params.gather_subset, "module_setup": True}
        found |= {name: value for name, value in meta.items() if _wanted(name, params.filter)}
        return Seen(found, source.warnings)

    def plan(self, params: SetupParams, observed: Seen) -> Change:
        told = SetupResult(ansible_facts=observed.facts)
        return Change(
            action=Action.NONE,
            result=told,
            reason="facts are looked at, not changed",
            warnings=tuple(observed.warnings),
        )

    def apply(self, ctx: Context, params: SetupParams, change: Change) -> SetupResult:
        raise AssertionError("there is nothing to apply")


def _wanted(name: str, globs: list[str]) -> bool:
    """A glob may leave out `ansible_`."""
    return not globs or any(
        fnmatch.fnmatch(name, glob) or fnmatch.fnmatch(name, f"ansible_{glob}") for glob in globs
    )
