"""CloudFormation templates: read, compared, and held against the parameters that are given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from runbook.errors import Failed, nearest

MOST_BYTES = 51_200
"""Of a template in a call; a longer one has to lie in S3."""

MASKED = "****"
"""What CloudFormation tells of a parameter with NoEcho."""


class _Tagged(yaml.SafeLoader):
    """Reads `!Ref x`, `!GetAtt a.b` and their like as their long forms, so that both compare as equal."""


def _long_form(loader: _Tagged, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 (YAML has no fourth kind)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


def _as_text(loader: _Tagged, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101 (a date is a scalar)
    return loader.construct_scalar(node)


_Tagged.add_multi_constructor("!", _long_form)
_Tagged.add_constructor("tag:yaml.org,2002:timestamp", _as_text)


def parse(template: str, path: str) -> Mapping[str, Any]:
    """A template's content. Raises Failed when it is none."""
    try:
        # JSON may be indented by tabs, which YAML does not take.
        is_json = template.lstrip().startswith("{")
        found = json.loads(template) if is_json else yaml.load(template, _Tagged)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        said = re.sub(r"\s+", " ", str(error))
        raise Failed(f"The template {path} is no YAML or JSON: {said}") from error
    if not isinstance(found, Mapping) or not isinstance(found.get("Resources"), Mapping):
        raise Failed(f"The template {path} has no `Resources`.")
    return found


def declared(template: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The parameters that a template declares."""
    found = template.get("Parameters") or {}
    return {name: told or {} for name, told in found.items()}


def hidden(template: Mapping[str, Any]) -> frozenset[str]:
    """Parameters whose values CloudFormation never tells: whether they differ can't be seen."""
    return frozenset(n for n, told in declared(template).items() if str(told.get("NoEcho")).lower() == "true")


def check_parameters(
    template: Mapping[str, Any], given: Mapping[str, Any], known: Mapping[str, Any], path: str
) -> None:
    """Raise Failed for parameters that the template does not declare, and for those that nobody gives a value."""
    there = declared(template)
    for name in given:
        if name not in there:
            raise Failed(f"The template {path} has no parameter '{name}'.", hint=nearest(name, there))
    lacking = [n for n, told in there.items() if "Default" not in told and n not in given and n not in known]
    if lacking:
        raise Failed(f"The template {path} needs a value for: {', '.join(sorted(lacking))}.")


def changed_parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Resources that differ between two templates, with a sign for what happens to them; other sections by name."""
    old, new = before["Resources"], after["Resources"]
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old:
            yield f"+{name}"
        elif name not in new:
            yield f"-{name}"
        elif old[name] != new[name]:
            yield f"~{name}"
    for section in dict.fromkeys([*after, *before]):
        if section != "Resources" and before.get(section) != after.get(section):
            yield section
