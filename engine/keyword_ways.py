"""Keywords about how and where a play is run: what works, what does nothing here, and what is refused by name."""

from __future__ import annotations

import yaml

from .errors import nearest
from .keyword_schema import FLAG, MAPPINGS, PERCENTAGE, TEXTS, Warn, or_template, reads
from .keyword_values import number, read_flag, read_texts, wrong
from .model import Value
from .values import Template
from .yamlfile import Entry, YamlFile

CONNECTIONS = ("local", "ssm")
STRATEGIES = ("linear", "free", "host_pinned", "debug")
"""`debug` is linear with a debugger, which nobody has here."""
ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")
_PREFIXES = ("ansible.builtin.", "ansible.legacy.")
_LOG_IN = "runbook does not log in to hosts. Use 'connection: ssm' (AWS Systems Manager), which runs as root."


def _named(words: tuple[str, ...]) -> list[str]:
    return [prefix + word for prefix in ("", *_PREFIXES) for word in words]


def short(name: str) -> str:
    """A plugin's name without the prefix of Ansible's own collection."""
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


@reads(or_template({"enum": _named(CONNECTIONS)}))
def read_connection(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """A way to hosts, or a template of one."""
    return _word(file, entry, CONNECTIONS, _LOG_IN)


@reads(or_template({"enum": _named(STRATEGIES)}))
def read_strategy(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """How the hosts of a play go on beside each other."""
    value = _word(file, entry, STRATEGIES, None)
    return "linear" if value == "debug" else value


@reads(or_template({"enum": list(ORDERS)}))
def read_order(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """In which order the hosts of a play come."""
    return _word(file, entry, ORDERS, None)


@reads(TEXTS)
def read_hosts(file: YamlFile, entry: Entry, warn: Warn) -> tuple[Value, ...]:
    """Patterns of hosts, at least one."""
    found: tuple[Value, ...] = read_texts(file, entry, warn)
    if not found and not file.problems:
        file.problem("'hosts' is empty", entry.node, "Say where it plays: 'hosts: localhost'.")
    return found


@reads(or_template({"type": "number"}))
def read_signed(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """A number, or a template of one; what is below 0 means the least there is."""
    return number(file, entry, "a number", lambda _: True)


def _word(file: YamlFile, entry: Entry, words: tuple[str, ...], otherwise: str | None) -> Value:
    value = file.value(entry.node)
    if isinstance(value, Template):
        return value
    if isinstance(value, str) and short(value) in words:
        return short(value)
    wrong(file, entry, "one of: " + ", ".join(words), hint=nearest(str(value), words) or otherwise)
    return None


@reads(FLAG)
def read_become(file: YamlFile, entry: Entry, warn: Warn) -> Value:
    """Nothing becomes another user here: only `false` means what it says."""
    value = read_flag(file, entry, warn)
    if value is not None and value is not False:
        file.problem(f"'{entry.key}' is not supported", entry.position, _LOG_IN)
    return False


@reads(PERCENTAGE)
def read_percentage(file: YamlFile, entry: Entry, _warn: Warn) -> Value:
    """A share of the hosts, with or without the sign, or a template of it."""
    value = file.value(entry.node)
    if isinstance(value, Template):
        return value
    try:
        number = float(str(value).strip().removesuffix("%"))
    except ValueError:
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < float("inf"):
        wrong(file, entry, "a percentage")
        return None
    return number


@reads(MAPPINGS)
def read_module_defaults(file: YamlFile, entry: Entry, _warn: Warn) -> tuple[Value, ...]:
    """Mappings of a module, or `group/NAME`, to arguments: one or a list of them."""
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    found = []
    for node in nodes:
        value = file.value(node)
        if isinstance(value, Template) or (isinstance(value, dict) and all(map(_arguments, value.values()))):
            found.append(value)
        else:
            wrong(file, entry, "a mapping of modules to their arguments", node)
    return tuple(found)


def _arguments(value: Value) -> bool:
    return value is None or isinstance(value, dict | Template)
