"""Keys from what only the operator knows."""

from __future__ import annotations

from runbook.state_key import key_source, make_key, make_salt
from runbook.vault import Password, Vault


def test_the_environment_comes_before_the_vault() -> None:
    vault = Vault((Password("default", b"vault"), Password("other", b"second")))
    assert key_source(vault, {}) == b"vault"
    assert key_source(vault, {"RUNBOOK_STATE_KEY": "own"}) == b"own"
    assert key_source(Vault(), {"RUNBOOK_STATE_KEY": ""}) is None


def test_a_key_is_for_one_source_salt_and_purpose() -> None:
    salt = make_salt()
    key = make_key(b"own", salt, "plan")
    assert key == make_key(b"own", salt, "plan")
    assert len({key, make_key(b"own", salt, "seal"), make_key(b"own", make_salt(), "plan")}) == 3
    assert make_key(b"other", salt, "plan") != key
