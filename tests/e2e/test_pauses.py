"""Expired credentials, a lost network and throttling past all patience are pauses: the run ends with code 4, no
host has failed, and it goes on from there when the trouble is over, with every effect made once."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from runbook.errors import Stopped
from runbook.journal import RunEnded
from runbook.journal_sqlite import SqliteJournal
from runbook.modules import _aws
from runbook.sandbox.folder import Sandbox
from runbook.sandbox_start import SandboxFacts

from tests.support.cli import Desk
from tests.support.plays import Folder, Played
from tests.support.records import header

PLAY = """
- hosts: lab
  gather_facts: false
  tasks:
    - name: Look
      ec2_info: {vpcs: [LabVPC]}
    - name: Command
      ssm_command: {instance: LabInstance, script: "echo x >> $HOME/NAME.txt; cat $HOME/NAME.txt"}
      register: said
    - name: Rule
      sg_rule: {group: EC2SecurityGroup, vpc: LabVPC, protocol: tcp, port: PORT, peer: {cidr: 10.9.0.0/16}}
    - name: Group
      memorydb_subnet_group: {name: NAME, vpc: LabVPC, subnets: [Private Subnet 1, Private Subnet 2]}
    - name: The end
      debug: {msg: "{{ said.stdout | default('') }}"}
"""


_numbers = itertools.count(4000)


def play_text() -> str:
    """Of things that no other test has made."""
    number = next(_numbers)
    return PLAY.replace("NAME", f"pauses-{number}").replace("PORT", str(number))


class World:
    """The sandbox, without a process for each question."""

    def __init__(self, facts: dict[str, Any], folder: Path) -> None:
        self.found = msgspec.convert(facts, SandboxFacts)
        self._sandbox = Sandbox(folder)

    def trouble(self, kind: str, service: str, call: str) -> None:
        self._sandbox.ask("POST", "faults", {"kind": kind, "service": service, "call": call, "count": 0})

    def calm(self) -> None:
        self._sandbox.ask("DELETE", "faults")

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._sandbox.ask("GET", "calls").decode().splitlines()]


class Line:
    """A network line to the sandbox that can be cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self._to))
            self._open += [here, there]
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def cut(self) -> None:
        with suppress(OSError):  # cut before
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            each.close()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture(scope="module")
def world(desks: dict[str, Desk], tmp_path_factory: pytest.TempPathFactory) -> World:
    desk = desks.setdefault(__name__, Desk(tmp_path_factory.mktemp("desk")))
    return World(desk.up(), desk.folder / "sandbox")


@pytest.fixture
def line(world: World) -> Iterator[Line]:
    made = Line(int(world.found.endpoint_url.rpartition(":")[2]))
    yield made
    made.cut()


