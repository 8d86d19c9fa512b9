"""The commands that play: `play`, `plan`, `resume`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_codes import DONE, WOULD_CHANGE
from .cli_options import (
    FORKS,
    extra_vars_option,
    inventory_options,
    inventory_sources,
    list_options,
    report_options,
    run_options,
    selection_options,
    state_option,
    step_option,
    world_options,
)
from .cli_vault_options import given_options, opened_vault, vault_options

if TYPE_CHECKING:  # imported when a command needs it: `runbook --version` is to answer at once
    from .cli_extra_vars import ExtraVars
    from .cli_start import Start
    from .options import Options
    from .vault import Vault


@click.command()
@click.argument("playbooks", type=click.Path(), nargs=-1, required=True)
@inventory_options
@extra_vars_option
@vault_options
@selection_options
@world_options
@run_options
@state_option
@report_options
@click.option("-C", "--check", is_flag=True, help="Dry run: show what would change, write nothing.")
@click.option("--fresh", is_flag=True, help="Start a new run, even when an unfinished one could go on.")
@step_option
@list_options
def play(playbooks: tuple[str, ...], **given: Any) -> int:
    """Play playbooks, one after the other. Goes on with the last run that was started the same way, when that one
    is unfinished."""
    start, extra, vault = _start(playbooks, given)
    if any(given[name] for name in ("list_tasks", "list_hosts", "list_tags", "syntax_check")):
        return _list(start, extra, given, vault)
    options = _options(
        start,
        extra,
        given,
        check=given["check"],
        fresh=given["fresh"],
        assume=given["assume"],
        step=given["step"],
    )
    return _play(start, options, given, vault)[0]


@click.command()
@click.argument("playbooks", type=click.Path(), nargs=-1, required=True)
@inventory_options
@extra_vars_option
@vault_options
@selection_options
@world_options
@report_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 3 when something would change.")
def plan(playbooks: tuple[str, ...], **given: Any) -> int:
    """Show every change that `play` would make, field by field, and write nothing."""
    start, extra, vault = _start(playbooks, given)
    options = _options(start, extra, given, check=True)
    code, changed = _play(start, options, {**given, "diff": True}, vault)
    return WOULD_CHANGE if code == DONE and changed and given["detailed_exitcode"] else code


@click.command()
@click.argument("run", required=False)
@extra_vars_option
@vault_options
@run_options
@step_option
@state_option
@report_options
@click.pass_context
def resume(context: click.Context, /, run: str | None, **given: Any) -> int:
    """Go on with RUN, or with the last run that is unfinished, in the folder where it was started."""
    from .cli_extra_vars import read_extra_vars
    from .cli_start import again, go_back, read_start, unfinished
    from .vault import Vault

    given["state"] = given["state"].absolute()
    header = unfinished(given["state"], run)
    start = read_start(header.argv)
    ours = opened_vault(given_options(given))
    new = read_extra_vars(given["extra_vars"], ours)
    go_back(header)
    kept = replace(start.vault, ask=start.vault.ask and not ours.passwords)
    vault = Vault((*ours.passwords, *opened_vault(kept).passwords))
    extra = again(header.run, read_extra_vars(start.extra_vars, vault), new)
    if context.get_parameter_source("forks") is click.core.ParameterSource.DEFAULT:
        given["forks"] = start.forks
    options = _options(start, extra, given, run=header.run, assume=given["assume"], step=given["step"])
    return _play(start, options, given, vault)[0]


# ---------------------------------------------------------------- a run


def _start(playbooks: tuple[str, ...], given: dict[str, Any]) -> tuple[Start, ExtraVars, Vault]:
    from .cli_extra_vars import read_extra_vars
    from .cli_start import Start

    vault = opened_vault(given_options(given))
    extra = read_extra_vars(given["extra_vars"], vault)
    start = Start(
        playbooks=playbooks,
        inventory=inventory_sources(given["inventory"]),
        extra_vars=extra.texts,
        limit=given["limit"],
        tags=given["tags"],
        skip_tags=given["skip_tags"],
        start_at_task=given["start_at_task"] or "",
        connection=given["connection"] or "",
        module_path=_folders(given["module_path"]),
        roles_path=_folders(given["roles_path"]),
        force_handlers=given["force_handlers"],
        forks=given.get("forks", FORKS),
        vault_ids=given["vault_ids"],
        vault_password_files=given["vault_password_files"],
        ask_vault_pass=given["ask_vault_pass"],
    )
    return start, extra, vault


def _folders(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(folder for text in given for folder in text.split(os.pathsep) if folder)


def _options(start: Start, extra: ExtraVars, given: dict[str, Any], **more: Any) -> Options:
    from .options import Options
    from .tags import tags

    return Options(
        extra_vars=extra.values,
        limit=start.limit,
        tags=tags(start.tags, start.skip_tags),
        start_at=start.start_at_task or None,
        connection=start.connection or None,
        force_handlers=start.force_handlers,
        forks=given.get("forks", start.forks),
        verbosity=given["verbose"],
        diff=given["diff"],
        argv=start.words(),
        **more,
    )


def _play(start: Start, options: Options, given: dict[str, Any], vault: Vault) -> tuple[int, bool]:
    from . import assembly

    view = assembly.View(json=given["output"] == "json", diff=given["diff"], verbosity=given["verbose"])
    loaded = assembly.load(
        start.playbooks,
        start.inventory,
        start.module_path,
        roles_path=start.roles_path,
        extra_vars=options.extra_vars,
        vault=vault,
    )
    return assembly.play(loaded, options, given.get("state", Path()), view)


def _list(start: Start, extra: ExtraVars, given: dict[str, Any], vault: Vault) -> int:
    from . import assembly
    from .playbook_list import Wanted, listed

    loaded = assembly.load(
        start.playbooks,
        start.inventory,
        start.module_path,
        roles_path=start.roles_path,
        extra_vars=extra.values,
        vault=vault,
    )
    for warning in loaded.warnings:
        click.echo(str(warning), err=True)
    wanted = Wanted(tasks=given["list_tasks"], hosts=given["list_hosts"], tags=given["list_tags"])
    roster = assembly.roster(loaded, _options(start, extra, given))
    click.echo("\n".join(listed(roster, wanted)))
    return DONE
