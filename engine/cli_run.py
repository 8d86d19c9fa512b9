"""The commands that play: `play`, `plan`, `resume`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_codes import DONE, WOULD_CHANGE
from .cli_options import (
    DEFAULT_STATE,
    FORKS,
    edits_option,
    extra_vars_option,
    inventory_sources,
    list_options,
    playbook_options,
    report_options,
    run_options,
    state_option,
    step_option,
)
from .cli_vault_options import given_options, opened_vault, vault_options

if TYPE_CHECKING:  # imported when a command needs it: `runbook --version` is to answer at once
    from .cli_extra_vars import ExtraVars
    from .cli_start import Start
    from .options import Options
    from .plan_run import PlanPart
    from .secrets import Masker
    from .vault import Vault


@click.command()
@click.argument("playbooks", type=click.Path(), nargs=-1)
@playbook_options
@run_options
@edits_option
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Do what this plan says, or stop. It says all else, too.",
)
@state_option
@report_options
@click.option("-C", "--check", is_flag=True, help="Dry run: show what would change, write nothing.")
@click.option("--fresh", is_flag=True, help="Start a new run, even when an unfinished one could go on.")
@step_option
@list_options
@click.pass_context
def play(context: click.Context, /, playbooks: tuple[str, ...], plan_file: str | None, **given: Any) -> int:
    """Play playbooks, one after the other. Goes on with the last run that was started the same way, when that one
    is unfinished."""
    if not playbooks and plan_file is None:
        raise click.UsageError("Missing argument 'PLAYBOOKS...', or `--plan FILE`.", context)
    start, extra, vault = start_of(playbooks, given)
    if plan_file is not None:
        start, extra, vault = _planned(context, plan_file, start, extra, vault, given)
    if any(given[name] for name in ("list_tasks", "list_hosts", "list_tags", "syntax_check")):
        return _list(start, extra, given, vault)
    options = options_of(
        start,
        extra,
        given,
        check=given["check"],
        fresh=given["fresh"],
        yes=given["yes"],
        step=given["step"],
    )
    return _play(start, options, given, vault)[0]


@click.command()
@click.argument("playbooks", type=click.Path(), nargs=-1, required=True)
@playbook_options
@state_option
@report_options
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the plan in this file, for `play --plan FILE`.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 3 when something would change.")
def plan(playbooks: tuple[str, ...], out: Path | None, **given: Any) -> int:
    """Show every change that `play` would make, field by field, and write nothing."""
    from .cli_plan import save
    from .plan_run import Making

    made: list[Making] = []

    def making(masker: Masker) -> PlanPart:
        made.append(Making(masker))
        return made[0]

    start, extra, vault = start_of(playbooks, given)
    options = options_of(start, extra, given, check=True)
    code, _ = _play(start, options, {**given, "diff": True, "out": out}, vault, making)
    if out is not None and code == DONE:
        told = save(made[0], out, vault)
        click.echo(told, err=given["output"] == "json")
    return WOULD_CHANGE if code == DONE and made[0].changes and given["detailed_exitcode"] else code


@click.command()
@click.argument("run", required=False)
@extra_vars_option
@vault_options
@run_options
@edits_option
@step_option
@state_option
@report_options
@click.option(
    "--verify",
    is_flag=True,
    help="Only look again at what finished steps left: tell what differs, repair nothing. Exit code 3 if so.",
)
@click.pass_context
def resume(context: click.Context, /, run: str | None, **given: Any) -> int:
    """Go on with RUN, or with the last run that is unfinished, in the folder where it was started."""
    from .cli_extra_vars import read_extra_vars
    from .cli_start import again, go_back, read_start, unfinished
    from .vault import Vault

    written, given["state"] = given["state"], given["state"].absolute()
    if given["verify"]:
        from .cli_drift import verify

        return verify(run, given)
    header = unfinished(given["state"], run)
    if header.undoes:
        from .cli_undo import go_on

        return go_on(header, given["state"], {**given, "written": written})
    start = read_start(header.argv)
    ours = opened_vault(given_options(given))
    new = read_extra_vars(given["extra_vars"], ours)
    go_back(header)
    kept = replace(start.vault, ask=start.vault.ask and not ours.passwords)
    vault = Vault((*ours.passwords, *opened_vault(kept).passwords))
    extra = again(header.run, read_extra_vars(start.extra_vars, vault), new)
    if context.get_parameter_source("forks") is click.core.ParameterSource.DEFAULT:
        given["forks"] = start.forks
    options = options_of(start, extra, given, written, run=header.run, yes=given["yes"], step=given["step"])
    return _play(start, options, given, vault)[0]


# ---------------------------------------------------------------- a run


def start_of(playbooks: tuple[str, ...], given: dict[str, Any]) -> tuple[Start, ExtraVars, Vault]:
    """How a run is to be started, by the command line."""
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


def _planned(
    context: click.Context, file: str, said: Start, new: ExtraVars, vault: Vault, given: dict[str, Any]
) -> tuple[Start, ExtraVars, Vault]:
    """What a plan says of how its run is started."""
    from . import cli_plan
    from .cli_extra_vars import read_extra_vars
    from .vault import Vault

    saved, start = cli_plan.planned(file)
    cli_plan.refuse_others(start, said, given)
    if not cli_plan.stays(context, "state"):
        given["state"] = given["state"].absolute()
    cli_plan.go_there(saved)
    if cli_plan.stays(context, "forks"):
        given["forks"] = start.forks
    kept = replace(start.vault, ask=start.vault.ask and not vault.passwords)
    vault = Vault((*vault.passwords, *opened_vault(kept).passwords))
    return start, cli_plan.withheld(start, read_extra_vars(start.extra_vars, vault), new), vault


def _folders(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(folder for text in given for folder in text.split(os.pathsep) if folder)


def options_of(
    start: Start, extra: ExtraVars, given: dict[str, Any], written: Path | None = None, **more: Any
) -> Options:
    """`written`: where the state file is, as the operator wrote it."""
    from .cli_start import again_words
    from .doubts import read_assumed
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
        assume=read_assumed(given.get("assume", ())),
        argv=start.words(),
        again=again_words(start.words(), written or given.get("state", DEFAULT_STATE)),
        **more,
    )


def _play(
    start: Start,
    options: Options,
    given: dict[str, Any],
    vault: Vault,
    plan: Callable[[Masker], PlanPart] | None = None,
) -> tuple[int, bool]:
    from . import assembly
    from .cli_start import hide_prompted
    from .prompts import private_names

    if start.plan:
        from .cli_plan import keeping

        options, plan = keeping(start.plan, options, vault)
    view = assembly.View(
        json=given["output"] == "json",
        diff=given["diff"],
        verbosity=given["verbose"],
        kept=given.get("out") is not None,
    )
    loaded = assembly.load(
        start.playbooks,
        start.inventory,
        start.module_path,
        roles_path=start.roles_path,
        extra_vars=options.extra_vars,
        vault=vault,
    )
    options = hide_prompted(start, options, private_names(loaded.playbook.plays))
    return assembly.play(loaded, options, given["state"], view, plan or assembly.no_plan)


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
    roster = assembly.roster(loaded, options_of(start, extra, given))
    click.echo("\n".join(listed(roster, wanted)))
    return DONE
