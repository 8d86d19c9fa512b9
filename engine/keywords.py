"""The keywords of plays, blocks and tasks: where each may stand and how its value is read.

To add a keyword is to add a line to `KEYWORDS` and a field to the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import nearest
from .keyword_prompts import read_prompts
from .keyword_values import (
    Reader,
    Warn,
    choice,
    read_any,
    read_arguments,
    read_aws,
    read_environment,
    read_expressions,
    read_files,
    read_flag,
    read_items,
    read_listen,
    read_number,
    read_own_vars,
    read_serial,
    read_tags,
    read_text,
    read_texts,
    read_variable,
    read_variable_or_template,
    settings,
)
from .keyword_ways import (
    read_become,
    read_connection,
    read_hosts,
    read_module_defaults,
    read_order,
    read_percentage,
    read_signed,
    read_strategy,
)
from .lookups import LOOKUPS
from .yamlfile import Entry, YamlFile, is_null


@dataclass(frozen=True, slots=True)
class Keyword:
    """Where a keyword may stand, and how its value is read."""

    read: Reader
    places: frozenset[str]


PLACES = ("play", "block", "task", "handler", "import")
_WORK = frozenset({"task", "handler"})
_INHERITED = frozenset({"play", "block", "task", "handler"})
_GROUPED = frozenset({"block", "task", "handler"})
_PLAY = frozenset({"play"})
_EVERYWHERE = frozenset(PLACES)

LOOP_CONTROL: Mapping[str, Reader] = {
    "loop_var": read_variable_or_template,
    "index_var": read_variable_or_template,
    "label": read_any,
    "pause": read_number,
    "extended": read_flag,
    "extended_allitems": read_flag,
    "break_when": read_expressions,
}

KEYWORDS: Mapping[str, Keyword] = {
    "name": Keyword(read_text, _EVERYWHERE),
    "tags": Keyword(read_tags, _EVERYWHERE),
    "vars": Keyword(read_own_vars, _EVERYWHERE),
    "when": Keyword(read_expressions, _GROUPED | {"import"}),
    "environment": Keyword(read_environment, _INHERITED),
    "ignore_errors": Keyword(read_flag, _INHERITED),
    "no_log": Keyword(read_flag, _INHERITED),
    "run_once": Keyword(read_flag, _INHERITED),
    "check_mode": Keyword(read_flag, _INHERITED),
    "connection": Keyword(read_connection, _INHERITED),
    "aws": Keyword(read_aws, _INHERITED),
    "rerun": Keyword(choice("safe", "never", "ask"), _INHERITED),
    "diff": Keyword(read_flag, _INHERITED),
    "timeout": Keyword(read_number, _INHERITED),
    "throttle": Keyword(read_number, _INHERITED),
    "ignore_unreachable": Keyword(read_flag, _INHERITED),
    "any_errors_fatal": Keyword(read_flag, _INHERITED),
    "module_defaults": Keyword(read_module_defaults, _INHERITED),
    "become": Keyword(read_become, _INHERITED),
    "become_user": Keyword(read_any, _INHERITED),
    "become_method": Keyword(read_any, _INHERITED),
    "become_flags": Keyword(read_any, _INHERITED),
    "become_exe": Keyword(read_any, _INHERITED),
    "remote_user": Keyword(read_any, _INHERITED),
    "port": Keyword(read_any, _INHERITED),
    "collections": Keyword(read_any, _INHERITED),
    "debugger": Keyword(read_any, _INHERITED),
    "delegate_facts": Keyword(read_flag, _GROUPED),
    "delegate_to": Keyword(read_text, _GROUPED),
    "notify": Keyword(read_texts, _GROUPED),
    "args": Keyword(read_arguments, _WORK),
    "register": Keyword(read_variable, _WORK),
    "loop": Keyword(read_items, _WORK),
    "loop_control": Keyword(settings(LOOP_CONTROL), _WORK),
    "until": Keyword(read_expressions, _WORK),
    "retries": Keyword(read_signed, _WORK),
    "delay": Keyword(read_signed, _WORK),
    "async": Keyword(read_number, _WORK),
    "poll": Keyword(read_number, _WORK),
    "changed_when": Keyword(read_expressions, _WORK),
    "failed_when": Keyword(read_expressions, _WORK),
    "listen": Keyword(read_listen, frozenset({"handler"})),
    "hosts": Keyword(read_hosts, _PLAY),
    "vars_files": Keyword(read_files, _PLAY),
    "vars_prompt": Keyword(read_prompts, _PLAY),
    "serial": Keyword(read_serial, _PLAY),
    "strategy": Keyword(read_strategy, _PLAY),
    "max_fail_percentage": Keyword(read_percentage, _PLAY),
    "force_handlers": Keyword(read_flag, _PLAY),
    "gather_facts": Keyword(read_flag, _PLAY),
    "gather_subset": Keyword(read_texts, _PLAY),
    "gather_timeout": Keyword(read_number, _PLAY),
    "fact_path": Keyword(read_text, _PLAY),
    "order": Keyword(read_order, _PLAY),
}

STRUCTURE: Mapping[str, frozenset[str]] = {
    "play": frozenset({"pre_tasks", "roles", "tasks", "post_tasks", "handlers"}),
    "block": frozenset({"block", "rescue", "always"}),
    "import": frozenset({"import_playbook"}),
}
"""Keys that hold other nodes."""

INSTEAD: Mapping[str, str] = {
    "include": "Use 'import_tasks' (read before the run) or 'include_tasks' (read when its turn comes).",
}
"""Ansible's keywords that runbook will not have, and what to write instead."""

