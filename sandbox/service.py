"""What a service of ours is: a name, its operations, and the errors that they answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class AwsError(Exception):
    """An error as AWS answers it.

    `code` is the name on the wire (`ClusterNotFoundFault`), not botocore's exception class; `message` is the
    text for people; `status` is the HTTP status; `fields` are the further members that some errors carry.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, fields: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields: dict[str, Any] = dict(fields or {})


class Service(Protocol):
    """A service that the sandbox serves itself.

    `name` is botocore's name (`memorydb`, `ssm`). A handler gets the request's parameters, already checked
    against botocore's model, and answers with the response's members, timestamps as aware datetimes. It may
    be called by several threads at once. It raises `AwsError` to refuse. An operation that is not in
    `operations` is not ours: the request goes on to moto.
    """

    @property
    def name(self) -> str: ...

    @property
    def operations(self) -> Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]: ...
