"""The lookups that ask AWS, against moto's Secrets Manager and parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from runbook.contract import Target
from runbook.errors import TemplateError
from runbook.modules._aws import Clients
from runbook.scope import VariableScope
from runbook.template import Templates
from runbook.template_guard import reveal
from runbook.values import Expression, Secret

from tests.support.plays import Folder

REGION = "eu-central-1"


@dataclass
class Account:
    endpoint: str

    def boto(self, service: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def ask(self, expression: str) -> Any:
        """What an expression finds, evaluated for this account."""
        target = Target(endpoint_url=self.endpoint, access_key_id="testing", secret_access_key="testing")
        clients = Clients()
        templates = Templates()
        self.warnings: list[str] = []
        templates.doors.warn = self.warnings.append
        templates.doors.client = lambda _context, service, region: clients.client(
            Target(**{**_fields(target), "region": region or REGION}), service
        )
        return templates.evaluate(Expression(expression), VariableScope(templates, [{"where": "/lab"}]))


def _fields(target: Target) -> dict[str, Any]:
    return {name: getattr(target, name) for name in target.__dataclass_fields__}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    made = Account(f"http://127.0.0.1:{port}")
    secrets = made.boto("secretsmanager")
    secrets.create_secret(Name="lab/db", SecretString=json.dumps({"user": "joe", "deep": {"pw": "s3cr3t"}}))
    secrets.create_secret(Name="lab/one", SecretString="first")
    secrets.create_secret(Name="lab/two", SecretString="second")
    secrets.create_secret(Name="bytes", SecretBinary=b"\x00\x01")
    secrets.create_secret(Name="gone", SecretString="x")
    secrets.delete_secret(SecretId="gone")
    made.boto("secretsmanager", "us-east-1").create_secret(Name="far", SecretString="away")
    parameters = made.boto("ssm")
    for name, value, kind in (
        ("/lab/db/password", "pw-1", "SecureString"), ("/lab/user", "joe", "String"), ("plain", "text", "String"),
    ):  # fmt: skip
        parameters.put_parameter(Name=name, Value=value, Type=kind)
    yield made
    server.stop()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("lookup('aws_secret', 'lab/one')", "first"),
        ("query('aws_secret', 'lab/one', 'lab/two')", ["first", "second"]),
        ("lookup('amazon.aws.aws_secret', 'lab/one')", "first"),
        ("lookup('amazon.aws.secretsmanager_secret', 'lab/one')", "first"),
        ("lookup('community.aws.aws_secret', 'lab/one')", "first"),
        ("lookup('aws_secret', 'lab/one', 'lab/two', join=true)", "firstsecond"),
        ("lookup('aws_secret', 'lab/db.deep.pw', nested=true)", "s3cr3t"),
        ("(lookup('aws_secret', 'lab/db') | from_json).user", "joe"),
        ("lookup('aws_secret', 'bytes')", b"\x00\x01"),
        ("lookup('aws_secret', 'far', region='us-east-1')", "away"),
        ("lookup('aws_secret', 'lab/one', version_stage='AWSCURRENT')", "first"),
        ("lookup('aws_secret', 'lab/', bypath=true)['lab/two']", "second"),
        ("lookup('aws_ssm_parameter', '/lab/db/password')", "pw-1"),
        ("lookup('amazon.aws.ssm_parameter', '/lab/user')", "joe"),
        ("lookup('amazon.aws.aws_ssm', 'plain')", "text"),
        ("query('aws_ssm_parameter', 'plain', '/lab/user')", ["text", "joe"]),
        ("lookup('aws_ssm_parameter', where, bypath=true)", {"/lab/user": "joe"}),
        (
            "lookup('aws_ssm_parameter', '/lab', bypath=true, recursive=true, shortnames=true)",
            {"password": "pw-1", "user": "joe"},
        ),
        (
            "lookup('aws_ssm_parameter', '/lab', bypath=true, recursive=true, droppath=true)",
            {"db/password": "pw-1", "user": "joe"},
        ),
    ],
)
def test_what_is_found_is_secret(account: Account, expression: str, value: Any) -> None:
    found = account.ask(expression)
    assert reveal(found) == value
    assert all(type(one) is Secret for one in (found if isinstance(found, list) else [found]))


def test_a_parameter_that_is_not_decrypted_stays_as_it_is_stored(account: Account) -> None:
    assert reveal(account.ask("lookup('aws_ssm_parameter', '/lab/db/password', decrypt=false)")) != "pw-1"


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("lookup('aws_secret', 'no')", "There is no 'no'"),
        ("lookup('aws_secret', 'gone')", "'gone' is marked for deletion"),
        ("lookup('aws_secret', 'lab/db.none', nested=true)", "has no key 'none'"),
        ("lookup('aws_secret', 'lab/one.x', nested=true)", "is not JSON"),
        ("lookup('aws_secret', 'x', on_missing='maybe')", "on_missing must be one of"),
        (
            "lookup('aws_secret', 'x', regoin='y')",
            "'regoin' is not an option of aws_secret. Did you mean 'region'?",
        ),
        ("lookup('aws_ssm_parameter', '/no')", "There is no '/no'"),
        ("lookup('aws_ssm_parameter', '/no', bypath=true)", "There is no parameter below '/no'"),
    ],
)
def test_what_is_not_there_is_told(account: Account, expression: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        account.ask(expression)
    assert words in caught.value.message


def test_what_is_not_there_may_be_let_pass(account: Account) -> None:
    assert account.ask("lookup('aws_secret', 'no', on_missing='skip')") is None
    assert account.ask("lookup('aws_secret', 'gone', on_deleted='skip')") is None
    assert account.ask("lookup('aws_ssm_parameter', '/no', on_missing='warn')") is None
    assert account.warnings == ["There is no '/no'"]


def test_a_step_asks_the_account_of_its_play_and_host(
    account: Account, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    text = f"""
        - hosts: localhost
          gather_facts: false
          aws: {{endpoint_url: "{account.endpoint}", region: us-east-1}}
          tasks:
            - name: the play's Region
              debug: {{msg: "{{{{ lookup('aws_secret', 'far') }}}}"}}
            - name: the task's
              debug: {{msg: "pw={{{{ lookup('aws_ssm_parameter', '/lab/db/password') }}}}"}}
              aws: {{region: {REGION}}}
            - name: an account that is not allowed
              debug: {{msg: "{{{{ lookup('aws_secret', 'far') }}}}"}}
              aws: {{allowed_account_ids: ["999999999999"]}}
              ignore_errors: true
        """
    played = folder.play(text)

    for task, value in (("the play's Region", "away"), ("the task's", "pw=pw-1")):
        message = played.message(task)
        assert type(message) is Secret
        assert reveal(message) == value
    assert not list(Path(folder.path).glob("*.json"))