LATER: Mapping[str, str | None] = {
    "first_available_file": "Use 'with_first_found'.",
}
"""Ansible's keywords that runbook does not have yet."""


def known_at(place: str) -> list[str]:
    """All keywords that may stand at a place: play, block, task, handler, import."""
    own = [name for name, one in KEYWORDS.items() if place in one.places]
    if place in _WORK:
        own += [f"with_{name}" for name in ("items", "list", *LOOKUPS)]
    return own + sorted(STRUCTURE.get(place, ()))


def unknown_keyword(file: YamlFile, entry: Entry, place: str, module: Entry | None = None) -> None:
    """Note the problem of a key that can't stand at a place; `module`: the module key of the same task."""
    what = "an import_playbook" if place == "import" else f"a {place}"
    if entry.key in INSTEAD:
        file.problem(f"'{entry.key}' is not supported", entry.position, INSTEAD[entry.key])
    elif entry.key in KEYWORDS or entry.key in STRUCTURE["play"]:
        file.problem(
            f"'{entry.key}' can't stand in {what}", entry.position, _MISPLACED.get((place, entry.key))
        )
    elif entry.key in LATER:
        file.problem(f"'{entry.key}' is not supported yet", entry.position, LATER[entry.key])
    else:
        hint = nearest(entry.key, known_at(place))
        if hint is None and module is not None and is_null(module.node):
            hint = f"If it is an argument of '{module.key}', indent it deeper."
        file.problem(f"'{entry.key}' is no keyword of {what}", entry.position, hint)


_MISPLACED: Mapping[tuple[str, str], str] = {
    ("block", "loop"): "Put the tasks into a file and loop over include_tasks.",
    ("block", "register"): "Register the result of a task in it.",
    ("block", "until"): "Put it on the tasks; a block is not repeated.",
    ("block", "retries"): "Put it on the tasks; a block is not repeated.",
    ("play", "when"): "Put it on the tasks, or on a block around them.",
    ("play", "register"): "Put it on a task.",
    ("task", "listen"): "Only handlers listen.",
    ("task", "hosts"): "Hosts belong to a play; use 'delegate_to' for one task on another host.",
}


NEEDED = frozenset({"hosts", "loop"})
"""Keywords that can't be left empty; the others are then as if they were not written."""


def read_keywords(
    file: YamlFile, entries: Iterable[Entry], place: str, warn: Warn
) -> tuple[dict[str, Any], list[Entry]]:
    """Read the keywords that may stand at a place; the entries that are none of them come back."""
    found: dict[str, Any] = {}
    others = []
    for entry in entries:
        one = KEYWORDS.get(entry.key)
        if one is None or place not in one.places:
            others.append(entry)
        elif not is_null(entry.node) or entry.key in NEEDED:
            found[entry.key] = one.read(file, entry, warn)
    return found, others
