"""The WSGI layer in front of moto: our own services, faults, and the call log."""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, StringShape, StructureShape
from botocore.validate import ParamValidator
from werkzeug.test import run_wsgi_app

from .calls import resource_of
from .door import TOKEN_HEADER, check_caller, holds_token, stranger
from .faults import AT_THE_DOOR, FaultKind
from .refusals import refusal
from .service import AwsError
from .wire import Answer, Call, Protocol, answer, failure, identify, parse, service_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from botocore.model import OperationModel, Shape

    from .calls import CallLog
    from .door import Keys
    from .faults import Fault, Faults
    from .service import Service

log = logging.getLogger(__name__)

LOST = "lost"
"""The outcome of a call that never arrived."""

# How each service names a request that does not fit its model.
_INVALID = {"memorydb": "InvalidParameterValueException", "ec2": "InvalidParameterValue"}


@dataclass(frozen=True, slots=True)
class Stage:
    """What the router plays on; `reset` puts a new one in place.

    `strike` brings about, at a call, the faults that change the world (kill-node, agent-offline). `after` is
    told service and operation of each call that moto served.
    """

    services: Mapping[str, Service]
    faults: Faults
    calls: CallLog
    strike: Callable[[Fault], None]
    after: Callable[[str, str], None]


class Router:
    """A WSGI application: `/_sandbox/` is the control path, all else are calls of AWS's APIs."""

    def __init__(
        self,
        *,
        moto: WSGIApplication,
        moto_lock: threading.RLock,
        region: str,
        stage: Callable[[], Stage],
        control: Callable[[str, str, bytes], Answer],
        keys: Keys,
        issued: Callable[[str], bool],
    ) -> None:
        """`stage` gives the stage in force; `control` answers (method, name, body) of the control path; `keys`
        are who may call, and who `issued` knows.
        """
        self._moto = moto
        self._moto_lock = moto_lock
        self._region = region
        self._stage = stage
        self._control = control
        self._keys = keys
        self._issued = issued

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        # A chunked body has no length; werkzeug ends its stream where the body ends.
        body = environ["wsgi.input"].read(length) if length or not _chunked(environ) else _read(environ)
        path: str = environ.get("PATH_INFO", "/")
        if reason := stranger(environ):
            given = _turned_away(reason)
        elif path.startswith("/_sandbox/"):
            given = self._control_path(environ, path.removeprefix("/_sandbox/"), body)
        else:
            given = self._aws(environ, body)
        headers = [("Content-Type", given.content_type), ("Content-Length", str(len(given.body)))]
        kept = [(name, value) for name, value in given.headers if name.lower() not in _OWN_HEADERS]
        if environ["REQUEST_METHOD"] == "HEAD":
            headers = [h for h in given.headers if h[0].lower() in _OWN_HEADERS] or headers
        start_response(f"{given.status} {_REASONS.get(given.status, 'Answer')}", headers + kept)
        return [given.body]

    def _control_path(self, environ: WSGIEnvironment, name: str, body: bytes) -> Answer:
        if not holds_token(environ, self._keys):
            return _turned_away(f"the control path wants the sandbox's secret key in {TOKEN_HEADER}")
        return self._control(environ["REQUEST_METHOD"], name, body)

    def _known(self, access_key_id: str) -> bool:
        with self._moto_lock:
            return self._issued(access_key_id)

    def _aws(self, environ: WSGIEnvironment, body: bytes) -> Answer:
        stage = self._stage()
        call = identify(environ, body)
        try:
            check_caller(environ, self._keys, self._known)
        except AwsError as error:
            stage.calls.add(call.service, call.operation, "", error.code, None)
            return failure(call, error)
        resource = resource_of(_names(call, environ))
        fault = stage.faults.take(AT_THE_DOOR, call.service, call.operation, resource)
        name = fault.kind.value if fault else None
        if fault and fault.kind is FaultKind.DELAY:
            time.sleep(fault.seconds)
        if fault and fault.kind is FaultKind.LOSE_REQUEST:
            stage.calls.add(call.service, call.operation, resource, LOST, name)
            _drop(environ)
        if fault and (refused := refusal(fault, call.protocol, call.service)):
            stage.calls.add(call.service, call.operation, resource, refused.code, name)
            return failure(call, refused)
        if struck := stage.faults.take(_STRIKES, call.service, call.operation):
            stage.strike(struck)
            name = name or struck.kind.value
        given, outcome = self._serve(stage, call, environ)
        stage.calls.add(call.service, call.operation, resource, outcome, name)
        if fault and fault.kind is FaultKind.LOSE_RESPONSE:
            _drop(environ)
        return given

    def _serve(self, stage: Stage, call: Call, environ: WSGIEnvironment) -> tuple[Answer, str]:
        """The answer and its outcome in one word: `ok` or the error code."""
        service = stage.services.get(call.service)
        handler = service.operations.get(call.operation) if service else None
        if handler is None and call.service == "memorydb":
            # Moto has a MemoryDB of its own, which knows nothing of ours.
            unknown = AwsError("UnknownOperationException", f"the sandbox does not serve {call.operation}")
            return failure(call, unknown), unknown.code
        if handler is None:
            given = self._from_moto(call, environ)
            stage.after(call.service, call.operation)
            return given
        try:
            operation = service_model(call.service).operation_model(call.operation)
            self._check_region(call)
            params = parse(call, operation)
            validate(call.service, operation, params)
            return answer(call, operation, handler(params)), "ok"
        except AwsError as error:
            return failure(call, error), error.code
        except Exception:
            log.exception("%s %s failed", call.service, call.operation)
            broken = AwsError("InternalFailure", "the sandbox failed; its log has the details", 500)
            return failure(call, broken), broken.code

    def _check_region(self, call: Call) -> None:
        if call.region not in {"", self._region}:
            message = (
                f"Credential should be scoped to a valid region: the sandbox stands in {self._region}, "
                f"the request was signed for {call.region}"
            )
            raise AwsError("InvalidSignatureException", message)

    def _from_moto(self, call: Call, environ: WSGIEnvironment) -> tuple[Answer, str]:
        environ["wsgi.input"] = io.BytesIO(call.body)
        environ["CONTENT_LENGTH"] = str(len(call.body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        try:
            with self._moto_lock:
                chunks, status, headers = run_wsgi_app(self._moto, environ, buffered=True)
                body = b"".join(chunks)
        except NotImplementedError as error:
            message = f"the sandbox does not serve {call.service} {call.operation}: {error}"
            refused = AwsError("InvalidAction", message)
            return failure(call, refused), refused.code
        except Exception:
            log.exception("%s %s failed in moto", call.service, call.operation)
            refused = AwsError("InternalFailure", "the sandbox failed; its log has the details", 500)
            return failure(call, refused), refused.code
        number = int(status.split()[0])
        given = Answer(number, headers.get("Content-Type", "text/xml"), body, tuple(headers.items()))
        return given, "ok" if number < 400 else _error_code(number, body)


def _turned_away(reason: str) -> Answer:
    return Answer(403, "application/json", (json.dumps({"error": reason}) + "\n").encode())


_OWN_HEADERS = {"content-type", "content-length"}
_STRIKES = frozenset({FaultKind.KILL_NODE, FaultKind.AGENT_OFFLINE})
_REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}


def _chunked(environ: WSGIEnvironment) -> bool:
    return "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()


def _read(environ: WSGIEnvironment) -> bytes:
    data: bytes = environ["wsgi.input"].read()
    return data


def _drop(environ: WSGIEnvironment) -> None:
    """Close the connection without an answer, as a lost response looks to the client."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("response lost on request")


def _names(call: Call, environ: WSGIEnvironment) -> Mapping[str, Any]:
    """Enough of the parameters to name the call's resource in the log."""
    if call.protocol is Protocol.JSON:
        try:
            data = json.loads(call.body or b"{}")
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}
    if call.protocol is Protocol.REST:
        return {"Name": str(environ.get("PATH_INFO", "")).strip("/")}
    if call.protocol is Protocol.CBOR:
        try:
            return parse(call, service_model(call.service).operation_model(call.operation))
        except (AwsError, LookupError):
            return {}
    return call.form


def _error_code(status: int, body: bytes) -> str:
    """The code in an error that moto answered, or the HTTP status where there is none."""
    if found := re.search(rb"<Code>([^<]+)</Code>", body):
        return found[1].decode()
    if found := re.search(rb'"(?:__type|code)"\s*:\s*"(?:[^"#]*#)?([^"]+)"', body):
        return found[1].decode()
    return f"HTTP {status}"


def validate(service: str, operation: OperationModel, params: dict[str, Any]) -> None:
    """Refuse parameters that do not fit botocore's model: missing, of a wrong type, out of range, no such word."""
    shape = operation.input_shape
    if shape is None:
        return
    report = ParamValidator().validate(params, shape)
    problems = [report.generate_report()] if report.has_errors() else list(_wrong_words(shape, params, ""))
    if problems:
        code = _INVALID.get(service, "ValidationException")
        raise AwsError(code, "; ".join(problems).replace("\n", "; "))


def _wrong_words(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, item in value.items():
            yield from _wrong_words(shape.members[name], item, f"{path}.{name}".lstrip("."))
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value):
            yield from _wrong_words(shape.member, item, f"{path}[{number}]")
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"{path} must be one of {', '.join(shape.enum)}, not {value!r}"
