"""Fail unless all expressions hold.

- assert:
    that:
      - cluster.shards | length == 1
      - cluster.status == 'available'
    fail_msg: "The cluster is not as asked."

An expression must come to true or false: text and numbers are refused, because `"false"` would hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from runbook.contract import Decision, Expression, Params, Scope, aliases, no_effect
from runbook.errors import Failed
from runbook.values import Secret, Unknown


class AssertParams(Params, frozen=True, kw_only=True):
    that: Annotated[list[Expression], Meta(description="Expressions that must all hold.")]
    fail_msg: Annotated[
        Any, aliases("msg"), Meta(description="What to say when one does not: text, or a list of texts.")
    ] = "Assertion failed"
    success_msg: Annotated[Any, Meta(description="What to say when all hold: text, or a list of texts.")] = (
        "All assertions passed"
    )
    quiet: Annotated[
        bool, no_effect("Little is told anyway."), Meta(description="Tell less of each assertion.")
    ] = False


class Assert:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = AssertParams

    def compute(self, params: AssertParams, scope: Scope) -> Decision:
        _check_message("fail_msg", params.fail_msg)
        _check_message("success_msg", params.success_msg)
        undecided = None
        for shown, value in _answers(params.that, scope):
            if isinstance(value, Unknown):
                undecided = undecided or f"'{shown}' depends on {Unknown.describe(value)}"
            elif not _truth(value, str(shown)):
                return _failed(params, shown)
        if undecided:
            return Decision(undecided=undecided)
        return Decision(result={"msg": params.success_msg})


def _answers(that: Sequence[Expression], scope: Scope) -> Iterator[tuple[Any, Any]]:
    """What is asserted, and what it comes to. A template that yields a list stands for the answers in it
    (`that: "{{ checks }}"`)."""
    for expression in that:
        value = Secret.reveal(scope.evaluate(expression))
        if isinstance(value, list) and expression.source.lstrip().startswith("{{"):
            for item in map(Secret.reveal, value):
                yield (item if isinstance(item, bool) else expression.source), item
        else:
            yield _LITERAL.get(expression.source, expression.source), value


_LITERAL = {"True": True, "False": False}
"""Conditions that were no text."""


def _truth(value: Any, shown: str) -> bool:
    """Raises Failed for what is neither true nor false."""
    if isinstance(value, bool):
        return value
    kind = type(value).__name__
    raise Failed(
        f"Conditional result ({bool(value)}) was derived from value of type '{kind}'."
        " Conditionals must have a boolean result.",
        hint=f"Compare it, or say what is meant: ({shown}) | bool",
    )


def _failed(params: AssertParams, shown: Any) -> Decision:
    result = {"msg": params.fail_msg, "assertion": shown, "evaluated_to": False}
    return Decision(result=result, failed=True)


def _check_message(name: str, message: Any) -> None:
    opened = Secret.reveal(message)
    texts = opened if isinstance(opened, list) else [opened]
    if not all(isinstance(Secret.reveal(text), str | Unknown) for text in texts):
        kind = type(opened).__name__
        raise Failed(f"argument '{name}' is of type {kind}: a string or list of strings is required")