@pytest.fixture
def folder(world: World, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    world.calm()
    facts = msgspec.structs.replace(world.found, endpoint_url=f"http://127.0.0.1:{line.port}")
    monkeypatch.setattr("runbook.runner.start_sandbox", lambda _note: facts)
    monkeypatch.setattr(_aws, "ATTEMPTS", 2)  # one retry is as good as seven, and sooner over
    (tmp_path / "hosts.yml").write_text("all: {hosts: {lab: {aws: {endpoint_url: sandbox}}}}\n")
    made = Folder(tmp_path, inventory=str(tmp_path / "hosts.yml"))
    made.write("site.yml", play_text())
    yield made
    world.calm()


def paused(played: Played) -> str:
    """Why it stopped, after the look at how."""
    assert played.code == 4
    assert all(tally.failed == tally.unreachable == 0 for tally in played.finished.hosts.values())
    assert played.finished.resume.startswith("runbook resume ")
    assert played.finished.left is not None
    (stop,) = played.finished.stops
    assert (stop.host, stop.hint != "") == ("lab", True)
    return f"{stop.task}: {stop.message}"


def goes_on(folder: Folder, world: World, before: int) -> None:
    """The rest of it, with each effect made once, all times together."""
    played = folder.play()
    assert (played.code, played.started.resumed) == (0, True), played.of_failed
    assert played.message("The end") == "x"
    asked = Counter(call["action"] for call in world.calls()[before:] if call["outcome"] == "ok")
    for effect in ("SendCommand", "AuthorizeSecurityGroupIngress", "CreateSubnetGroup"):
        assert asked[effect] == 1, asked


WHERE = [
    ("ec2", "DescribeVpcs", "Look"),
    ("ssm", "SendCommand", "Command"),
    ("ssm", "ListCommandInvocations", "Command"),
    ("ec2", "AuthorizeSecurityGroupIngress", "Rule"),
    ("memorydb", "DescribeSubnetGroups", "Group"),
    ("memorydb", "CreateSubnetGroup", "Group"),
]
"""In a look, in an effect, while something is waited for."""


@pytest.mark.parametrize(("service", "call", "task"), WHERE)
@pytest.mark.parametrize(
    ("kind", "words"), [("expire-credentials", "credentials have expired"), ("throttle", "called too often")]
)
def test_a_pause_goes_on_when_the_trouble_is_over(
    folder: Folder, world: World, kind: str, words: str, service: str, call: str, task: str
) -> None:
    before = len(world.calls())
    world.trouble(kind, service, call)
    why = paused(folder.play())
    assert why.startswith(f"{task}: ")
    assert words in why
    assert task in paused(folder.play()), "it stops there again while the trouble lasts"
    world.calm()
    goes_on(folder, world, before)


def test_a_lost_network_costs_no_step(folder: Folder, world: World, line: Line) -> None:
    before = len(world.calls())
    runner, events = folder.runner()
    told = runner.report

    def cut_after_the_command(event: Any) -> None:
        told(event)
        if getattr(event, "task", "") == "Command" and hasattr(event, "outcome"):
            line.cut()

    runner.report = cut_after_the_command
    runner._ending.report = cut_after_the_command
    played = Played(runner.run(), events)
    assert played.code == 4
    assert [tally.failed for tally in played.finished.hosts.values()] == [0]
    assert played.finished.resume.startswith("runbook resume ")
    why = played.of_failed["Rule"]["msg"]
    assert why.startswith("ec2 ")
    assert "can't be reached" in why or "got no answer" in why
    line.mend()
    goes_on(folder, world, before)


@pytest.mark.parametrize("kind", ["expire-credentials", "throttle"])
def test_trouble_before_the_first_step_is_a_pause_too(folder: Folder, world: World, kind: str) -> None:
    before = len(world.calls())
    world.trouble(kind, "ssm", "SendCommand")
    paused(folder.play())
    world.calm()
    world.trouble(kind, "sts", "GetCallerIdentity")
    with pytest.raises(Stopped, match=r"expired|called too often") as stopped:
        folder.play()
    assert "The same command goes on from here" in str(stopped.value)
    world.calm()
    goes_on(folder, world, before)


def test_the_command_ends_with_4_and_says_how_to_go_on(desk: Desk, world: World) -> None:
    world.calm()
    (desk.folder / "play.yml").write_text(play_text())
    words = ("play", "play.yml", "-i", str(desk.inventory("sandbox.yml")))
    world.trouble("expire-credentials", "sts", "GetCallerIdentity")
    early = desk.run(*words)
    assert (early.code, early.stdout) == (4, ""), early
    assert "Nothing was done yet. The same command goes on from here." in early.stderr
    world.calm()
    world.trouble("expire-credentials", "ssm", "SendCommand")
    ended = desk.run(*words)
    assert ended.code == 4, ended
    card = ended.stdout[ended.stdout.index("STOPPED [") :]
    assert "credentials have expired" in card
    assert "Not started: 3 tasks on " in card
    assert card.splitlines()[-1].strip().startswith("runbook resume ")
    world.calm()
    assert desk.run(*card.splitlines()[-1].split()[1:]).code == 0


def test_plan_and_play_warn_when_the_credentials_will_end_first(world: World, tmp_path: Path) -> None:
    end = datetime.now(UTC) + timedelta(minutes=30)
    desk = Desk(
        tmp_path,
        environ={
            "AWS_ACCESS_KEY_ID": world.found.access_key_id,
            "AWS_SECRET_ACCESS_KEY": world.found.secret_access_key,
            "AWS_CREDENTIAL_EXPIRATION": end.isoformat(),
            "AWS_DEFAULT_REGION": world.found.region,
        },
    )
    world.calm()
    (tmp_path / "hosts.yml").write_text(
        f"all: {{hosts: {{lab: {{aws: {{endpoint_url: '{world.found.endpoint_url}'}}}}}}}}\n"
    )
    (tmp_path / "look.yml").write_text("- {hosts: lab, tasks: [{ec2_info: {vpcs: [LabVPC]}}]}\n")
    words = ("look.yml", "-i", "hosts.yml", "--state", "s.db")
    assert "credentials" not in desk.run("play", *words).stdout, "nobody knows yet how long it takes"
    with SqliteJournal(tmp_path / "s.db") as journal:
        journal.begin(header("long", playbook=str(tmp_path / "look.yml"), target="aws"))
        journal.commit(RunEnded(status="done", exit_code=0, ended=end, seconds=7200))
    with SqliteJournal(tmp_path / "s.db") as journal:
        journal.begin(header("longer", playbook=str(tmp_path / "look.yml"), target="aws"))
        journal.commit(RunEnded(status="done", exit_code=0, ended=end, seconds=7300))
    for command in ("plan", "play"):
        told = desk.run(command, *words)
        assert told.code == 0, told
        assert "note: The AWS credentials of arn:aws:" in told.stdout
        assert "a run of this playbook usually takes 2 h 00 min." in told.stdout
