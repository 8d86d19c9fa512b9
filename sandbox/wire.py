"""AWS's wire protocols: who is called, with what, and how answers and errors are written.

Our own services speak JSON 1.1, smithy-rpc-v2-cbor and EC2's query protocol. For calls that moto serves only
the name of the call and the shape of an error are needed.
"""

from __future__ import annotations

import base64
import enum
import functools
import json
import struct
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.utils
from botocore.model import ListShape, MapShape, StructureShape

from .service import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import OperationModel, ServiceModel, Shape

# The target prefix in front of the dot of X-Amz-Target, for the services that the sandbox serves itself.
TARGETS = {"AmazonMemoryDB": "memorydb", "AmazonSSM": "ssm"}


class Protocol(enum.Enum):
    """How a request is written and how its answer must be."""

    JSON = "json"
    CBOR = "smithy-rpc-v2-cbor"
    QUERY = "query"
    EC2 = "ec2"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Call:
    """One request: which service, which operation, in which protocol, for which Region."""

    service: str
    operation: str
    protocol: Protocol
    region: str = ""
    body: bytes = b""
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, ready to be sent."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def identify(environ: Mapping[str, Any], body: bytes) -> Call:
    """Tell which call a WSGI request is; an unknown service or operation is named as well as can be."""
    service, region = _signed_for(environ)
    path: str = environ.get("PATH_INFO", "/")
    if target := environ.get("HTTP_X_AMZ_TARGET", ""):
        prefix, _, operation = target.partition(".")
        return Call(TARGETS.get(prefix, service or prefix), operation, Protocol.JSON, region, body)
    parts = path.strip("/").split("/")
    if len(parts) == 4 and parts[0] == "service" and parts[2] == "operation":
        return Call(TARGETS.get(parts[1], service), parts[3], Protocol.CBOR, region, body)
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        protocol = Protocol.EC2 if service == "ec2" else Protocol.QUERY
        return Call(service, form.get("Action", ""), protocol, region, body, form)
    return Call(service or "s3", _rest_operation(environ, path), Protocol.REST, region, body)


def _signed_for(environ: Mapping[str, Any]) -> tuple[str, str]:
    """The service and the Region in the scope of a version 4 signature, header or presigned."""
    header: str = environ.get("HTTP_AUTHORIZATION", "")
    _, found, rest = header.partition("Credential=")
    if not found:
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        rest = unquote(query.get("X-Amz-Credential", ""))
    scope = rest.split(",")[0].split("/")
    return (scope[-2], scope[-3]) if len(scope) >= 5 else ("", "")


def _rest_operation(environ: Mapping[str, Any], path: str) -> str:
    method = environ["REQUEST_METHOD"].capitalize()
    _, _, key = path.strip("/").partition("/")
    if key:
        return f"{method}Object"
    if path.strip("/"):
        named = {"Get": "ListObjects", "Put": "CreateBucket", "Head": "HeadBucket", "Delete": "DeleteBucket"}
        return named.get(method, f"{method}Bucket")
    return "ListBuckets" if method == "Get" else method


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Botocore's own model of a service."""
    document = botocore.loaders.create_loader().load_service_model(service, "service-2")
    return botocore.model.ServiceModel(document, service)


# Requests


def parse(call: Call, operation: OperationModel) -> dict[str, Any]:
    """The parameters of a request, typed by the model; members that the model lacks are left out."""
    shape = operation.input_shape
    if shape is None:
        return {}
    if call.protocol is Protocol.EC2:
        parsed = _from_form(shape, call.form, "")
        return parsed if isinstance(parsed, dict) else {}
    try:
        raw = _decode(call)
    except (ValueError, botocore.parsers.ResponseParserError) as error:
        raise AwsError("SerializationException", f"the request can't be read: {error}") from error
    typed: dict[str, Any] = _typed(shape, raw)
    return typed


def _decode(call: Call) -> Any:
    if not call.body:
        return {}
    if call.protocol is Protocol.CBOR:
        parser = botocore.parsers.RpcV2CBORParser()
        return parser.parse_data_item(parser.get_peekable_stream_from_bytes(call.body))
    return json.loads(call.body)


def _typed(shape: Shape, raw: Any) -> Any:
    """JSON or CBOR data in the types of the model; what does not fit stays for the validator to refuse."""
    if isinstance(shape, StructureShape) and isinstance(raw, dict):
        return {
            name: _typed(member, raw[name])
            for name, member in shape.members.items()
            if raw.get(name) is not None
        }
    if isinstance(shape, ListShape) and isinstance(raw, list):
        return [_typed(shape.member, item) for item in raw]
    if isinstance(shape, MapShape) and isinstance(raw, dict):
        return {key: _typed(shape.value, value) for key, value in raw.items()}
    if shape.type_name == "timestamp" and isinstance(raw, int | float | str):
        if isinstance(raw, str):
            return botocore.utils.parse_to_aware_datetime(raw)
        return datetime.fromtimestamp(raw, UTC)
    if shape.type_name == "blob" and isinstance(raw, str):
        return base64.b64decode(raw)
    return raw


