"""`valkey_ops` against a real cluster, with TLS and JSON: both transports give the same."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from runbook.errors import Failed, Stopped
from runbook.model import Action, Change
from runbook.modules import _valkey_ssm
from runbook.modules._instances import Instance
from runbook.modules.valkey_ops import Output, ValkeyOps
from runbook.values import Unknown

from tests.support.clusters import STAND_IN, Lab, running_lab
from tests.support.context import TARGET, RecordingContext
from tests.support.module_cases import make_params
from tests.support.shell_instance import IDENTITY, ShellInstance

Play: TypeAlias = Callable[..., tuple[Change, Output]]

MODULE = ValkeyOps()

DIRECT = pytest.mark.parametrize("play", ["direct"], indirect=True)
"""For what a transport has no part in."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two shards, so that every second key lives elsewhere than where the endpoint leads to."""
    with running_lab(tmp_path_factory.mktemp("valkey-ops"), shards=2) as lab:
        yield lab


@pytest.fixture
def lab(shared: Lab) -> Lab:
    with shared.cluster_client() as client:
        client.flushall(target_nodes="primaries")
    return shared


@pytest.fixture
def instance(lab: Lab, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> ShellInstance:
    made = ShellInstance(tmp_path, lab.certificates.bundle_file)
    made.install_valkey_cli((sys.executable, "-I", "-S", STAND_IN[-1]))  # -I -S: starts faster
    monkeypatch.setattr(_valkey_ssm, "run_on_instances", made.run_on_instances)
    monkeypatch.setattr(_valkey_ssm, "one", lambda _ctx, _wanted: Instance(IDENTITY))
    monkeypatch.setattr(_valkey_ssm, "wait_online", lambda *_: None)
    return made


@pytest.fixture
def ctx(lab: Lab) -> RecordingContext:
    return RecordingContext(target=replace(TARGET, ca_file=str(lab.certificates.ca_file)))


@pytest.fixture(params=["direct", "ssm"])
def play(request: pytest.FixtureRequest, lab: Lab, instance: ShellInstance, ctx: RecordingContext) -> Play:
    """Observe, plan and apply, over one of the transports."""

    def run(**given: Any) -> tuple[Change, Output]:
        place = {"endpoint": lab.handle.address, "port": lab.handle.port, "transport": request.param}
        params = make_params(MODULE, {**place, "instance": IDENTITY, **given})
        change = MODULE.plan(params, MODULE.observe(ctx, params))
        if change.action is Action.NONE:
            return change, change.result
        return change, MODULE.apply(ctx, params, change)

    return run


COMMANDS: list[tuple[str | list[str], Any]] = [
    ('SET person:1 "John"', "OK"),
    ("GET person:1", "John"),
    ("GET nobody", None),
    ("DEL person:1", 1),
    ("EXISTS person:1", 0),
    (["SET", "k", "a b 'c' \"d\" \\ $HOME `x` ; {{ssm:x}} {{{"], "OK"),
    ("GET k", "a b 'c' \"d\" \\ $HOME `x` ; {{ssm:x}} {{{"),
    ('SET "été ☀" "line one\\nline two\\ttab"', "OK"),
    ("GET 'été ☀'", "line one\nline two\ttab"),
    ('SET k ""', "OK"),
    ("GET k", ""),
    ("RPUSH list a b c d e f g h i j k", 11),
    ("LRANGE list 0 -1", list("abcdefghijk")),
    ("LRANGE nolist 0 -1", []),
    ("EVAL \"return {1, {2, {}, 'x'}, {'y', {3, {4}}}}\" 0", [1, [2, [], "x"], ["y", [3, [4]]]]),
    ("MGET {t}1 {t}2", [None, None]),
    ("TYPE list", "list"),
    ("STRLEN list2", 0),
    ("PING", "PONG"),
    (["ECHO", "-e"], "-e"),
    (["ECHO", "(nil)"], "(nil)"),
    (["ECHO", "1) x"], "1) x"),
    ("""JSON.SET product:1 $ '{"id":1,"name":"Widget","price":9.99}'""", "OK"),
    (r'JSON.SET product:3 $ "{\"id\":2,\"name\":\"Contraption\",\"price\":29.99}"', "OK"),
    ("JSON.GET product:3", '{"id":2,"name":"Contraption","price":29.99}'),
    ("JSON.SET product:3 price 10.99", "OK"),
    ("JSON.GET product:3 price", "10.99"),
    ("JSON.GET product:3 $.price", "[10.99]"),
    ("JSON.SET product:3 price 10.10", "OK"),
    ("JSON.GET product:3 price", "10.10"),
    ("TYPE product:3", "ReJSON-RL"),
    ("JSON.DEL product:1", 1),
    ("JSON.DEL product:1", 0),
]
"""Commands and replies: those recorded from Valkey 7.2.7 with JSON, and what is hard to carry."""


def test_replies_are_the_recorded_ones_over_both_transports(play: Play) -> None:
    change, result = play(commands=[command for command, _ in COMMANDS])

    assert change.action is Action.RUN
    assert list(result.replies) == [reply for _, reply in COMMANDS]
    assert result.reply == "OK"
    assert result.binary == {}


def test_bytes_that_are_not_text_survive_in_base64(play: Play) -> None:
    _, result = play(commands=[r'SET bin "\x00\xff\r\n"', "GET bin", "MGET bin {bin}2"])

    assert list(result.replies) == ["OK", "\0\\xff\r\n", ["\0\\xff\r\n", None]]
    assert result.binary == {"1": "AP8NCg==", "2.0": "AP8NCg=="}


def test_cluster_nodes_is_told_as_it_is(play: Play, lab: Lab) -> None:
    change, result = play(commands=["CLUSTER NODES"])

    assert change.action is Action.READ
    lines = result.reply.splitlines()
    assert result.reply.endswith("\n")
    assert sorted(line.split()[1].partition("@")[0] for line in lines) == sorted(
        f"{node.address}:{node.port}" for shard in lab.handle.shards for node in shard.nodes
    )


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("GET list", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("NOSUCH 1", "ERR unknown command 'NOSUCH', with args beginning with: '1'"),
        ("JSON.GET product:1 nope", "NONEXISTENT JSON path does not exist"),
        ("MGET a b c", "CROSSSLOT Keys in request don't hash to the same slot"),
        ("SET k v EX nan", "ERR value is not an integer or out of range"),
    ],
)
def test_an_error_reply_fails_the_task_and_nothing_after_it_is_sent(
    play: Play, command: str, answer: str
) -> None:
    play(commands=["RPUSH list 1", "JSON.SET product:1 $ 1"])

    with pytest.raises(Failed) as failed:
        play(commands=["SET before 1", command, "SET after 1"])

    assert failed.value.message.startswith(command.partition(" ")[0])
    assert failed.value.message.rstrip().endswith(answer)
    assert failed.value.result["replies"][0] == "OK"
    _, result = play(commands=["EXISTS before", "EXISTS after"])
    assert list(result.replies) == [1, 0]


