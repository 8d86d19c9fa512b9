"""`runbook inventory`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .cli_codes import DONE
from .cli_options import inventory_options, inventory_sources
from .cli_vault_options import given_options, opened_vault, vault_options
from .errors import Problem

if TYPE_CHECKING:  # imported when a command needs it: `runbook --version` is to answer at once
    from .model import Inventory


@click.command()
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
