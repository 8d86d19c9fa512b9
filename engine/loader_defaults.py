"""`module_defaults`: arguments that plays, blocks and tasks give to their modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .keyword_values import AWS_SETTINGS
from .loader_call import Call, Modules
from .loader_session import Inherited
from .model import Value
from .module_names import arguments_for
from .values import Template

GROUPS = frozenset({"group/aws", "group/amazon.aws.aws", "group/runbook.aws"})
"""What stands for all modules that ask AWS; what it says are settings of `aws`."""


@dataclass(frozen=True, slots=True)
class Defaulted:
    """A call with its defaults."""

    call: Call
    late: tuple[Value, ...] = ()
    """Layers of which only the run can tell what is in them."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keywords of the task that follow from a group's defaults."""


def with_defaults(call: Call, around: Inherited, modules: Modules) -> Defaulted:
    """What the layers around a call say of its module, as far as it can be told before the run."""
    layers = around.module_defaults
    if not layers:
        return Defaulted(call)
    settings = _of_group(call, around, modules)
    plain = [layer for layer in layers if isinstance(layer, Mapping)]
    args = arguments_for(call.module, plain)
    if len(plain) < len(layers) or call.named is not None or isinstance(args, Template):
        return Defaulted(call, layers, settings)
    if not args:
        return Defaulted(call, settings=settings)
    return Defaulted(replace(call, args={**args, **call.args}), settings=settings)


def _of_group(call: Call, around: Inherited, modules: Modules) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for layer in around.module_defaults:
        for name in GROUPS & layer.keys() if isinstance(layer, Mapping) else ():
            found |= {key: value for key, value in (layer[name] or {}).items() if key in AWS_SETTINGS}
    own = around.settings.get("aws") or {}
    if not found or isinstance(own, Template) or not modules.asks_aws(call.module):
        return {}
    return {"aws": {**found, **own}}
