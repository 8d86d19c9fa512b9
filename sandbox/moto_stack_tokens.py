"""The events of a stack carry the client request token of the change that they belong to; moto forgets it."""

from __future__ import annotations

import functools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from moto.cloudformation.models import Event
from moto.cloudformation.responses import CloudFormationResponse

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN: ContextVar[str | None] = ContextVar("token", default=None)


def put_tokens_right() -> None:
    """Correct moto. Call it once in a process."""
    for name in ("create_stack", "update_stack", "delete_stack"):
        setattr(CloudFormationResponse, name, _with_token(getattr(CloudFormationResponse, name)))
    made = Event.__init__

    @functools.wraps(made)
    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        self.client_request_token = _TOKEN.get()

    Event.__init__ = remember  # type: ignore[method-assign]


def _with_token(operation: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @functools.wraps(operation)
    def run(self: Any) -> Any:
        given = _TOKEN.set(self._get_param("ClientRequestToken"))
        try:
            return operation(self)
        finally:
            _TOKEN.reset(given)

    return run
