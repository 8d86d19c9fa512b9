"""The command line: flags in, a run put together, errors to exit codes. Prints what is no report of a run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from . import __version__
from .cli_options import (
    extra_vars,
    inventory_options,
    inventory_sources,
    output_options,
    run_options,
    selection_options,
    state_option,
    tags,
)
from .errors import RunbookError, UsageError

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="runbook")
def cli() -> None:
    """Runbooks for AWS that resume, whose plan is true, and that rehearse without an account."""


@cli.command()
@click.argument("playbook", type=click.Path())
@inventory_options
@selection_options
@run_options
@state_option
@output_options
@click.option("-C", "--check", is_flag=True, help="Dry run: show what would change, write nothing.")
@click.option("--fresh", is_flag=True, help="Start a new run, even when an unfinished one could go on.")
@click.option("--list-tasks", is_flag=True, help="List the tasks, run nothing.")
@click.option("--list-hosts", is_flag=True, help="List the hosts of each play, run nothing.")
@click.option("--list-tags", is_flag=True, help="List the tags, run nothing.")
@click.option("--syntax-check", is_flag=True, help="Check what can be known without running.")
def play(playbook: str, **given: Any) -> int:
    """Play a playbook. Goes on with the last run that was started the same way, when that one is unfinished."""
    if any(given[name] for name in ("list_tasks", "list_hosts", "list_tags", "syntax_check")):
        return _list(playbook, given)
    return _play(playbook, given, check=given["check"])[0]


@cli.command()
@click.argument("playbook", type=click.Path())
@inventory_options
@selection_options
@output_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 3 when something would change.")
def plan(playbook: str, **given: Any) -> int:
    """Show every change that `play` would make, field by field, and write nothing."""
    given |= {"diff": True, "forks": 50, "assume": None, "state": Path(), "fresh": True}
    code, changed = _play(playbook, given, check=True)
    return 3 if code == 0 and changed and given["detailed_exitcode"] else code


@cli.command()
@click.argument("run", required=False)
@run_options
@state_option
@output_options
def resume(run: str | None, **given: Any) -> int:
    """Go on with RUN, or with the last run that is unfinished."""
    from .journal_reader import SqliteReader

    with SqliteReader(given["state"]) as reader:
        runs = [summary for summary in reader.runs() if not summary.finished]
        chosen = next((s for s in reversed(runs) if run is None or s.run == run), None)
    if chosen is None:
        what = f"no unfinished run '{run}'" if run else "no unfinished run"
        raise UsageError(f"There is {what} in {given['state']}", hint="`runbook runs` lists them.")
    words = _words(chosen.header.argv)
    context = play.make_context("play", words)
    asked = {**context.params, **{k: v for k, v in given.items() if v not in (None, False, 0, "text")}}
    return _play(asked.pop("playbook"), asked, check=False, run=chosen.run)[0]


@cli.command()
@state_option
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
def runs(state: Path, output: str) -> int:
    """List the runs of the state file."""
    from .journal_reader import SqliteReader
    from .runs_list import as_json, as_text

    with SqliteReader(state) as reader:
        click.echo(as_json(reader.runs()) if output == "json" else as_text(reader.runs()))
    return 0


@cli.command()
@click.argument("module", required=False)
def doc(module: str | None) -> int:
    """Show a module's manual page, or list the modules."""
    from .registry import Registry

    registry = Registry([Path("library")])
    click.echo(registry.manual(module) if module else "\n".join(sorted(registry.names())))
    return 0


@cli.command()
@inventory_options
@click.option("--graph", is_flag=True, help="Groups as a tree instead of JSON.")
def inventory(**given: Any) -> int:
    """Show the hosts, groups and variables of an inventory."""
    from .inventory import load_inventory
    from .inventory_list import as_graph, as_json

    found = load_inventory(inventory_sources(given["inventory"]))
    click.echo(as_graph(found) if given["graph"] else as_json(found))
    return 0


@cli.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def sandbox(args: Sequence[str]) -> int:
    """The rehearsal sandbox: up, down, status, reset, calls, fault."""
    command = [sys.executable, "-m", "runbook.sandbox", *args]
    return subprocess.run(command, check=False).returncode  # noqa: S603 (our own interpreter and module)


def _play(playbook: str, given: dict[str, Any], *, check: bool, run: str | None = None) -> tuple[int, bool]:
    from .assembly import View, load
    from .assembly import play as play_it
    from .options import Options

    loaded = load(playbook, inventory_sources(given["inventory"]))
    options = Options(
        check=check,
        fresh=given["fresh"],
        run=run,
        extra_vars=extra_vars(given["extra_vars"]),
        limit=given["limit"],
        tags=tags(given["tags"], given["skip_tags"]),
        start_at=given["start_at_task"],
        forks=given["forks"],
        assume=given["assume"],
        verbosity=given["verbose"],
        argv=tuple(sys.argv[1:]),
    )
    view = View(json=given["output"] == "json", diff=given["diff"], verbosity=given["verbose"])
    return play_it(loaded, options, given["state"], view)


def _list(playbook: str, given: dict[str, Any]) -> int:
    from .assembly import hosts_of, load
    from .playbook_list import hosts_listed, tags_listed, tasks_listed

    loaded = load(playbook, inventory_sources(given["inventory"]))
    if given["syntax_check"]:
        click.echo(f"playbook: {playbook}: nothing wrong")
    if given["list_hosts"]:
        click.echo("\n".join(hosts_listed(playbook, hosts_of(loaded, given["limit"]))))
    if given["list_tasks"]:
        selected = tags(given["tags"], given["skip_tags"])
        click.echo("\n".join(tasks_listed(loaded.playbook, selected)))
    if given["list_tags"]:
        click.echo("\n".join(tags_listed(loaded.playbook)))
    return 0


def _words(argv: Sequence[str]) -> list[str]:
    """The options of the run's own `play`, without the command's name and what only held for that once."""
    words = list(argv)
    return (
        [word for word in words[words.index("play") + 1 :] if word != "--fresh"] if "play" in words else words
    )


def main() -> None:
    """Entry point: exit codes 0 done, 2 a task failed, 4 stopped, 1 wrong use."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 1
    except click.Abort:
        code = 4
    except RunbookError as error:
        click.echo(f"Error: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        code = 1
    except Exception as error:
        if "-vvv" in sys.argv:
            raise
        click.echo(f"Internal error: {type(error).__name__}: {error}\n  `-vvv` shows where.", err=True)
        code = 1
    sys.exit(code)
