"""What an editor is told of a keyword's value: a reader of values carries its JSON Schema, so that the two can't
drift apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from .errors import Problem
from .yamlfile import Entry, YamlFile

Warn: TypeAlias = Callable[[Problem], None]
Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the value of a keyword: from a node of YAML to what the model holds, problems noted."""

    read: Callable[[YamlFile, Entry, Warn], Any]
    schema: Schema

    def __call__(self, file: YamlFile, entry: Entry, warn: Warn) -> Any:
        return self.read(file, entry, warn)


def reads(schema: Schema) -> Callable[[Callable[[YamlFile, Entry, Warn], Any]], Reader]:
    """Make a function a reader of values that fit the schema."""
    return lambda read: Reader(read, schema)


ANY: Final[Schema] = {}
TEMPLATE: Final[Schema] = {"type": "string", "pattern": r"\{\{|\{%"}
TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}
"""Numbers and words that YAML takes for others are taken as they are written."""


def one_or_list(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": schema}]}


def or_template(*schemas: Schema) -> Schema:
    return {"anyOf": [*schemas, TEMPLATE]}


TEXTS: Final = one_or_list(TEXT)
NAME: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
VARS: Final[Schema] = {"type": "object", "propertyNames": NAME}
FLAG: Final = or_template(
    {"type": "boolean"},
    {"enum": ["yes", "no", "true", "false", "on", "off", "y", "n", "True", "False", "1", "0", 1, 0]},
)
NUMBER: Final = or_template({"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\s*[\d.]"})
PERCENTAGE: Final = or_template(
    {"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\s*[\d.]+\s*%?\s*$"}
)
SIZES: Final = one_or_list(
    or_template({"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+%?$"})
)
EXPRESSIONS: Final = one_or_list({"type": ["string", "boolean", "number"]})
MAPPINGS: Final = one_or_list(or_template({"type": "object"}))
