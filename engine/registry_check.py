"""Whether a class keeps the contract of `runbook.contract`, told when it is loaded and not when it is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from .contract import CONTRACT_VERSION, Params, Permissions
from .contract_undo import can_undo
from .errors import ContractError
from .params_reader import unreadable
from .params_shape import shape_of

_MODULE: Mapping[str, tuple[str, ...]] = {
    "resource": ("params",),
    "observe": ("ctx", "params"),
    "plan": ("params", "observed"),
    "apply": ("ctx", "params", "change"),
}
_UNDO: Mapping[str, tuple[str, ...]] = {"undo": ("arguments", "change")}
_COMPUTATION: Mapping[str, tuple[str, ...]] = {"compute": ("params", "scope")}


def check_class(name: str, made: Any, source: str) -> None:
    """Raises ContractError that names the module, where it comes from and everything that is wrong with it."""
    faults = list(_faults(made))
    if faults:
        listed = "".join(f"\n  - {fault}" for fault in faults)
        raise ContractError(f"The module '{name}' ({source}) does not keep the contract:{listed}")


def _faults(made: Any) -> Iterator[str]:
    if not isinstance(made, type):
        yield "it is not a class"
        return
    version = getattr(made, "contract_version", None)
    if not isinstance(version, int):
        yield f"it has no `contract_version`; this runbook knows version {CONTRACT_VERSION}"
        return
    if version > CONTRACT_VERSION:
        yield f"it wants contract version {version}, this runbook knows {CONTRACT_VERSION}: update runbook"
        return
    if not _is_struct(made, "Params", Params):
        yield "its `Params` is not a class made from runbook.contract.Params"
    else:
        try:
            fields = shape_of(getattr(made, "Params")).fields  # noqa: B009 (no type knows it yet)
            for name, field in fields.items():
                yield from (f"no argument can be a {kind}, as `{name}` is" for kind in unreadable(field.type))
        except (TypeError, NameError) as error:
            yield f"its `Params` can't be read: {error}"
    if hasattr(made, "compute"):
        yield from _methods(made, _COMPUTATION)
        return
    yield from _methods(made, {**_MODULE, **_UNDO} if can_undo(made) else _MODULE)
    if not _is_struct(made, "Result", msgspec.Struct):
        yield "its `Result` is not a msgspec.Struct class"
    if not isinstance(getattr(made, "permissions", None), Permissions):
        yield "its `permissions` is not a runbook.contract.Permissions"


def _is_struct(made: type, attribute: str, base: type) -> bool:
    value = getattr(made, attribute, None)
    return isinstance(value, type) and issubclass(value, base)


def _methods(made: type, wanted: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for method, parameters in wanted.items():
        call = f"{method}({', '.join(('self', *parameters))})"
        function = getattr(made, method, None)
        if not callable(function):
            yield f"it has no method {call}"
            continue
        named = tuple(parameter.lstrip("_") for parameter in list(inspect.signature(function).parameters)[1:])
        if named != parameters:
            yield f"its method must be {call}, not {method}({', '.join(('self', *named))})"
