"""`vars_prompt`: what a question to the person at the terminal may say."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from .errors import nearest
from .keyword_schema import Reader, Warn, one_or_list, reads
from .keyword_values import read_any, read_flag, read_number, read_text, read_variable
from .model import Value
from .yamlfile import Entry, YamlFile

PROMPT: Mapping[str, Reader] = {
    "name": read_variable,
    "prompt": read_text,
    "default": read_any,
    "private": read_flag,
    "confirm": read_flag,
    "encrypt": read_text,
    "salt": read_text,
    "salt_size": read_number,
    "unsafe": read_flag,
}


_QUESTION = {
    "type": "object",
    "properties": {name: reader.schema for name, reader in PROMPT.items()},
    "required": ["name"],
    "additionalProperties": False,
}


@reads(one_or_list(_QUESTION))
def read_prompts(file: YamlFile, entry: Entry, warn: Warn) -> tuple[Mapping[str, Value], ...]:
    """Questions, each a mapping with a `name`; one may stand without the list."""
    nodes = entry.node.value if isinstance(entry.node, yaml.SequenceNode) else [entry.node]
    return tuple(_prompt(file, node, warn) for node in nodes)


def _prompt(file: YamlFile, node: yaml.Node, warn: Warn) -> Mapping[str, Value]:
    found: dict[str, Value] = {}
    for inner in file.entries(node, "A question of 'vars_prompt'"):
        read = PROMPT.get(inner.key)
        if read is None:
            hint = nearest(inner.key, PROMPT) or "It takes: " + ", ".join(PROMPT)
            file.problem(f"'vars_prompt' takes no '{inner.key}'", inner.position, hint)
        else:
            found[inner.key] = read(file, inner, warn)
    if "name" not in found and isinstance(node, yaml.MappingNode):
        file.problem("This question has no 'name'", node, "It is the variable that gets the answer.")
    return found
