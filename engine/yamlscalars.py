"""YAML's plain scalars as Python values; numbers remember a text that is not their usual one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from .values import SourceFloat, SourceInt

TAG = "tag:yaml.org,2002:"


def _int(constructor: SafeConstructor, node: yaml.ScalarNode) -> int:
    text: str = node.value
    if text.isdecimal() and text.isascii() and text[0] != "0":
        return int(text)
    value: int = constructor.construct_yaml_int(node)
    return value if str(value) == node.value else SourceInt(value, node.value)


def _float(constructor: SafeConstructor, node: yaml.ScalarNode) -> float:
    value: float = constructor.construct_yaml_float(node)
    return value if str(value) == node.value else SourceFloat(value, node.value)


def _date(constructor: SafeConstructor, node: yaml.ScalarNode) -> dt.date:
    made: dt.date = constructor.construct_yaml_timestamp(node)
    return made


SCALARS: Mapping[str, Callable[[SafeConstructor, yaml.ScalarNode], Any]] = {
    f"{TAG}null": lambda _constructor, _node: None,
    f"{TAG}bool": lambda constructor, node: constructor.construct_yaml_bool(node),
    f"{TAG}int": _int,
    f"{TAG}float": _float,
    f"{TAG}timestamp": _date,
    f"{TAG}binary": lambda constructor, node: constructor.construct_yaml_binary(node),
}
