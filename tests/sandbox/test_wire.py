"""The wire protocols: requests are recognised and typed, answers and errors are read by botocore's own parsers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import botocore.parsers
import pytest
from botocore.awsrequest import AWSRequest
from botocore.serialize import create_serializer
from runbook.sandbox import wire
from runbook.sandbox.router import validate
from runbook.sandbox.service import AwsError
from runbook.sandbox.wire import Call, Protocol

MEMORYDB, EC2 = wire.service_model("memorydb"), wire.service_model("ec2")
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-2/{}/aws4_request, SignedHeaders=host, Signature=0"
)


def environ(service: str, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """A WSGI environment of a request that botocore serialised."""
    body = (
        AWSRequest(method=request["method"], url="http://x" + request["url_path"], data=request["body"])
        .prepare()
        .body
    )
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request["headers"].items()}
    return {
        "REQUEST_METHOD": request["method"],
        "PATH_INFO": request["url_path"],
        "CONTENT_TYPE": request["headers"].get("Content-Type", ""),
        "HTTP_AUTHORIZATION": SIGNED.format(service),
        **headers,
    }, body if isinstance(body, bytes) else (body or "").encode()


def serialised(service: str, protocol: str, name: str, params: dict[str, Any]) -> Call:
    model = wire.service_model(service).operation_model(name)
    request = create_serializer(protocol, include_validation=False).serialize_to_request(params, model)
    return wire.identify(*environ(service, request))


PARAMS = {"StartTime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "MaxResults": 7, "SourceType": "cluster"}


@pytest.mark.parametrize(
    ("protocol", "kind"), [("json", Protocol.JSON), ("smithy-rpc-v2-cbor", Protocol.CBOR)]
)
def test_a_request_of_memorydb_is_read_in_both_of_its_protocols(protocol: str, kind: Protocol) -> None:
    call = serialised("memorydb", protocol, "DescribeEvents", PARAMS)
    assert (call.service, call.operation, call.protocol) == ("memorydb", "DescribeEvents", kind)
    assert call.region == "eu-west-2"
    assert wire.parse(call, MEMORYDB.operation_model("DescribeEvents")) == PARAMS


def test_a_request_of_ec2_is_read_with_its_nested_lists() -> None:
    params = {
        "GroupId": "sg-1",
        "DryRun": True,
        "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "a"}, {"GroupId": "b"}]},
        ],
    }
    call = serialised("ec2", "ec2", "AuthorizeSecurityGroupIngress", params)
    assert (call.service, call.operation, call.protocol) == (
        "ec2",
        "AuthorizeSecurityGroupIngress",
        Protocol.EC2,
    )
    assert wire.parse(call, EC2.operation_model("AuthorizeSecurityGroupIngress")) == params


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/", "ListBuckets"),
        ("PUT", "/bucket", "CreateBucket"),
        ("PUT", "/bucket/a/key", "PutObject"),
        ("GET", "/bucket/key", "GetObject"),
    ],
)
def test_calls_of_s3_are_named(method: str, path: str, operation: str) -> None:
    seen = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_AUTHORIZATION": SIGNED.format("s3")}
    assert wire.identify(seen, b"").operation == operation


def test_members_that_the_model_lacks_are_left_out() -> None:
    call = Call("memorydb", "DescribeClusters", Protocol.JSON, body=b'{"ClusterName": "a", "New": 1}')
    assert wire.parse(call, MEMORYDB.operation_model("DescribeClusters")) == {"ClusterName": "a"}


def test_a_body_that_can_not_be_read_is_refused() -> None:
    call = Call("memorydb", "DescribeClusters", Protocol.JSON, body=b"{")
    with pytest.raises(AwsError, match="SerializationException"):
        wire.parse(call, MEMORYDB.operation_model("DescribeClusters"))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "ClusterName"),
        ({"ClusterName": "a", "NodeType": "t", "ACLName": "o", "NumShards": "2"}, "NumShards"),
        ({"ClusterName": "a", "NodeType": "t", "ACLName": "o", "NetworkType": "ipv5"}, "ipv4, ipv6"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(params: dict[str, Any], words: str) -> None:
    with pytest.raises(AwsError, match=words) as caught:
        validate("memorydb", MEMORYDB.operation_model("CreateCluster"), params)
    assert caught.value.code == "InvalidParameterValueException"


# Answers

EVENTS = {
    "Events": [{"SourceName": "lab", "Date": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "Message": None}]
}


def read(answer: wire.Answer, protocol: str, operation: Any) -> Any:
    parser = botocore.parsers.create_parser(protocol)
    headers = {"content-type": answer.content_type, **dict(answer.headers)}
    response = {"body": answer.body, "headers": headers, "status_code": answer.status}
    return parser.parse(response, operation.output_shape)


@pytest.mark.parametrize(
    ("protocol", "kind"), [("json", Protocol.JSON), ("smithy-rpc-v2-cbor", Protocol.CBOR)]
)
def test_an_answer_of_memorydb_is_read_by_botocore(protocol: str, kind: Protocol) -> None:
    operation = MEMORYDB.operation_model("DescribeEvents")
    seen = read(wire.answer(Call("memorydb", "", kind), operation, EVENTS), protocol, operation)
    assert seen["Events"] == [{"SourceName": "lab", "Date": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}]


@pytest.mark.parametrize("number", [0, 23, 24, 255, 256, 65_536, 2**40, -1, -500])
def test_whole_numbers_survive_cbor(number: int) -> None:
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor")
    stream = parser.get_peekable_stream_from_bytes(wire._cbor({"n": number, "f": 1.5, "t": [True, b"x"]}))
    assert parser.parse_data_item(stream) == {"n": number, "f": 1.5, "t": [True, b"x"]}


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        ("json", Protocol.JSON),
        ("smithy-rpc-v2-cbor", Protocol.CBOR),
        ("ec2", Protocol.EC2),
        ("query", Protocol.QUERY),
        ("rest-xml", Protocol.REST),
    ],
)
def test_an_error_is_read_by_botocore_in_every_protocol(protocol: str, kind: Protocol) -> None:
    error = AwsError("SomeFault", "a <b> & c", 400)
    seen = read(wire.failure(Call("x", "y", kind), error), protocol, EC2.operation_model("DescribeVpcs"))
    assert (seen["Error"]["Code"], seen["Error"]["Message"]) == ("SomeFault", "a <b> & c")


def test_answers_in_cbor_say_so() -> None:
    answer = wire.answer(Call("", "", Protocol.CBOR), MEMORYDB.operation_model("DescribeEvents"), {})
    assert answer.headers == (("smithy-protocol", "rpc-v2-cbor"),)
    assert answer.content_type == "application/cbor"


def test_an_error_carries_its_further_members() -> None:
    error = AwsError("ResourceNotFound", "gone", fields={"resourceId": "x"})
    answer = wire.failure(Call("ssm", "y", Protocol.JSON), error)
    assert json.loads(answer.body)["resourceId"] == "x"


def test_a_member_that_no_model_has_is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError, match="no member Wrong"):
        wire.answer(Call("", "", Protocol.JSON), MEMORYDB.operation_model("DescribeEvents"), {"Wrong": 1})
