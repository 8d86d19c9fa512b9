"""`runbook schema`: JSON Schema (2020-12) of the files that an operator writes, for editors, and of what `runs`,
`show` and `plan` tell programs.

Made from what the loader itself reads by (the tables of keywords with their readers, and the modules' Params) and
from the types that are written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from . import plan_document, runs_list, show_json
from .errors import ContractError
from .inventory_text import GROUP_KEYS
from .keyword_schema import NAME, TEXT
from .keywords import KEYWORDS, NEEDED, STRUCTURE
from .loader_reuse import INCLUDES
from .lookups import LOOKUPS
from .params_schema import DIALECT, Schema, any_of, arguments
from .registry import Registry

_PREFIXES = ("", "ansible.builtin.", "ansible.legacy.")
_LOOPS = ("items", "list", *LOOKUPS)
_IMPORTS: Mapping[str, str] = {"import_tasks": "file", "import_role": "name"}
"""What the loader follows itself, with the argument that is needed."""

Definitions: TypeAlias = dict[str, Schema]


def playbook(registry: Registry) -> Schema:
    """A playbook: plays and imports of playbooks."""
    shared = _definitions(registry)
    shared["play"] = _play()
    shared["import_playbook"] = _import_playbook()
    item = _choose(("import_playbook", *_named("import_playbook")[1:]), "import_playbook", _ref("play"))
    return _document("A playbook", {"type": "array", "items": item, "minItems": 1}, shared)


def tasks(registry: Registry) -> Schema:
    """A file of tasks, as `include_tasks`, `import_tasks` and roles name it."""
    return _document(
        "A file of tasks", {"type": ["array", "null"], "items": _ref("node")}, _definitions(registry)
    )


def variables(_registry: Registry) -> Schema:
    """A file of variables: `vars_files`, `group_vars`, `host_vars`, `vars` and `defaults` of roles."""
    return _document("A file of variables", {"type": ["object", "null"], "propertyNames": NAME}, {})


def inventory(_registry: Registry) -> Schema:
    """An inventory in YAML."""
    hosts = {"type": ["object", "null"], "additionalProperties": {"type": ["object", "null"]}}
    parts = {
        "hosts": hosts,
        "children": {"type": ["object", "null"], "additionalProperties": _ref("group")},
        "vars": {"type": ["object", "null"]},
    }
    known = {name: parts.get(name, {}) for name in GROUP_KEYS}
    group = {"type": ["object", "null"], "properties": known, "additionalProperties": False}
    return _document(
        "An inventory", {"type": "object", "additionalProperties": _ref("group")}, {"group": group}
    )


SCHEMAS: Mapping[str, Callable[[Registry], Schema]] = {
    "playbook": playbook,
    "tasks": tasks,
    "inventory": inventory,
    "vars": variables,
    "runs": lambda _registry: {"$schema": DIALECT, "title": "The runs of a state file", **runs_list.schema()},
    "run": lambda _registry: {"$schema": DIALECT, "title": "A run of a state file", **show_json.schema()},
    "plan": lambda _registry: {"$schema": DIALECT, "title": "A plan", **plan_document.schema()},
}
"""By the word of the command line."""


def _document(title: str, schema: Schema, definitions: Definitions) -> Schema:
    return {
        "$schema": DIALECT,
        "title": title,
        **schema,
        **({"$defs": definitions} if definitions else {}),
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _choose(keys: tuple[str, ...], then: str, otherwise: Schema) -> Schema:
    """Which of two it is shows by a key, so that an editor complains about that one only."""
    has = {"anyOf": [{"required": [key]} for key in keys]} if len(keys) > 1 else {"required": [keys[0]]}
    return {"if": has, "then": _ref(then), "else": otherwise}


def _named(name: str) -> tuple[str, ...]:
    return tuple(prefix + name for prefix in _PREFIXES)


# ---------------------------------------------------------------- plays


def _play() -> Schema:
    sections = {name: {"type": ["array", "null"], "items": _ref("node")} for name in STRUCTURE["play"]}
    sections["handlers"] = {"type": ["array", "null"], "items": _ref("handler_node")}
    sections["roles"] = {"type": ["array", "null"], "items": _role()}
    return {
        "type": "object",
        "properties": {**_keywords("play"), **sections},
        "required": ["hosts"],
        "additionalProperties": False,
    }


def _role() -> Schema:
    """A role that a play names: its keywords are those of a block, all others are its parameters."""
    named = {**_keywords("block"), "role": TEXT, "name": TEXT}
    mapping = {
        "type": "object",
        "properties": named,
        "anyOf": [{"required": ["role"]}, {"required": ["name"]}],
    }
    return {"anyOf": [TEXT, mapping]}


def _import_playbook() -> Schema:
    name = {"type": "string", "description": "Plays of another playbook, read before the run."}
    return {
        "type": "object",
        "properties": {**_keywords("import"), **dict.fromkeys(_named("import_playbook"), name)},
        "additionalProperties": False,
    }


def _keywords(place: str) -> dict[str, Any]:
    """The keywords of a place. One without a value is as if it were not written."""
    return {
        name: any_of(dict(one.read.schema), *([] if name in NEEDED else [{"type": "null"}]))
        for name, one in KEYWORDS.items()
        if place in one.places
    }


# ---------------------------------------------------------------- tasks


def _definitions(registry: Registry) -> Definitions:
    modules, short = _modules(registry)
    made: Definitions = {**modules}
    for place, prefix in (("task", ""), ("handler", "handler_")):
        made[place] = _task(place, short)
        made[f"{prefix}block"] = _block(f"{prefix}node")
        node = _choose(("block",), f"{prefix}block", _ref(place))
        made[f"{prefix}node"] = node
    return made


def _modules(registry: Registry) -> tuple[Definitions, dict[str, Schema]]:
    """The arguments of all modules, and what may stand behind each name in a task."""
    definitions: Definitions = {}
    short: dict[str, Schema] = {}
    for name in sorted(registry.names()):
        try:
            module = registry.get(name)
        except ContractError:  # told when a playbook calls it
            continue
        taken = arguments(module.Params)
        if name in INCLUDES:
            taken["properties"]["apply"] = _apply()
        about = (type(module).__doc__ or "").strip().partition("\n")[0]
        # Free-form text, `key=value` text, and nothing where `args:` or defaults of modules give it.
        call = {"description": about, "anyOf": [taken, {"type": ["string", "null"]}]}
        definitions[f"call.{name}"] = call
        short.update(dict.fromkeys(_named(name), _ref(f"call.{name}")))
    for name, argument in _IMPORTS.items():
        if name not in short:
            mapping = {"type": "object", "required": [argument]}
            imported = {"description": "Read before the run.", "anyOf": [{"type": "string"}, mapping]}
            short.update(dict.fromkeys(_named(name), imported))
    return definitions, short


def _apply() -> Schema:
    """Keywords that all included tasks get."""
    return {"type": ["object", "null"], "properties": _keywords("block"), "additionalProperties": False}


def _task(place: str, modules: Mapping[str, Schema]) -> Schema:
    action = {
        "anyOf": [{"type": "string"}, {"type": "object", "required": ["module"]}],
        "description": "An old form: write the module as a key.",
    }
    calls: dict[str, Schema] = {**modules, "action": action, "local_action": action}
    loops: dict[str, Schema] = {f"with_{prefix}{name}": {} for prefix in _PREFIXES for name in _LOOPS}
    return {
        "type": "object",
        "properties": {**_keywords(place), **loops, **calls},
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in calls],
    }


def _block(node: str) -> Schema:
    sections = {name: {"type": ["array", "null"], "items": _ref(node)} for name in STRUCTURE["block"]}
    return {
        "type": "object",
        "properties": {**_keywords("block"), **sections},
        "required": ["block"],
        "additionalProperties": False,
    }
