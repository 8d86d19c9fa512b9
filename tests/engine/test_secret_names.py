"""Values with the name of a secret are boxed."""

from __future__ import annotations

import pytest
from runbook.secret_names import boxed, is_secret_name
from runbook.values import Secret


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_password",
        "DB_PASSWORD",
        "githubToken",
        "api_key",
        "apiKey",
        "private_key",
        "AWS_SECRET_ACCESS_KEY",
        "pwd",
        "tokens",
        "passphrase",
        "client-secret",
    ],
)
def test_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "cache_key",
        "monkey",
        "kms_key_id",
        "key_name",
        "password_file",
        "secret_arn",
        "access_key_id",
        "token_ttl",
        "tokenizer",
        "user",
        "password_length",
        "5",
        "",
    ],
)
def test_no_secrets(name: str) -> None:
    assert not is_secret_name(name)


def test_they_are_boxed_however_deep_they_stand() -> None:
    made = boxed({"db": {"password": "x", "user": "u"}, "list": [{"token": 1}], "secret": None}, "-e")

    assert isinstance(made["db"]["password"], Secret)
    assert made["db"]["password"].origin == "-e password"
    assert made["db"]["user"] == "u"
    assert isinstance(made["list"][0]["token"], Secret)
    assert made["secret"] is None