def test_keys_of_all_primaries(play: Play) -> None:
    play(commands=[f"SET person:{n} x" for n in range(20)])

    change, result = play(keys="person:*")

    assert change.action is Action.READ
    assert result.keys == sorted(f"person:{n}" for n in range(20))


def test_replies_longer_than_systems_manager_keeps(play: Play) -> None:
    noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=60_000))  # noqa: S311

    _, result = play(commands=[["SET", "long", noise], "GET long"])

    assert result.replies[1] == noise


def test_a_cluster_that_does_not_answer_is_named(play: Play) -> None:
    with pytest.raises(Failed, match=r"127\.0\.0\.1:9"):
        play(endpoint="127.0.0.1", port=9, commands=["PING"], timeout=5)


@DIRECT
def test_a_change_without_an_answer_in_time_is_in_doubt(play: Play) -> None:
    with pytest.raises(Stopped, match=r"in doubt whether 'command 1 \(BLPOP\)' happened"):
        play(commands=["BLPOP nothing 3"], timeout=0.3)


@pytest.mark.parametrize("play", ["ssm"], indirect=True)
def test_a_command_without_an_answer_in_time_is_named(play: Play) -> None:
    with pytest.raises(Failed, match="gave no answer to BLPOP nothing 3 within 1 s") as failed:
        play(commands=["BLPOP nothing 3"], timeout=1)
    assert "may have been carried out" in str(failed.value)


