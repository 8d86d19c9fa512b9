"""What a record holds comes back as it was, and what must not be written is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from runbook.errors import JournalError
from runbook.journal import Record
from runbook.journal_codec import Encoder, decode
from runbook.model import Action, AddHost, Change, Include, Meta, Outcome, Status
from runbook.values import Secret, SourceFloat, SourceInt, Template, Unknown

from tests.support.records import ended, header, intent, item, landed, outcome, step


def again(record: Record) -> Any:
    return decode(Encoder().encode(record))


def kept(value: Any) -> Any:
    return again(landed(result=value)).result


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "plain",
        "ünïcödé ☃ 🦀",
        "nul \x00 and escape \x1b[2J",
        "half a character \ud800 and \udcff",
        b"",
        b"\x00\xff\xfe",
        0,
        -(2**63),
        2**63 - 1,
        2**200,
        -(2**200),
        0.1,
        -0.0,
        1e308,
        math.inf,
        -math.inf,
        [1, [2, [3, []]]],
        {},
        {"a": {"b": [None, {"c": b"x"}]}},
        {"$time": "not a time"},
        {"$dict": []},
        {"$": 1, "": 2},
        {1: "one", None: "none", (1, 2): "pair", 1.5: "half"},
        {"1": "text", 1: "number"},
        {b"raw": 1},
        {"half \ud800": 1},
        {1, 2, "three"},
        set(),
        datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC),
        datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(2026, 3, 1, 12, 30),  # noqa: DTZ001 (YAML gives such)
        date(2026, 3, 1),
        "$.price",
        '{"$bytes": "aGk="}',
    ],
    ids=lambda value: (
        "set" if isinstance(value, set) else repr(value)
    ),  # a set's text differs from process to process
)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    back = kept(value)
    assert back == value
    assert type(back) is type(value)


class Partial(msgspec.Struct, frozen=True):
    size: int
    target: str | msgspec.UnsetType = msgspec.UNSET


def test_a_field_that_is_not_there_is_not_written() -> None:
    assert kept(Partial(1)) == {"size": 1}
    assert kept(Partial(1, "x")) == {"size": 1, "target": "x"}


def test_not_a_number_stays_one() -> None:
    assert math.isnan(kept(math.nan))


def test_what_the_operator_wrote_for_a_number_survives() -> None:
    version, mode = kept([SourceFloat(7.1, "7.10"), SourceInt(15, "0o17")])
    assert (version, version.text) == (7.1, "7.10")
    assert (mode, mode.text) == (15, "0o17")


def test_the_sign_of_zero_survives() -> None:
    assert math.copysign(1, kept(-0.0)) == -1


class Shard(msgspec.Struct, frozen=True):
    name: str
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    zone: str


class Sparse(msgspec.Struct):
    always: int = 1
    sometimes: int | msgspec.UnsetType = msgspec.UNSET


def test_a_field_that_is_not_set_is_not_kept() -> None:
    assert kept([Sparse(), Sparse(sometimes=2)]) == [{"always": 1}, {"always": 1, "sometimes": 2}]


def test_typed_values_come_back_as_plain_data() -> None:
    value = {"shard": Shard("0001", ("a", "b")), "place": Place("a"), "status": Status.OK, "pair": (1, 2)}
    assert kept(value) == {
        "shard": {"name": "0001", "nodes": ["a", "b"]},
        "place": {"zone": "a"},
        "status": "ok",
        "pair": [1, 2],
    }


@pytest.mark.parametrize(
    "record",
    [
        header(argv=("runbook", "play", "lab.yml"), tags=("a",), account="123", region="eu-west-2"),
        step(register="out", rescued=True, definition="d1", reads={"name": "d2"}),
        item("s1", "a", 2, outcome(Status.CHANGED, changed=True)),
        intent(before={"replicas": 0}),
        landed(result=[1], attempt=3),
        landed(error="AccessDenied"),
        ended("stopped", 4),
    ],
    ids=lambda record: type(record).__name__,
)
def test_every_kind_of_record_comes_back_equal(record: Record) -> None:
    assert again(record) == record


def test_an_outcome_keeps_all_that_a_resume_needs() -> None:
    whole = Outcome(
        status=Status.FAILED,
        result={"msg": "no", "stdout": b"\xff"},
        changes=(
            Change(
                action=Action.UPDATE,
                resource="a:b/c",
                before={"n": 0},
                after={"n": 1},
                reason="why",
                warnings=("w",),
            ),
        ),
        facts={"x": {1, 2}},
        notified=("restart",),
        directives=(
            Include("more.yml", {"item": b"\xff"}, "1.0"),
            AddHost("h", ("g",), {"v": 1}),
            Meta("noop"),
        ),
        ignored=True,
        seconds=1.25,
    )
    assert again(step(ended=whole)).outcome == whole


def test_the_result_of_a_task_that_was_only_planned_may_hold_unknowns() -> None:
    back = again(step(ended=outcome(Status.CHANGED, stdout=Unknown("later")))).outcome.result["stdout"]
    assert Unknown.describe(back) == "later"


def test_what_a_change_leads_to_may_hold_unknowns() -> None:
    change = Change(action=Action.CREATE, after={"endpoint": Unknown("cluster endpoint")})
    (back,) = again(step(ended=Outcome(status=Status.CHANGED, result={}, changes=(change,)))).outcome.changes
    assert Unknown.describe(back.after["endpoint"]) == "cluster endpoint"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Unknown("cluster endpoint"), "cluster endpoint"),
        (Template("{{ x }}"), "{{ x }}"),
        (object(), "object"),
        (open, "builtin_function_or_method"),
    ],
    ids=["unknown", "template", "object", "function"],
)
def test_what_is_no_data_is_refused_by_name(value: Any, named: str) -> None:
    with pytest.raises(JournalError, match="can't be kept") as caught:
        kept({"deep": [value]})
    assert named in str(caught.value)


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(JournalError, match="holds itself"):
        kept(endless)


def test_a_secret_is_not_written_and_its_use_raises() -> None:
    line = Encoder().encode(landed(result={"password": Secret("hunter2", "db_password")}))
    assert b"hunter2" not in line
    back = decode(line).result["password"]  # type: ignore[union-attr]
    assert isinstance(back, Secret)
    assert back.origin == "db_password"
    with pytest.raises(Exception, match="db_password"):
        str(Secret.reveal(back))


def written_by(mask: Callable[[str], str], record: Record) -> str:
    return Encoder(mask).encode(record).decode()


@pytest.mark.parametrize(
    "record",
    [
        step(ended=outcome(msg="is hunter2", deep=[{"hunter2": "x"}])),
        step(ended=Outcome(status=Status.OK, result={}, facts={"a": "hunter2"})),
        step(
            ended=Outcome(
                status=Status.OK,
                result={},
                changes=(
                    Change(
                        action=Action.RUN, reason="hunter2", after={"a": "hunter2"}, warnings=("hunter2",)
                    ),
                ),
            )
        ),
        intent(before=["hunter2"]),
        landed(result={"a": "hunter2"}),
        landed(error="hunter2 was refused"),
        header(argv=("runbook", "-e", "password=hunter2")),
    ],
    ids=["result", "facts", "change", "before", "effect", "error", "argv"],
)
def test_known_secrets_are_masked_wherever_text_stands(record: Record) -> None:
    line = written_by(lambda text: text.replace("hunter2", "********"), record)
    assert "hunter2" not in line
    assert "********" in line


def test_known_secrets_are_masked_in_bytes() -> None:
    masked = Encoder(lambda text: text.replace("hunter2", "********")).encode(
        landed(result=[b"a hunter2 \xff", b"plain \xfe"])
    )
    kept_back: Any = decode(masked)
    assert kept_back.result == [b"a ******** \xff", b"plain \xfe"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"kind":"nobody"}', b'{"kind":"effect"}', b"\xff"])
def test_what_is_no_record_is_told(body: bytes) -> None:
    with pytest.raises(JournalError, match="can't be read"):
        decode(body)


def test_a_kind_of_value_from_a_newer_version_is_told() -> None:
    body = Encoder().encode(landed(result="x")).replace(b'"x"', b'{"$later": 1}')
    with pytest.raises(JournalError, match=r"\$later"):
        decode(body)
