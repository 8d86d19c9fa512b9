"""What the lookups that ask AWS share: options, and what becomes of a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from runbook.contract import LookupContext
from runbook.errors import Failed, RunbookError

from ._aws_errors import DENIED

T = TypeVar("T")

_MISSING = frozenset({"ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound"})
_POLICIES = ("error", "warn", "skip")
_TRUE = frozenset({"y", "yes", "on", "1", "true", "t"})


def flags(options: Mapping[str, Any], *names: str) -> list[bool]:
    """Options that are yes or no; no is the default."""
    values = [options.get(name, False) for name in names]
    return [value.strip().lower() in _TRUE if isinstance(value, str) else bool(value) for value in values]


class Refusals:
    """What `on_missing`, `on_denied` and `on_deleted` say."""

    def __init__(self, ctx: LookupContext, options: Mapping[str, Any]) -> None:
        self._ctx = ctx
        names = ("on_missing", "on_denied", "on_deleted")
        self._policies = {name: str(options.get(name, "error")).lower() for name in names}
        for name, policy in self._policies.items():
            if policy not in _POLICIES:
                raise Failed(f"{name} must be one of {', '.join(_POLICIES)}, not '{policy}'")

    def ask(self, name: str, call: Callable[[], T]) -> T | None:
        """What AWS answers; None when it refuses and the options let that pass."""
        try:
            return call()
        except RunbookError as error:
            code, words = getattr(error, "code", ""), getattr(error, "text", "")
            if code in _MISSING:
                self._pass("on_missing", f"There is no '{name}'", error)
            elif code in DENIED:
                self._pass("on_denied", f"Access to '{name}' is denied", error)
            elif code == "InvalidRequestException" and "marked" in words and "delet" in words:
                self._pass("on_deleted", f"'{name}' is marked for deletion", error)
            else:
                raise
            return None

    def missing(self, message: str) -> None:
        self._pass("on_missing", message, None)

    def _pass(self, policy: str, message: str, cause: Exception | None) -> None:
        if self._policies[policy] == "error":
            raise Failed(message, hint=f"{policy}='skip' or 'warn' lets that pass.") from cause
        if self._policies[policy] == "warn":
            self._ctx.warn(message)
