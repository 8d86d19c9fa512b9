"""Known secret texts are masked in every form in which they travel."""

from __future__ import annotations

import base64
import dataclasses
import json
import shlex
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import msgspec
import pytest
from runbook.scope import VariableScope
from runbook.secrets import Masker, secret_paths
from runbook.template import Templates
from runbook.values import DERIVED, MASK, Secret, Template, Unknown

WORD = "p@ss w\"or'd/é+1"


@pytest.fixture
def masker() -> Masker:
    made = Masker()
    made.add(WORD)
    return made


@pytest.mark.parametrize(
    "form",
    [
        WORD,
        json.dumps(WORD),
        json.dumps({"k": [WORD]}, ensure_ascii=False),
        quote(WORD),
        quote(WORD, safe=""),
        quote_plus(WORD),
        urlencode({"p": WORD}),
        shlex.quote(WORD),
        shlex.join(["mysql", "-p" + WORD]),
        repr(WORD),
        base64.b64encode(WORD.encode()).decode(),
        base64.b64encode(f"user:{WORD}".encode()).decode(),
        base64.b64encode(f"us:{WORD}:tail".encode()).decode(),
        base64.urlsafe_b64encode(f"u{WORD}".encode()).decode(),
    ],
)
def test_every_form_of_a_secret_is_masked(masker: Masker, form: str) -> None:
    masked = masker.mask(f"before {form} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert MASK in masked
    for piece in ("p@ss", "w%22or", "or'd", "p%40ss", base64.b64encode(WORD.encode()).decode()[4:16]):
        assert piece not in masked


def test_nothing_is_touched_while_nothing_is_known() -> None:
    data = {"a": ["text", 1]}
    assert Masker().mask("some text") == "some text"
    assert Masker().mask_data(data) is data


def test_very_short_secrets_do_not_shred_the_output() -> None:
    masker = Masker()
    masker.add("abc")
    masker.add(7)
    masker.add(True)
    masker.add(None)
    assert masker.mask("abc 7 True None") == "abc 7 True None"


def test_a_longer_secret_is_masked_before_the_one_inside_it() -> None:
    masker = Masker()
    masker.add("secret")
    masker.add("secret-and-more")
    assert masker.mask("x secret-and-more y") == f"x {MASK} y"


def test_lines_of_a_key_are_masked_one_by_one() -> None:
    masker = Masker()
    masker.add("-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n")
    assert masker.mask("  MIIEvQIBADANBg\n") == f"  {MASK}\n"


class Seen(msgspec.Struct, frozen=True):
    name: str
    tags: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Wrapped:
    seen: Seen
    count: int


def test_data_is_masked_deeply_and_keeps_its_types(masker: Masker) -> None:
    planned = Unknown("x")
    data = {
        "line": f"a {WORD}",
        WORD: [1, (WORD, b"raw " + WORD.encode()), Secret("boxed")],
        "struct": Wrapped(Seen("n", {"k": WORD}), 3),
        "unknown": planned,
        "same": {"a": 1},
    }
    masked: Any = masker.mask_data(data)
    assert masked["line"] == f"a {MASK}"
    assert masked[MASK] == [1, (MASK, f"raw {MASK}".encode()), MASK]
    assert masked["struct"] == Wrapped(Seen("n", {"k": MASK}), 3)
    assert masked["unknown"] is planned
    assert masked["same"] is data["same"]


def test_paths_of_secrets_in_arguments() -> None:
    args = {"user": "joe", "password": Secret("x"), "list": [{"key": Secret("y")}, 1]}
    assert secret_paths(args) == {("password",), ("list", 0, "key")}


def test_the_masker_learns_the_secrets_that_templates_read_but_not_a_choice_that_hangs_on_them() -> None:
    masker = Masker()
    templates = Templates(masker=masker)
    layer = {"token": Secret("tok-12345", "vault"), "env": Template("{{ 'production' if token else 'x' }}")}
    scope = VariableScope(templates, [layer])
    made = templates.render(Template("{{ env }} {{ token }}"), scope)
    assert Secret.reveal(made) == "production tok-12345"
    assert made.origin == DERIVED
    assert masker.mask("production has tok-12345") == f"production has {MASK}"


def test_a_box_shows_a_mask_only() -> None:
    assert f"{Secret('x')} {Secret('x')!r}" == f"{MASK} {MASK}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ token | reverse }}",
        "say {{ token | reverse }}!",
        "{{ token[::-1] }}",
        "{{ token | upper | lower | reverse }} {{ 'more' }}",
    ],
)
def test_the_masker_learns_texts_that_are_made_from_secrets(text: str) -> None:
    masker = Masker()
    templates = Templates(masker=masker)
    scope = VariableScope(templates, [{"token": Secret("tok-12345", "vault")}])
    templates.render(Template(text), scope)
    assert masker.mask("it is 54321-kot") == f"it is {MASK}"
