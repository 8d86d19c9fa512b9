"""The options of the command line, as Ansible users know them, and what they are read into."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from .errors import Position, UsageError
from .loader_call import split_words, unquote
from .model import Value
from .source import Source
from .tags import Tags
from .varfiles import load_vars, vars_of
from .yamlfile import YamlFile, settle

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_STATE = Path(".runbook/state.db")
SANDBOX_INVENTORY = Path("inventory/sandbox.yml")


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
    click.option(
        "-e", "--extra-vars", multiple=True, metavar="NAME=VALUE|YAML|@FILE",
        help="Variables that win over all others.",
    ),
)  # fmt: skip

selection_options: Callable[[F], F] = options(
    click.option("-t", "--tags", multiple=True, metavar="TAGS", help="Only tasks with these tags."),
    click.option("--skip-tags", multiple=True, metavar="TAGS", help="Not the tasks with these tags."),
    click.option("--start-at-task", metavar="NAME", help="Begin at the task with this name."),
)

state_option: Callable[[F], F] = click.option(
    "--state", type=click.Path(path_type=Path, dir_okay=False), envvar="RUNBOOK_STATE",
    default=DEFAULT_STATE, show_default=True, help="The state file.",
)  # fmt: skip

output_options: Callable[[F], F] = options(
    click.option("-D", "--diff", is_flag=True, help="Show every change field by field."),
    click.option("-v", "--verbose", count=True, help="Show results; more often: more."),
    click.option(
        "--output", type=click.Choice(["text", "json"]), default="text", help="For people or for programs."
    ),
)

run_options: Callable[[F], F] = options(
    click.option(
        "-f", "--forks", type=click.IntRange(1), default=50, show_default=True,
        help="How many steps may work at once; those that only wait do not count.",
    ),
    click.option(
        "--assume", type=click.Choice(["done", "not-done"]),
        help="Answer for commands of which nothing can tell whether they ran.",
    ),
)  # fmt: skip


def extra_vars(given: Sequence[str]) -> dict[str, Value]:
    """`-e` in all its forms: `name=value name2=value`, a YAML or JSON mapping, `@file`. The last one wins."""
    merged: dict[str, Value] = {}
    for text in given:
        merged.update(_extra(text))
    return merged


def _extra(text: str) -> Mapping[str, Value]:
    if text.startswith("@"):
        return load_vars(text[1:])
    file = YamlFile(Source("-e", text))
    if text.lstrip().startswith(("{", "-", "[")) or (": " in text and "=" not in text.split(": ")[0]):
        found = vars_of(file)
        settle([file])
        return found
    if "=" not in text:
        raise UsageError(f"-e {text!r} is no variable", hint="Write name=value, {name: value} or @file.")
    return dict(_pair(file, word) for word in split_words(text) or [text])


def _pair(file: YamlFile, word: str) -> tuple[str, Value]:
    name, _, value = word.strip().partition("=")
    return name, file.text(unquote(value), Position("-e", 1, 1))


def tags(only: Sequence[str], skip: Sequence[str]) -> Tags:
    """`-t a,b -t c` as one set."""
    wanted = _names(only) or frozenset({"all"})
    return Tags(only=wanted, skip=_names(skip))


def _names(given: Sequence[str]) -> frozenset[str]:
    return frozenset(name.strip() for text in given for name in text.split(",") if name.strip())


def inventory_sources(given: Sequence[str]) -> tuple[str, ...]:
    """What `-i` says, else RUNBOOK_INVENTORY, else the sandbox's inventory when it stands here."""
    if given:
        return tuple(given)
    named = os.environ.get("RUNBOOK_INVENTORY")
    if named:
        return (named,)
    return (str(SANDBOX_INVENTORY),) if SANDBOX_INVENTORY.is_file() else ()
