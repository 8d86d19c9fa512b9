"""Who may ask the sandbox: its operator's programs, and neither web pages nor strangers."""

from __future__ import annotations

import http.client
import json
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox_process import Running, command

SEND = json.dumps(
    {"InstanceIds": ["i-1"], "DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["id"]}}
)
TARGET = {"X-Amz-Target": "AmazonSSM.SendCommand", "Content-Type": "application/x-amz-json-1.1"}


def ask(
    sandbox: Running, method: str, path: str, headers: dict[str, str], body: str = ""
) -> tuple[int, Any, str]:
    """Status, headers and text of a request as any program may write it."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.contact["endpoint_url"]).netloc, timeout=30)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode(errors="replace")
    finally:
        connection.close()


def signed(sandbox: Running) -> dict[str, str]:
    scope = f"{sandbox.contact['access_key_id']}/20260101/eu-west-2/ssm/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


def client(sandbox: Running, service: str, key: str, secret: str, token: str | None = None) -> Any:
    return boto3.client(
        service,
        endpoint_url=sandbox.contact["endpoint_url"],
        region_name="eu-west-2",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )


@pytest.mark.parametrize("path", ["/", "/moto-api/data.json", "/_sandbox/status", "/some-bucket/key"])
def test_a_web_page_gets_nothing_not_even_with_the_credentials(sandbox: Running, path: str) -> None:
    known = signed(sandbox) | {"X-Runbook-Sandbox": sandbox.contact["secret_access_key"]}
    for strange in (
        {"Origin": "http://page.example"},
        {"Host": "page.example:80"},
        {"Sec-Fetch-Site": "none"},
    ):
        status, headers, text = ask(sandbox, "POST", path, TARGET | known | strange, SEND)
        assert status == 403, (strange, text)
        assert "Access-Control-Allow-Origin" not in headers


def test_a_browser_that_asks_beforehand_is_not_invited(sandbox: Running) -> None:
    asks = {"Origin": "http://page.example", "Access-Control-Request-Headers": "x-amz-target,authorization"}
    status, headers, _ = ask(sandbox, "OPTIONS", "/", asks | {"Access-Control-Request-Method": "POST"})
    assert status == 403
    assert "Access-Control-Allow-Headers" not in headers


@pytest.mark.parametrize("path", ["/", "/moto-api/data.json", "/moto-api/reset", "/some-bucket/key"])
def test_who_signs_nothing_is_refused(sandbox: Running, path: str) -> None:
    status, _, text = ask(sandbox, "POST", path, TARGET, SEND)
    assert (status, "MissingAuthenticationToken" in text) == (403, True), text


@pytest.mark.parametrize("service", ["ssm", "sts", "ec2", "s3", "memorydb"])
def test_another_ones_credentials_are_refused(sandbox: Running, service: str) -> None:
    calls = {
        "ssm": "list_commands",
        "sts": "get_caller_identity",
        "ec2": "describe_vpcs",
        "s3": "list_buckets",
        "memorydb": "describe_clusters",
    }
    stranger = client(sandbox, service, "SANDBOX", "sandbox")
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        getattr(stranger, calls[service])()


def test_an_assumed_roles_credentials_are_known(sandbox: Running) -> None:
    arn = "arn:aws:iam::123456789012:role/operator"
    role = sandbox.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    as_role = client(sandbox, "sts", role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])
    assert as_role.get_caller_identity()["Arn"].endswith("assumed-role/operator/me")


def test_a_presigned_address_works(sandbox: Running) -> None:
    store = sandbox.client("s3")
    store.create_bucket(Bucket="door", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    store.put_object(Bucket="door", Key="k", Body=b"inside")
    address = urlsplit(store.generate_presigned_url("get_object", Params={"Bucket": "door", "Key": "k"}))
    assert ask(sandbox, "GET", f"{address.path}?{address.query}", {})[::2] == (200, "inside")


@pytest.mark.parametrize("token", [{}, {"X-Runbook-Sandbox": "sandbox"}])
def test_the_control_path_wants_the_secret_key(sandbox: Running, token: dict[str, str]) -> None:
    for method, name in (("GET", "status"), ("POST", "reset"), ("POST", "shutdown"), ("POST", "faults")):
        assert ask(sandbox, method, f"/_sandbox/{name}", token)[0] == 403


def test_its_folder_is_its_operators_alone(tmp_path: Path) -> None:
    folder = tmp_path / ".runbook" / "sandbox"
    done = command(folder.parent.parent / "sandbox", "--folder", str(folder), "up", "--empty", "--json")
    assert done.returncode == 0, done.stderr
    try:
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (folder.parent / ".gitignore").read_text() == "*\n"
    finally:
        command(folder, "down")
