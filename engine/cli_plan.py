"""`plan -o FILE` and `play --plan FILE`: the command line's dealings with plan files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click

from .cli_extra_vars import ExtraVars
from .cli_start import Start, read_start
from .errors import UsageError
from .options import Options
from .plan_file import SavedPlan, read_plan, write_plan
from .plan_run import Keeping, Making, PlanPart
from .secrets import Masker
from .state_key import key_source
from .vault import Vault

_FREE = frozenset({"playbooks", "inventory", "extra_vars", "forks", "plan"})
_VAULT = frozenset({"vault_ids", "vault_password_files", "ask_vault_pass"})
"""What may be said beside a plan: where passwords come from. The first are looked at by themselves."""


def save(made: Making, path: Path, vault: Vault) -> str:
    """Write the plan; a line that says how to play it. Raises UsageError."""
    write_plan(path, made.file(key_source(vault, os.environ)))
    return f"The plan is in {path}. Play exactly this: runbook play --plan {path}"


def planned(path: str) -> tuple[SavedPlan, Start]:
    """A plan, and how its run is started. Raises UsageError."""
    saved = read_plan(path)
    return saved, replace(read_start(saved.plan.start), plan=str(Path(path).absolute()))


def refuse_others(plan: Start, said: Start, given: Mapping[str, Any]) -> None:
    """A plan says what is played, on whom and with what. Raises UsageError for words that say something else."""
    default = Start(playbooks=())
    other = [
        field.name
        for field in fields(Start)
        if field.name not in _FREE | _VAULT
        and getattr(said, field.name) not in (getattr(default, field.name), getattr(plan, field.name))
    ]
    if said.playbooks and _real(said.playbooks) != _real(plan.playbooks):
        other.insert(0, "another playbook")
    if given["inventory"] and tuple(given["inventory"]) != plan.inventory:
        other.append("inventory")
    other += [name for name in ("check", "start_at_task") if given[name] and name not in other]
    if other:
        told = ", ".join(name.replace("_", "-") for name in other)
        raise UsageError(
            f"The plan {plan.plan} says what is played, and this says it otherwise: {told}",
            hint="Leave it out, or make another plan.",
        )


def withheld(plan: Start, kept: ExtraVars, new: ExtraVars) -> ExtraVars:
    """The variables that the plan was made with. Only the secrets among them are to be given again. Raises
    UsageError."""
    others = sorted(set(new.values) - set(kept.withheld))
    if others:
        raise UsageError(
            f"The plan {plan.plan} was made with its own variables, and -e says others: {', '.join(others)}",
            hint="Leave them out, or make another plan.",
        )
    missing = [name for name in kept.withheld if name not in new.values]
    if missing:
        options = " ".join(f"-e {name}=..." for name in missing)
        raise UsageError(
            f"The plan {plan.plan} was made with {', '.join(missing)} by `-e`, and it keeps no secrets",
            hint=f"Give it again: runbook play --plan {plan.plan} {options}",
        )
    return ExtraVars((*kept.texts, *new.texts), {**kept.values, **new.values})


def keeping(path: str, options: Options, vault: Vault) -> tuple[Options, Callable[[Masker], PlanPart]]:
    """Hold a run to the plan in a file. Raises UsageError."""
    saved = read_plan(path)
    source = key_source(vault, os.environ)
    return replace(options, plan=saved.digest), lambda masker: Keeping(saved, source, masker.mask)


def go_there(saved: SavedPlan) -> None:
    """Go to the folder that the plan was made in. Raises UsageError when it is gone."""
    try:
        os.chdir(saved.plan.folder)
    except OSError as error:
        raise UsageError(
            f"The plan {saved.path} was made in {saved.plan.folder}, and that can't be entered: {error.strerror}"
        ) from error


def stays(context: click.Context, name: str) -> bool:
    """Whether an option was not given, so that the plan's own word holds."""
    return context.get_parameter_source(name) is click.core.ParameterSource.DEFAULT


def _real(paths: tuple[str, ...]) -> list[Path]:
    return [Path(path).resolve() for path in paths]