# ---------------------------------------------------------------- declared records


RECORDS: list[dict[str, Any]] = [
    {"key": "person:1", "string": "John"},
    {"key": "person:2", "string": ""},
    {"key": "product:1", "json": {"id": 1, "name": "Widget", "price": 9.99}},
    {"key": "flag", "json": True},
    {"key": "gone", "absent": True},
]


def test_records_are_written_once(play: Play, ctx: RecordingContext) -> None:
    first, written = play(records=RECORDS)
    effects = len(ctx.effects)
    second, kept = play(records=RECORDS)

    assert first.action is Action.CREATE
    assert first.reason == "4 of 5 not as declared"
    assert [record.changed for record in written.records] == [True, True, True, True, False]
    assert second.action is Action.NONE
    assert [record.changed for record in kept.records] == [False] * 5
    assert kept.records[2].before == '{"id":1,"name":"Widget","price":9.99}'
    assert len(ctx.effects) == effects


@DIRECT
def test_only_what_differs_is_written(play: Play, lab: Lab) -> None:
    play(records=RECORDS)
    with lab.cluster_client() as client:
        client.expire("person:1", 1000)

    change, result = play(records=[RECORDS[0], {"key": "person:2", "string": "Martha"}])

    assert change.action is Action.UPDATE
    assert change.before.records["person:2"].value == ""
    assert change.after.records["person:2"].value == "Martha"
    assert [(r.key, r.changed, r.before, r.after) for r in result.records] == [
        ("person:1", False, "John", "John"),
        ("person:2", True, "", "Martha"),
    ]
    with lab.cluster_client() as client:
        assert client.ttl("person:1") > 0, "writing it again would have removed its time to live"


@DIRECT
@pytest.mark.parametrize(
    ("stored", "asked", "same"),
    [
        ('{"b":1,"a":[1,2]}', {"a": [1, 2], "b": 1}, True),
        ('{"a":10.10}', {"a": 10.1}, True),
        ('{"a":1e1}', {"a": 10}, True),
        ('{"a":1}', {"a": True}, False),
        ('{"a":[1,2]}', {"a": [2, 1]}, False),
        ('{"a":"1"}', {"a": 1}, False),
        ('{"a":null}', {}, False),
    ],
)
def test_json_is_compared_by_value(play: Play, stored: str, asked: Any, same: bool) -> None:
    play(commands=[["JSON.SET", "doc", "$", stored]])

    change, _ = play(records=[{"key": "doc", "json": asked}])

    assert (change.action is Action.NONE) == same


@DIRECT
def test_json_at_a_path(play: Play) -> None:
    play(records=[{"key": "p", "json": {"price": 9.99, "tags": ["a"]}}])
    at_paths = [{"key": "p", "path": "$.price", "json": 10.5}, {"key": "p", "path": "tags", "absent": True}]

    change, result = play(records=at_paths)
    again, _ = play(records=at_paths)
    _, read = play(commands=["JSON.GET p"])

    assert change.action is Action.UPDATE
    assert [(r.key, r.before, r.after) for r in result.records] == [
        ("p $.price", "9.99", "10.5"),
        ("p tags", '["a"]', None),
    ]
    assert again.action is Action.NONE
    assert read.reply == '{"price":10.5}'


@DIRECT
def test_a_record_of_another_type(play: Play) -> None:
    play(commands=["RPUSH x 1", "RPUSH y 1", "SET z 1", "RPUSH w 1"])

    change, _ = play(records=[{"key": "x", "string": "s"}])
    assert change.before.records["x"].kind == "list"
    with pytest.raises(Failed, match="y holds a list"):
        play(records=[{"key": "y", "json": 1}])
    with pytest.raises(Failed, match="z holds a string"):
        play(records=[{"key": "z", "json": 1}])
    gone, _ = play(records=[{"key": "w", "absent": True}])
    assert gone.action is Action.DELETE


