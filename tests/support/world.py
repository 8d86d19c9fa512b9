"""AWS as a module case tells it: scripted answers behind a real client, each checked against botocore's model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from botocore.model import OperationModel
from botocore.validate import ParamValidator
from runbook.modules import _aws, _aws_errors

from tests.support.context import TARGET

COMMON_ERRORS = _aws_errors.THROTTLING | _aws_errors.EXPIRED | _aws_errors.UNACCEPTED
COMMON_ERRORS |= _aws_errors.DENIED
COMMON_ERRORS |= {"InternalFailure", "ValidationError"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call that reached AWS, such as `memorydb.CreateCluster`."""

    name: str
    params: Mapping[str, Any]

    @property
    def reads(self) -> bool:
        return self.name.partition(".")[2].startswith(_aws_errors.READS)


@dataclass
class World:
    """Answers in the order in which they are told.

    An entry is `{call, params?, answer | error | lost}`; it answers the first call of that name whose parameters
    include `params`, once. When none is left, the last one that fitted is what stays true for calls that only
    read; calls with an effect are answered with an empty success.
    """

    entries: Sequence[Mapping[str, Any]]
    calls: list[Call] = field(default_factory=list)
    _used: set[int] = field(default_factory=set)

    def client(self, service: str, retries: bool = True) -> Any:
        return _client(service, retries)

    def unused(self) -> list[str]:
        """Entries that nothing asked for."""
        return [entry["call"] for n, entry in enumerate(self.entries) if n not in self._used]

    def answer(self, call: Call) -> Mapping[str, Any]:
        """The entry that answers `call`."""
        self.calls.append(call)
        fitting = [n for n, entry in enumerate(self.entries) if _fits(entry, call)]
        fresh = next((n for n in fitting if n not in self._used), None)
        if fresh is not None:
            self._used.add(fresh)
            return self.entries[fresh]
        if not call.reads:
            return {"answer": {}}
        if fitting:
            return self.entries[fitting[-1]]
        raise AssertionError(f"the case says nothing that answers {call.name}({dict(call.params)})")

    @contextmanager
    def running(self) -> Iterator[None]:
        """While this lasts, all clients that `client` gave talk to this world."""
        _worlds.append(self)
        try:
            yield
        finally:
            _worlds.remove(self)


_worlds: list[World] = []


def _fits(entry: Mapping[str, Any], call: Call) -> bool:
    wanted = entry.get("params", {})
    return bool(entry["call"] == call.name) and all(call.params.get(k) == v for k, v in wanted.items())


@cache
def _clients() -> _aws.Clients:
    return _aws.Clients()


@cache
def _client(service: str, retries: bool) -> Any:
    """A real client whose calls end before the network."""
    client = _clients().client(TARGET, service, retries=retries)
    params: dict[str, Any] = {}

    def reply(model: OperationModel, event_name: str, **_: Any) -> tuple[Any, Mapping[str, Any]]:
        entry = _worlds[-1].answer(Call(f"{service}.{model.name}", dict(params)))
        if entry.get("lost") or entry.get("unsent"):
            kind = ConnectionClosedError if entry.get("lost") else EndpointConnectionError
            error = kind(endpoint_url=TARGET.endpoint_url or "", error="lost by the case")
            client.meta.events.emit(event_name.replace("before-call", "after-call-error"), exception=error)
            raise error
        return _wire(model, entry)

    client.meta.events.register_first("before-parameter-build", _note(params))
    client.meta.events.register_first("before-call", reply)
    return client


def _note(kept: dict[str, Any]) -> Any:
    """A hook that keeps the parameters of the call that is under way, as the module gave them."""

    def note(params: Mapping[str, Any], **_: Any) -> None:
        kept.clear()
        kept.update(params)

    return note


def _wire(model: OperationModel, entry: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    error = entry.get("error")
    if error is None:
        check_answer(model, entry["answer"])
        return SimpleNamespace(status_code=200), {
            **entry["answer"],
            "ResponseMetadata": {"HTTPStatusCode": 200},
        }
    check_error(model, error["code"])
    told = {"Code": error["code"], "Message": error.get("message", "")}
    return SimpleNamespace(status_code=400), {"Error": told, "ResponseMetadata": {"HTTPStatusCode": 400}}


def check_answer(model: OperationModel, answer: Mapping[str, Any]) -> None:
    """Refuse an answer that AWS could not give."""
    if model.output_shape is None:
        assert not answer, f"{model.name} answers nothing"
        return
    report = ParamValidator().validate(answer, model.output_shape)
    assert not report.has_errors(), f"not an answer of {model.name}: {report.generate_report()}"


def check_error(model: OperationModel, code: str) -> None:
    """Refuse an error that AWS does not know for this call. EC2's model names none, so there all pass."""
    codes = {shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes}
    codes |= {shape.name for shape in model.error_shapes}
    assert not codes or code in codes | COMMON_ERRORS, f"{model.name} knows no {code}; it has {sorted(codes)}"
