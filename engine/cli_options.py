"""The options of the command line, as Ansible users know them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from .cli_ansible import ansible_options
from .cli_vault_options import vault_options

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_STATE = Path(".runbook/state.db")
SANDBOX_INVENTORY = Path("inventory/sandbox.yml")
FORKS = 50


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several click options as one decorator, in the order in which they are written."""

    def wrap(function: F) -> F:
        for decorate in reversed(decorators):
            function = decorate(function)
        return function

    return wrap


inventory_options: Callable[[F], F] = options(
    click.option(
        "-i", "--inventory", "inventory", multiple=True, metavar="PATH|HOSTS,",
        help="Inventory file or folder, or a comma list of hosts. Default: the sandbox.",
    ),
    click.option("-l", "--limit", default="", metavar="PATTERN", help="Only these hosts."),
)  # fmt: skip

extra_vars_option: Callable[[F], F] = click.option(
    "-e", "--extra-vars", multiple=True, metavar="NAME=VALUE|YAML|@FILE",
    help="Variables that win over all others.",
)  # fmt: skip

world_options: Callable[[F], F] = options(
    click.option(
        "-c", "--connection", type=click.Choice(["local", "ssm"]),
        help="Where commands run of hosts for which nothing else says it.",
    ),
    click.option(
        "-M", "--module-path", multiple=True, metavar="FOLDER", envvar="ANSIBLE_LIBRARY",
        help="More modules are here; `library` beside the playbook needs no word.",
    ),
    click.option(
        "--roles-path", multiple=True, metavar="FOLDER", envvar=["RUNBOOK_ROLES_PATH", "ANSIBLE_ROLES_PATH"],
        help="More roles are here; `roles` beside the playbook needs no word.",
    ),
    click.option(
        "--force-handlers", is_flag=True, envvar="ANSIBLE_FORCE_HANDLERS",
        help="Run notified handlers on hosts that failed, too.",
    ),
    ansible_options,
)  # fmt: skip

selection_options: Callable[[F], F] = options(
    click.option(
        "-t",
        "--tags",
        multiple=True,
        metavar="TAGS",
        envvar="ANSIBLE_RUN_TAGS",
        help="Only tasks with these tags.",
    ),
    click.option(
        "--skip-tags",
        multiple=True,
        metavar="TAGS",
        envvar="ANSIBLE_SKIP_TAGS",
        help="Not the tasks with these tags.",
    ),
    click.option("--start-at-task", metavar="NAME", help="Begin at the task with this name."),
)

state_option: Callable[[F], F] = click.option(
    "--state", type=click.Path(path_type=Path, dir_okay=False), envvar="RUNBOOK_STATE",
    default=DEFAULT_STATE, show_default=True, help="The state file.",
)  # fmt: skip

output_option: Callable[[F], F] = click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", help="For people or for programs."
)

report_options: Callable[[F], F] = options(
    click.option(
        "-D", "--diff", is_flag=True, envvar="ANSIBLE_DIFF_ALWAYS", help="Show every change field by field."
    ),
    click.option(
        "-v", "--verbose", count=True, envvar="ANSIBLE_VERBOSITY", help="Show results; more often: more."
    ),
    output_option,
)

run_options: Callable[[F], F] = options(
    click.option(
        "-f", "--forks", type=click.IntRange(1), default=FORKS, show_default=True, envvar="ANSIBLE_FORKS",
        help="How many steps may work at once; those that only wait do not count.",
    ),
    click.option(
        "--assume", multiple=True, metavar="[TASK=]done|not-done",
        help="Answer for commands of which nothing can tell whether they ran, for all or for one task.",
    ),
)  # fmt: skip

edits_option: Callable[[F], F] = click.option(
    "--yes", is_flag=True,
    help="Finished steps that were edited since may remove or replace things without a question.",
)  # fmt: skip

step_option: Callable[[F], F] = click.option("--step", is_flag=True, help="Ask before each task.")

list_options: Callable[[F], F] = options(
    click.option("--list-tasks", is_flag=True, help="List the tasks, run nothing."),
    click.option("--list-hosts", is_flag=True, help="List the hosts of each play, run nothing."),
    click.option("--list-tags", is_flag=True, help="List the tags, run nothing."),
    click.option("--syntax-check", is_flag=True, help="Check what can be known without running."),
)


playbook_options: Callable[[F], F] = options(
    inventory_options, extra_vars_option, vault_options, selection_options, world_options
)
"""What a command takes that goes through a playbook."""


def inventory_sources(given: Sequence[str]) -> tuple[str, ...]:
    """What `-i` says, else RUNBOOK_INVENTORY or ANSIBLE_INVENTORY, else the sandbox's inventory when it is here."""
    if given:
        return tuple(given)
    named = os.environ.get("RUNBOOK_INVENTORY")
    if named:
        return (named,)
    listed = os.environ.get("ANSIBLE_INVENTORY", "")
    if listed:
        return (listed,) if listed.endswith(",") else tuple(filter(None, listed.split(",")))
    return (str(SANDBOX_INVENTORY),) if SANDBOX_INVENTORY.is_file() else ()