def _form_name(shape: Shape, name: str) -> str:
    """How the EC2 protocol spells a member in a request: queryName, or the location name capitalised."""
    serialization = shape.serialization
    if "queryName" in serialization:
        return str(serialization["queryName"])
    located = str(serialization.get("name", name))
    return located[0].upper() + located[1:]


def _from_form(shape: Shape, form: Mapping[str, str], prefix: str) -> Any:
    if isinstance(shape, StructureShape):
        members = {
            name: _from_form(member, form, f"{prefix}.{_form_name(member, name)}".lstrip("."))
            for name, member in shape.members.items()
        }
        return {name: value for name, value in members.items() if value is not None} or None
    if isinstance(shape, ListShape):
        return list(_form_items(shape.member, form, prefix)) or None
    value = form.get(prefix)
    if value is None:
        return None
    if shape.type_name in {"integer", "long"}:
        return int(value)
    if shape.type_name == "boolean":
        return value == "true"
    return value


def _form_items(member: Shape, form: Mapping[str, str], prefix: str) -> Iterator[Any]:
    number = 1
    while any(key == f"{prefix}.{number}" or key.startswith(f"{prefix}.{number}.") for key in form):
        yield _from_form(member, form, f"{prefix}.{number}")
        number += 1


# Answers


def answer(call: Call, operation: OperationModel, result: Mapping[str, Any]) -> Answer:
    """Write the result of an operation in the protocol of its request."""
    shape = operation.output_shape
    if call.protocol is Protocol.EC2:
        inner = _to_xml(shape, result) if shape else ""
        namespace = f"http://ec2.amazonaws.com/doc/{operation.service_model.api_version}/"
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><{operation.name}Response xmlns="{namespace}">'
            f"<requestId>{uuid.uuid4()}</requestId>{inner}</{operation.name}Response>"
        )
        return Answer(200, "text/xml;charset=UTF-8", text.encode())
    data = _plain(shape, result) if shape else {}
    return _encoded(call.protocol, 200, data)


def failure(call: Call, error: AwsError) -> Answer:
    """Write an error in the protocol of the request, so that SDKs raise it under its code."""
    if call.protocol in {Protocol.JSON, Protocol.CBOR}:
        data = {"__type": error.code, "message": error.message, **error.fields}
        return _encoded(call.protocol, error.status, data)
    request, code, message = uuid.uuid4(), escape(error.code), escape(error.message)
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if call.protocol is Protocol.EC2:
        inner = (
            f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request}</RequestID></Response>"
        )
    elif call.protocol is Protocol.QUERY:
        inner = (
            f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>"
            f"<RequestId>{request}</RequestId></ErrorResponse>"
        )
    else:
        inner = f"<Error>{inner}<RequestId>{request}</RequestId></Error>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>{inner}'
    return Answer(error.status, "text/xml;charset=UTF-8", text.encode())


def _encoded(protocol: Protocol, status: int, data: Any) -> Answer:
    if protocol is Protocol.CBOR:
        headers = (("smithy-protocol", "rpc-v2-cbor"),)
        return Answer(status, "application/cbor", _cbor(data), headers)
    return Answer(status, "application/x-amz-json-1.1", json.dumps(data, default=_json_value).encode())


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is no type of the JSON protocol")


def _plain(shape: Shape, value: Any) -> Any:
    """The members that the model names, without those that are None."""
    if isinstance(shape, StructureShape):
        for name in value:
            if name not in shape.members:
                raise KeyError(f"{shape.name} has no member {name}")
        return {name: _plain(shape.members[name], item) for name, item in value.items() if item is not None}
    if isinstance(shape, ListShape):
        return [_plain(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _plain(shape.value, item) for key, item in value.items()}
    return value


def _to_xml(shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        pieces = []
        for name, member in shape.members.items():
            item = value.get(name)
            if item is not None:
                tag = str(member.serialization.get("name", name))
                pieces.append(f"<{tag}>{_to_xml(member, item)}</{tag}>")
        return "".join(pieces)
    if isinstance(shape, ListShape):
        return "".join(f"<item>{_to_xml(shape.member, item)}</item>" for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))


def _cbor(value: Any) -> bytes:
    """Encode plain data as CBOR (RFC 8949): the types that AWS's models have."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return _cbor_head(0, value) if value >= 0 else _cbor_head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, datetime):
        return _cbor_head(6, 1) + _cbor(value.timestamp())
    if isinstance(value, bytes):
        return _cbor_head(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        return _cbor_head(3, len(data)) + data
    if isinstance(value, dict):
        return _cbor_head(5, len(value)) + b"".join(_cbor(k) + _cbor(v) for k, v in value.items())
    return _cbor_head(4, len(value)) + b"".join(_cbor(item) for item in value)


def _cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for extra, size, code in ((24, 1, "B"), (25, 2, "H"), (26, 4, "I")):
        if number < 1 << (8 * size):
            return bytes([major << 5 | extra]) + struct.pack(f">{code}", number)
    return bytes([major << 5 | 27]) + struct.pack(">Q", number)
