"""`runbook doc` without a name: the modules, each with the first line of its manual page."""

from __future__ import annotations

import inspect

from .errors import ContractError
from .registry import Registry


def as_text(registry: Registry) -> str:
    names = sorted(registry.names())
    width = max(map(len, names), default=0)
    return "\n".join(f"{name.ljust(width)}  {_summary(registry, name)}".rstrip() for name in names)


def _summary(registry: Registry, name: str) -> str:
    """One module that can't be used is no reason to hide the others."""
    try:
        module = type(registry.get(name))
    except ContractError as error:
        return f"(can't be used: {error.message})"
    written = module.__doc__ or inspect.getdoc(inspect.getmodule(module)) or ""
    return inspect.cleandoc(written).partition("\n")[0]
