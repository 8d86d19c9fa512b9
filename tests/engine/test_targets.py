"""`aws:` settings become one Target for each place that calls go to."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.errors import Failed
from runbook.sandbox_start import SandboxFacts
from runbook.targets import Targets, describe, world_of
from runbook.values import Secret, SourceInt

FACTS = SandboxFacts("http://127.0.0.1:9", "eu-west-2", "id", "key", "/ca.pem", 100.0, world="w1")


def no_sandbox() -> SandboxFacts:
    raise AssertionError("nothing asked for the sandbox")


def test_the_first_settings_win() -> None:
    made = Targets(no_sandbox).target({"region": "a"}, None, {"region": "b", "profile": "p"})

    assert (made.region, made.profile) == ("a", "p")


def test_equal_settings_are_one_target() -> None:
    targets = Targets(no_sandbox)

    assert targets.target({"region": "a"}) is targets.target(None, {"region": "a"})


def test_secrets_are_told_apart() -> None:
    targets = Targets(no_sandbox)
    first, second = (targets.target({"external_id": Secret(text)}) for text in ("one", "two"))

    assert (first.external_id, second.external_id) == ("one", "two")


@pytest.mark.parametrize("written", [SourceInt(8, "000000000010"), "10", [10], 10])
def test_accounts_are_text_of_twelve_digits(written: Any) -> None:
    assert Targets(no_sandbox).target({"allowed_account_ids": written}).allowed_account_ids == (
        "000000000010",
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"regoin": "a"}, "Unknown key 'regoin' in `aws:`\n  Did you mean 'region'?"),
        ({"region": ["a"]}, "`aws:` region needs text, and this is list"),
        ("eu-west-2", "`aws:` needs a mapping, and this is str"),
    ],
)
def test_what_can_be_no_settings_is_refused(settings: Any, says: str) -> None:
    with pytest.raises(Failed) as refused:
        Targets(no_sandbox).target(settings)
    assert str(refused.value) == says


def test_the_sandbox_is_started_once_and_takes_no_profile() -> None:
    started = []

    def start() -> SandboxFacts:
        started.append(1)
        return FACTS

    targets = Targets(start)
    made = [targets.target({"endpoint_url": "sandbox", "profile": "prod"}) for _ in range(2)]

    assert started == [1]
    assert made[0].profile is None
    assert (made[0].endpoint_url, made[0].region, made[0].speed) == (FACTS.endpoint_url, "eu-west-2", 100.0)


def test_a_target_is_described_in_one_phrase() -> None:
    targets = Targets(lambda: FACTS)
    sandbox = targets.target({"endpoint_url": "sandbox"})

    assert describe(sandbox) == "sandbox (http://127.0.0.1:9)"
    assert world_of(sandbox) == "sandbox w1"
    assert describe(targets.target({"region": "eu-west-2"})) == "AWS eu-west-2"
    assert describe(targets.target({"profile": "lab"})) == "AWS default Region, profile lab"
    assert world_of(targets.target()) == "aws"