# ---------------------------------------------------------------- one transport's own


def test_direct_verifies_who_answers(lab: Lab) -> None:
    params = make_params(
        MODULE, {"endpoint": lab.handle.address, "port": lab.handle.port, "commands": ["PING"]}
    )
    stranger = RecordingContext()

    with pytest.raises(Failed, match="certificate") as failed:
        MODULE.apply(stranger, params, MODULE.plan(params, MODULE.observe(stranger, params)))

    assert "ca_file" in str(failed.value)


def test_through_an_instance_without_valkey_cli(
    lab: Lab, instance: ShellInstance, ctx: RecordingContext
) -> None:
    (instance.folder / "bin" / "valkey-cli").unlink()
    place = {"endpoint": lab.handle.address, "transport": "ssm", "instance": IDENTITY}
    params = make_params(MODULE, {**place, "commands": ["PING"]})

    with pytest.raises(Failed, match="there is no valkey-cli on this instance"):
        MODULE.apply(ctx, params, MODULE.plan(params, MODULE.observe(ctx, params)))


def test_a_password_is_read_on_the_instance(lab: Lab, instance: ShellInstance, ctx: RecordingContext) -> None:
    instance.install("aws", '#!/bin/sh\n[ "$4" = /lab/password ] && echo a-secret\n')
    instance.install("valkey-cli", '#!/bin/sh\n[ "$REDISCLI_AUTH" = a-secret ] && echo PONG\n')
    place = {"endpoint": lab.handle.address, "transport": "ssm", "instance": IDENTITY}
    params = make_params(
        MODULE, {**place, "username": "app", "password_from": "ssm:/lab/password", "commands": ["PING"]}
    )

    result = MODULE.apply(ctx, params, MODULE.plan(params, MODULE.observe(ctx, params)))

    assert result.reply == "PONG"
    assert "--user 'app'" in instance.scripts[0]
    assert "a-secret" not in instance.scripts[0]


# ---------------------------------------------------------------- a dry run before the cluster is there


def test_what_a_new_cluster_will_hold_is_known_before_it_is_there(ctx: RecordingContext) -> None:
    records = [{"key": "a", "string": "1"}, {"key": "b", "absent": True}]
    endpoint = Unknown("memorydb:cluster/lab-cluster endpoint")
    params = make_params(MODULE, {"endpoint": endpoint, "records": records})

    change = MODULE.plan(params, MODULE.observe(ctx, params))

    assert MODULE.resource(params) is None
    assert (change.action, change.reason) == (
        Action.CREATE,
        "1 of 2 not as declared: the cluster will be new",
    )
    assert [(record.key, record.changed) for record in change.result.records] == [("a", True), ("b", False)]


@pytest.mark.parametrize(
    "given",
    [
        {"endpoint": Unknown("a script's output"), "records": [{"key": "a", "string": "1"}]},
        {"endpoint": "127.0.0.1", "records": [{"key": "a", "string": Unknown("a script's output")}]},
    ],
)
def test_records_that_depend_on_something_else_are_undecided(
    ctx: RecordingContext, given: dict[str, Any]
) -> None:
    params = make_params(MODULE, given)

    change = MODULE.plan(params, MODULE.observe(ctx, params))

    assert (change.action, change.reason) == (
        Action.UNDECIDED,
        "what is there is known only after a script's output",
    )


@pytest.mark.parametrize(("command", "action"), [("GET a", Action.READ), ("SET a 1", Action.RUN)])
def test_commands_are_told_though_the_endpoint_is_not_known(
    ctx: RecordingContext, command: str, action: Action
) -> None:
    params = make_params(MODULE, {"endpoint": Unknown("memorydb:cluster/c endpoint"), "commands": [command]})

    change = MODULE.plan(params, MODULE.observe(ctx, params))

    assert change.action is action
    assert change.after.commands == [command]
