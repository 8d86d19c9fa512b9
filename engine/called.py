"""How a module was called that is about to change something: enough to call it again in the same place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Called(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call: of a step, or of one item of its loop."""

    module: str
    arguments: Mapping[str, Any] = NOTHING
    """Rendered, by the names of its Params; what was left out is left out, secrets are boxes."""
    scope: str = ""
    """Loop item and try, with which the keys of its effects begin."""
    host: str = ""
    """The host that it acts on, when another one than the step's own was asked to (`delegate_to`)."""
    connection: str = ""
    aws: Mapping[str, Any] = NOTHING
    """The merged `aws:` settings, as they are written."""
    hidden: bool = False
    """`no_log`: its arguments are not kept."""
    file: str = ""
    line: int = 0
    """Of the task."""
