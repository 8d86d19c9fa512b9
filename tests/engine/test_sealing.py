"""Secrets in the state file: sealed, opened, and known again."""

from __future__ import annotations

from itertools import pairwise

import pytest
from runbook.journal import EffectDone
from runbook.journal_codec import Encoder, decode
from runbook.sealing import Seal, Seals
from runbook.values import Secret, Unknown, contains_unknown

SALT = b"0123456789abcdef"


def test_what_is_sealed_opens_with_the_same_key_only() -> None:
    sealed = Seal(b"key", SALT).seal(b"hunter2", "no_log")
    assert Seal(b"key", SALT).open(sealed, "no_log") == b"hunter2"
    for other in (Seal(b"other", SALT), Seal(b"key", b"another salt...."), Seal(None, SALT)):
        assert other.open(sealed, "no_log") is None


def test_a_sealed_text_is_good_for_what_it_is_about_only() -> None:
    seal = Seal(b"key", SALT)
    assert seal.open(seal.seal(b"hunter2", "a"), "b") is None
    assert seal.open("bm9uc2Vuc2U=", "a") is None
    assert seal.open("no base64", "a") is None


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    seal = Seal(b"key", SALT)
    assert seal.seal(b"x", "") != seal.seal(b"x", "")


@pytest.mark.parametrize("key", [b"key", None])
def test_a_digest_knows_a_secret_again_and_tells_nothing(key: bytes | None) -> None:
    digest = Seal(key, SALT).digest("1234")
    assert Seal(key, SALT).digest("1234") == digest
    assert Seal(key, SALT).digest("1235") != digest
    assert Seal(key, b"another salt....").digest("1234") != digest


def test_digests_of_different_keys_are_not_compared() -> None:
    seals = [Seal(b"key", SALT), Seal(b"other", SALT), Seal(None, SALT)]
    for one, other in pairwise([*seals, seals[0]]):
        assert one.comparable(one.digest("x"))
        assert not one.comparable(other.digest("x"))


def test_a_run_from_before_there_were_salts_seals_nothing() -> None:
    assert not Seals(b"key").of("").has_key
    assert Seals(b"key").of("00").has_key


@pytest.mark.parametrize("value", ["hunter2", {"a": [b"\xff", None, 1.5]}, ["\ud800", {"$dict": 1}]])
def test_a_secret_of_any_kind_travels_sealed(value: object) -> None:
    seal = Seal(b"key", SALT)
    record = EffectDone(step="s", key="k", attempt=1, result={"x": [Secret(value, "no_log")]})
    line = Encoder(None, seal.seal).encode(record)
    assert b"hunter2" not in line
    back = decode(line, seal.open)
    assert isinstance(back, EffectDone)
    box = back.result["x"][0]
    assert (Secret.reveal(box), box.origin) == (value, "no_log")
    for locked in (decode(line), decode(line, Seal(b"other", SALT).open)):
        assert isinstance(locked, EffectDone)
        assert contains_unknown(locked.result["x"])


def test_a_secret_that_is_not_known_is_not_sealed() -> None:
    record = EffectDone(step="s", key="k", attempt=1, result=Secret(Unknown("withheld"), "no_log"))
    assert b"$secret" in Encoder(None, Seal(b"key", SALT).seal).encode(record)
