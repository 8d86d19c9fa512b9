"""No secret travels in a command's parameters, where others can read it (fact 47)."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.errors import Failed
from runbook.modules.command import Command
from runbook.modules.shell import Shell
from runbook.modules.ssm_command import SsmCommand
from runbook.modules.valkey_ops import ValkeyOps

from tests.support.context import RecordingContext
from tests.support.module_cases import make_params

CLUSTER = {"endpoint": "127.0.0.1", "transport": "ssm", "instance": "i-0123"}


@pytest.mark.parametrize("argument", ["script", "environment", "unless", "user"])
def test_a_script_made_from_a_secret_is_refused_before_anything_is_sent(argument: str) -> None:
    ctx = RecordingContext(secret_arguments=frozenset({argument}))
    params = make_params(SsmCommand(), {"instance": "i-0123", "script": "echo x"})

    with pytest.raises(
        Failed, match=f"A secret in `{argument}` would stand in the account's command history"
    ):
        SsmCommand().observe(ctx, params)


def test_a_secret_record_is_refused_through_an_instance() -> None:
    ctx = RecordingContext(secret_arguments=frozenset({"records"}))
    params = make_params(ValkeyOps(), {**CLUSTER, "records": [{"key": "token", "string": "s3cr3t"}]})

    with pytest.raises(Failed, match="A secret in `records`"):
        ValkeyOps().observe(ctx, params)


@pytest.mark.parametrize(
    "way", [{"password": "x"}, {"password": "x", "password_from": "ssm:/y", "transport": "direct"}]
)
def test_a_password_is_refused_where_it_would_be_read(way: dict[str, Any]) -> None:
    params = make_params(ValkeyOps(), {**CLUSTER, **way, "commands": ["PING"]})

    with pytest.raises(Failed, match="password"):
        ValkeyOps().observe(RecordingContext(), params)


@pytest.mark.parametrize(("module", "argument"), [(Command(), "cmd"), (Shell(), "environment")])
def test_neither_does_one_of_a_command_on_an_instance(module: Any, argument: str) -> None:
    ctx = RecordingContext(connection="ssm", secret_arguments=frozenset({argument}))
    params = make_params(module, {"cmd": "login"})

    with pytest.raises(Failed, match=f"A secret in `{argument}`"):
        module.apply(ctx, params, module.plan(params, module.observe(ctx, params)))
