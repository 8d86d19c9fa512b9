"""The command line: flags in, a run put together, errors to exit codes. Prints what is no report of a run."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from . import __version__
from .cli_options import (
    FORKS,
    extra_vars_option,
    inventory_options,
    inventory_sources,
    list_options,
    output_option,
    report_options,
    run_options,
    selection_options,
    state_option,
    step_option,
    world_options,
)
from .cli_vault import vault as vault_commands
from .cli_vault_options import given_options, opened_vault, vault_options
from .errors import Problem, RunbookError, Stopped

if TYPE_CHECKING:  # imported when a command needs it: `runbook --version` is to answer at once
    from .cli_extra_vars import ExtraVars
    from .cli_start import Start
    from .model import Inventory
    from .options import Options
    from .vault import Vault

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

DONE, WRONG, WOULD_CHANGE, STOPPED = 0, 1, 3, 4
"""Exit codes beside those that a run ends with (docs/cli.md)."""

_LIBRARIES = (Path("library"), Path("playbooks", "library"))
"""Where a person's own modules are looked for when no playbook is named."""

PATIENCE = 0.3
"""Seconds that threads of a run get to end by themselves."""


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="runbook")
def cli() -> None:
    """Runbooks for AWS that resume, whose plan is true, and that rehearse without an account."""


@cli.command()
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


@cli.command()
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


@cli.command()
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


@cli.command()
@state_option
@output_option
def runs(state: Path, output: str) -> int:
    """List the runs of the state file."""
    from .journal_reader import SqliteReader
    from .runs_list import as_json, as_text

    with SqliteReader(state) as reader:
        click.echo(as_json(reader.runs()) if output == "json" else as_text(reader.runs()))
    return DONE


@cli.command()
@click.argument("what", type=click.Choice(["playbook", "tasks", "inventory", "vars"]), default="playbook")
def schema(what: str) -> int:
    """Print the JSON Schema of a playbook, a file of tasks, an inventory or a file of variables, for editors."""
    import json

    from .registry import Registry
    from .schema import SCHEMAS

    click.echo(json.dumps(SCHEMAS[what](Registry(_LIBRARIES)), indent=2))
    return DONE


@cli.command()
@click.argument("paths", type=click.Path(), nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github", "json"]),
    default="text",
    help="For people, for pull requests, for programs.",
)
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Default: .runbook-lint.yml.")
@click.option("--rules", is_flag=True, help="List the rules.")
def lint(paths: tuple[str, ...], form: str, config: Path | None, rules: bool) -> int:
    """Tell what is wrong with playbooks and what should be written otherwise; exit with 1 if there is anything."""
    from . import cli_lint

    if rules:
        click.echo(cli_lint.rules())
        return DONE
    text, clean = cli_lint.run(paths or (".",), form, config)
    click.echo(text, nl=bool(text))
    return DONE if clean else WRONG


@cli.command()
@click.argument("name", metavar="[MODULE]", required=False)
@click.option(
    "-t",
    "--type",
    "kind",
    type=click.Choice(["module", "filter", "test", "lookup"]),
    default="module",
    help="What NAME is, or what to list.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; a module's arguments as JSON Schema.")
def doc(name: str | None, kind: str, as_json: bool) -> int:
    """Show a module's manual page, or list the modules: ours and those in `library` and `playbooks/library`."""
    from .module_list import told
    from .registry import Registry

    click.echo(told(Registry(_LIBRARIES), kind, name, as_json=as_json))
    return DONE


@cli.command()
@inventory_options
@vault_options
@click.option("--list", "as_list", is_flag=True, help="All of it as JSON; so it is without an option, too.")
@click.option("--host", metavar="NAME", help="The variables of one host.")
@click.option("--graph", is_flag=True, help="Groups with their hosts instead of JSON.")
def inventory(
    inventory: Sequence[str], limit: str, as_list: bool, host: str | None, graph: bool, **given: Any
) -> int:
    """Show the hosts, groups and variables of an inventory. What has the name of a secret is masked."""
    from .inventory_list import as_graph, as_host, as_json, within

    found = within(_inventory(inventory, given), limit)
    if host is not None:
        click.echo(as_host(found, host))
    else:
        click.echo(as_graph(found) if graph and not as_list else as_json(found))
    return DONE


def _inventory(sources: Sequence[str], given: dict[str, Any]) -> Inventory:
    from .assembly import reach
    from .inventory import load_inventory
    from .registry import Registry

    def warn(problem: Problem) -> None:
        click.echo(str(problem), err=True)

    vault = opened_vault(given_options(given))
    return load_inventory(inventory_sources(sources), warn=warn, vault=vault, reach=reach(Registry()))


@cli.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def sandbox(args: Sequence[str]) -> int:
    """The rehearsal sandbox: up, down, status, reset, calls, fault."""
    import subprocess

    command = [sys.executable, "-m", "runbook.sandbox", *args]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 (our own interpreter and module)
    return code if code >= 0 else STOPPED


cli.add_command(vault_commands)


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


# ---------------------------------------------------------------- the process


def main() -> NoReturn:
    """Entry point."""
    _fill_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of another encoding must not end a run
            stream.reconfigure(errors="backslashreplace")
    _leave(_exit_code())


def _fill_closed_streams() -> None:
    """`runbook ... >&-`: without a stream in its place, the next file that is opened would get the output."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the end


def _exit_code() -> int:
    try:
        code: int = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return WRONG
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return STOPPED
    except RunbookError as error:
        click.echo(f"Error: {error}", err=True)
        return STOPPED if isinstance(error, Stopped) else WRONG  # nothing was run, whatever it is
    except BrokenPipeError:
        # Nobody reads on, `| head` for example; the interpreter must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG
    except Exception as error:
        if "-vvv" in sys.argv:
            raise
        click.echo(f"Internal error: {type(error).__name__}: {error}\n  `-vvv` shows where.", err=True)
        return WRONG
    return code or DONE


def _leave(code: int) -> NoReturn:
    """End the process. A step that waits for an answer from afar must not hold that up: its intent is recorded."""
    deadline = time.monotonic() + PATIENCE
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
    sys.exit(code)
