"""YAML text as Ansible writes it. Imports PyYAML: only for who needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from .values import SourceFloat, SourceInt

_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Dumper(_Base):  # type: ignore[misc]
    """The safe one, for all that a variable may hold."""


def _mapping(dumper: yaml.SafeDumper, value: Mapping[Any, Any]) -> yaml.Node:
    return dumper.represent_dict(dict(value))


def _list(dumper: yaml.SafeDumper, value: Any) -> yaml.Node:
    return dumper.represent_list(list(value))


Dumper.add_multi_representer(Mapping, _mapping)
Dumper.add_multi_representer(str, lambda dumper, value: dumper.represent_str(str(value)))
Dumper.add_multi_representer(tuple, _list)
Dumper.add_representer(range, _list)
Dumper.add_representer(SourceInt, lambda dumper, value: dumper.represent_int(int(value)))
Dumper.add_representer(SourceFloat, lambda dumper, value: dumper.represent_float(float(value)))


def dump(value: Any, **options: Any) -> str:
    """The value's text; a bare scalar has no end mark behind it."""
    text = str(yaml.dump(value, **{"allow_unicode": True, **options}))
    return text.removesuffix("...\n") if text.endswith("\n...\n") else text
