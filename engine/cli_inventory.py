"""`runbook inventory`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_codes import DONE
from .cli_options import extra_vars_option, inventory_options, inventory_sources
from .cli_vault_options import given_options, opened_vault, vault_options
from .errors import Problem, UsageError

if TYPE_CHECKING:  # imported when a command needs it: `runbook --version` is to answer at once
    from .inventory_view import View


@click.command()
@click.argument("group", required=False)
@inventory_options
@extra_vars_option
@vault_options
@click.option("--list", "as_list", is_flag=True, help="All of it as JSON; so it is without an option, too.")
@click.option("--host", metavar="NAME", help="The variables of one host, whatever the limit.")
@click.option("--graph", is_flag=True, help="The tree of GROUP, else of all groups, whatever the limit.")
@click.option("--vars", "variables", is_flag=True, help="With --graph: variables, too.")
@click.option("-y", "--yaml", is_flag=True, help="YAML instead of JSON.")
@click.option("--export", is_flag=True, help="Each variable where it is set, at a group or at a host.")
@click.option("--output", "file", metavar="FILE", help="Write it to FILE instead of showing it.")
@click.option(
    "--playbook-dir", default=".", metavar="FOLDER", help="Its group_vars and host_vars count, too."
)
def inventory(group: str | None, **given: Any) -> int:
    """Show the hosts, groups and variables of an inventory. What has the name of a secret is masked."""
    from .inventory_graph import as_graph
    from .inventory_list import as_host, as_json, as_yaml

    _check(group, given)
    view = _view(given)
    if given["host"] is not None:
        text = as_host(view, given["host"], yaml=given["yaml"])
    elif given["graph"]:
        text = as_graph(view, group, variables=given["variables"])
    else:
        text = (as_yaml if given["yaml"] else as_json)(view, given["limit"])
    _tell(text, given["file"])
    return DONE


def _tell(text: str, file: str | None) -> None:
    if file is None:
        click.echo(text)
        return
    try:
        Path(file).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The inventory can't be written to {file}: {error.strerror}") from error


def _check(group: str | None, given: Mapping[str, Any]) -> None:
    if given["as_list"] + given["graph"] + (given["host"] is not None) > 1:
        raise UsageError("Only one of --list, --graph and --host can be shown at a time")
    if group is not None and not given["graph"]:
        raise UsageError(
            f"'{group}' is for --graph only",
            hint=f"--graph {group} draws the group, -l {group} lists its hosts.",
        )


def _view(given: Mapping[str, Any]) -> View:
    from .assembly import reach
    from .cli_extra_vars import read_extra_vars
    from .inventory import load_inventory
    from .inventory_view import View
    from .registry import Registry

    def warn(problem: Problem) -> None:
        click.echo(str(problem), err=True)

    vault = opened_vault(given_options(given))
    found = load_inventory(
        inventory_sources(given["inventory"]),
        playbook_dir=given["playbook_dir"],
        warn=warn,
        vault=vault,
        reach=reach(Registry()),
    )
    extra = read_extra_vars(given["extra_vars"], vault).values
    return View(inventory=found, extra_vars=extra, export=given["export"])
