"""The command as a person runs it: real processes, their exit codes, what they print, what they leave."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.cli import Desk
from tests.support.golden import assert_golden

GOOD = (
    "- hosts: localhost\n  tasks:\n    - {name: one, debug: {msg: hi}}\n    - {name: two, command: 'true'}\n"
)
BAD = """
- hosts: localhost
  tasks:
    - {name: mark, command: touch done, args: {creates: done}}
    - {name: gate, command: test -e gate}
    - {name: told, debug: {msg: "size {{ size | default('none') }} {{ db_password | default('no password') }}"}}
"""


@pytest.fixture
def plain(tmp_path: Path) -> Desk:
    """A folder without a sandbox."""
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "bad.yml").write_text(BAD)
    return Desk(tmp_path)


def runs(desk: Desk, *words: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(desk.run("runs", "--output", "json", *words).stdout)
    return found


def test_a_play_for_hosts_that_are_not_there_is_skipped_with_the_nearest_name(plain: Desk) -> None:
    (plain.folder / "two.yml").write_text("- hosts: wbe:db\n  tasks: [{debug: {msg: hi}}]\n- hosts: wbe\n")
    (plain.folder / "hosts").write_text("[web]\na\n[db]\nb\n")
    ended = plain.run("play", "two.yml", "-i", "hosts")
    assert ended.code == 0
    assert "ok: [b]" in ended.stdout
    assert (
        ended.stdout.count("No host and no group matches 'wbe'; it is left out\n      Did you mean 'web'?")
        == 2
    )


def test_the_hosts_of_a_play_may_come_from_the_inventory(plain: Desk) -> None:
    (plain.folder / "two.yml").write_text(
        "- hosts: \"{{ groups['web'] }}\"\n  tasks: [{debug: {msg: hi}}]\n"
        "- hosts: \"{{ hostvars['a'].other }}\"\n  tasks: [{debug: {msg: hi}}]\n"
    )
    (plain.folder / "hosts").write_text("[web]\na other=b\nc\n[db]\nb\n")
    ended = plain.run("play", "two.yml", "-i", "hosts")
    shown = [line.rstrip("* ") for line in ended.stdout.splitlines() if line.startswith(("PLAY [", "ok:"))]
    assert shown == ["PLAY [['a', 'c']]", "ok: [a]", "ok: [c]", "PLAY [b]", "ok: [b]"]


# ---------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--version", 0),
        ("--help", 0),
        ("play --help", 0),
        ("play good.yml", 0),
        ("play bad.yml", 2),
        ("play bad.yml --check", 0),
        ("plan good.yml", 0),
        ("plan good.yml --detailed-exitcode", 3),
        ("plan good.yml --detailed-exitcode --tags none", 0),
        ("play", 1),
        ("play nix.yml", 1),
        ("play good.yml --nix", 1),
        ("play good.yml bad.yml", 2),
        ("play -v good.yml -c local -T 10 --flush-cache -M lib --force-handlers", 0),
        ("play good.yml --connection ssh", 1),
        ("play good.yml -f 0", 1),
        ("play good.yml -i nix.ini", 1),
        ("play good.yml -l nix", 1),
        ("play good.yml -e nix", 1),
        ("play good.yml --start-at-task nix", 1),
        ("play good.yml --syntax-check", 0),
        ("resume", 1),
        ("resume nix", 1),
        ("runs", 0),
        ("show", 1),
        ("show nix", 1),
        ("doc", 0),
        ("schema", 0),
        ("schema nix", 1),
        ("lint --rules", 0),
        ("lint good.yml", 1),
        ("lint nix.yml", 1),
        ("doc debug", 0),
        ("doc nix", 1),
        ("inventory -i a,b", 0),
        ("inventory -i a,b -l nix", 1),
        ("sandbox --help", 0),
        ("sandbox nix", 1),
        ("nix", 1),
    ],
)
def test_exit_codes(plain: Desk, words: str, code: int) -> None:
    ended = plain.run(*words.split())

    assert ended.code == code, ended
    assert "Traceback" not in ended.stderr
    assert "Internal error" not in ended.stderr


def test_a_template_that_fails_before_the_run_is_wrong_use(plain: Desk) -> None:
    (plain.folder / "t.yml").write_text("- {hosts: '{{ nix }}', tasks: [{debug: {}}]}\n")
    ended = plain.run("play", "t.yml")

    assert ended.code == 1
    assert "'nix' is undefined" in ended.stderr
    assert not (plain.folder / ".runbook").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_stopped_run_ends_with_4_and_can_be_resumed(plain: Desk, number: str) -> None:
    (plain.folder / "slow.yml").write_text(
        "- {hosts: localhost, tasks: [{name: one, debug: {}}, {name: slow, pause: {seconds: 30}}]}\n"
    )
    process = plain.start("play", "slow.yml")
    assert process.stdout is not None
    shown = ""
    while "TASK [slow" not in shown:
        shown += process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(getattr(signal, number))
    began = time.monotonic()
    rest, _ = process.communicate(timeout=20)

    assert process.returncode == 4, rest
    assert time.monotonic() - began < 5
    assert "Stopping: what was begun is recorded." in rest
    assert f"runbook resume {runs(plain)[0]['run']}" in rest


# ---------------------------------------------------------------- play, plan


def test_a_dry_run_leaves_nothing(plain: Desk) -> None:
    for words in (("plan", "bad.yml"), ("play", "bad.yml", "-C", "-D"), ("play", "bad.yml", "--list-tasks")):
        assert plain.run(*words).code == 0
    assert sorted(path.name for path in plain.folder.iterdir()) == ["bad.yml", "good.yml"]


def test_play_options_select(plain: Desk) -> None:
    (plain.folder / "tags.yml").write_text(
        """
- hosts: all
  connection: local
  tasks:
    - {name: a, debug: {}, tags: [a]}
    - {name: b, debug: {}, tags: [b]}
    - {name: c, debug: {msg: "{{ x }}"}, tags: [c]}
"""
    )
    words = ("play", "tags.yml", "-i", "web1,web2", "--output", "json", "-e", "x=1")

    def names(*more: str) -> list[str]:
        ended = plain.run(*words, *more)
        assert ended.code == 0, ended
        return [f"{e['task']}@{e['host']}" for e in ended.events if e["event"] == "step_finished"]

    assert names("-t", "a,b", "--skip-tags", "b") == ["a@web1", "a@web2"]
    assert names("-l", "web2", "--start-at-task", "b", "-f", "1") == ["b@web2", "c@web2"]


def test_lists(plain: Desk) -> None:
    ended = plain.run("play", "bad.yml", "--list-tasks", "--list-hosts", "--list-tags")

    assert ended.code == 0
    assert_golden("cli/lists.txt", ended.stdout)


@pytest.mark.parametrize(
    ("words", "instead"),
    [("-b", "connection: ssm"), ("--become-user x", "connection: ssm"), ("-u root", "does not log in"),
     ("--private-key k.pem", "does not log in"), ("-kK", "does not log in")],
)  # fmt: skip
def test_logging_in_is_refused_with_what_to_do_instead(plain: Desk, words: str, instead: str) -> None:
    ended = plain.run("play", "good.yml", *words.split())

    assert ended.code == 1
    assert words.split()[0][:2] in ended.stderr
    assert instead in ended.stderr


def test_several_playbooks_are_one_run(plain: Desk) -> None:
    (plain.folder / "sets.yml").write_text(
        "- {hosts: localhost, tasks: [{set_fact: {known: from the first}}, {command: test -e gate}]}\n"
    )
    (plain.folder / "reads.yml").write_text("- {hosts: localhost, tasks: [{debug: {msg: '{{ known }}'}}]}\n")
    listed = plain.run("play", "sets.yml", "reads.yml", "--syntax-check")
    assert listed.stdout == "\nplaybook: sets.yml\n\nplaybook: reads.yml\n"

    assert plain.run("play", "sets.yml", "reads.yml").code == 2
    (plain.folder / "gate").touch()
    ended = plain.run("resume")

    assert ended.code == 0
    assert "goes on: sets.yml reads.yml" in ended.stdout
    assert "from the first" in ended.stdout


def test_handlers_are_forced_for_a_whole_run(plain: Desk) -> None:
    (plain.folder / "h.yml").write_text(
        "- hosts: localhost\n  tasks: [{command: 'true', notify: h}, {fail: {}}]\n"
        "  handlers: [{name: h, debug: {msg: handled}}]\n"
    )
    assert "handled" not in plain.run("play", "h.yml").stdout
    assert "handled" in plain.run("play", "h.yml", "--force-handlers").stdout


def test_the_connection_of_the_command_line_is_the_weakest(plain: Desk) -> None:
    (plain.folder / "c.yml").write_text("- {hosts: h1, tasks: [{command: echo here}]}\n")
    assert plain.run("play", "c.yml", "-i", "h1,").code == 1
    assert plain.run("play", "c.yml", "-i", "h1,", "-c", "local").code == 0
    (plain.folder / "hosts").write_text("h1 ansible_connection=ssm\n")
    refused = plain.run("play", "c.yml", "-i", "hosts", "-c", "local", "--check")
    assert "No AWS Region" in refused.stderr


def test_the_environment_names_state_and_inventory(plain: Desk) -> None:
    environ = {"RUNBOOK_STATE": "other/s.db", "RUNBOOK_INVENTORY": "web9,"}
    desk = Desk(plain.folder, environ)
    (plain.folder / "all.yml").write_text("- {hosts: web9, tasks: [{debug: {}}]}\n")

    assert desk.run("play", "all.yml").code == 0
    assert (plain.folder / "other" / "s.db").exists()
    assert len(runs(desk)) == 1
    assert len(runs(plain, "--state", "other/s.db")) == 1


# ---------------------------------------------------------------- going on


def test_resume_goes_on_with_the_options_of_the_run_in_its_folder(plain: Desk, tmp_path: Path) -> None:
    (plain.folder / "vars.yml").write_text("size: 3\n")
    assert plain.run("play", "bad.yml", "-e", "@vars.yml").code == 2
    (plain.folder / "gate").touch()
    elsewhere = Desk(tmp_path.parent)
    state = str(plain.folder / ".runbook" / "state.db")
    ended = elsewhere.run("resume", "--state", state, "--output", "json")

    assert ended.code == 0, ended
    steps = [event for event in ended.events if event["event"] == "step_finished"]
    assert [step["replayed"] for step in steps] == [True, False, False]
    assert steps[-1]["outcome"]["result"]["msg"] == "size 3 no password"
    assert plain.run("resume").stderr.startswith("Error: All runs in ")


def test_a_secret_of_e_is_nowhere_and_resume_asks_for_it(plain: Desk) -> None:
    assert plain.run("play", "bad.yml", "-e", "db_password=hunter22", "-v").code == 2
    run = runs(plain)[0]["run"]
    (plain.folder / "gate").touch()
    asked = plain.run("resume")

    assert asked.code == 1
    assert asked.stderr == (
        f"Error: Run {run} was started with db_password by `-e`, and the state file keeps no secrets\n"
        f"  Give it again: runbook resume {run} -e db_password=...\n"
    )
    ended = plain.run("resume", "-e", "db_password=hunter22", "-e", "size=5", "-vvv")
    assert ended.code == 0, ended
    assert "hunter22" not in ended.stdout + ended.stderr
    for path in (plain.folder / ".runbook").rglob("*"):
        assert path.is_dir() or b"hunter22" not in path.read_bytes(), path


def test_who_holds_the_state_file_is_told_without_its_secrets(plain: Desk) -> None:
    (plain.folder / "slow.yml").write_text(
        "- {hosts: localhost, tasks: [{name: slow, pause: {seconds: 30}}]}\n"
    )
    first = plain.start("play", "slow.yml", "-e", "db_password=hunter22")
    assert first.stdout is not None
    try:
        while "TASK [slow" not in first.stdout.readline():
            pass
        second = plain.run("play", "slow.yml")
    finally:
        first.kill()
        first.communicate()

    assert second.code == 1
    assert f"process {first.pid} " in second.stderr
    assert "runbook play slow.yml --extra-vars db_password=********" in second.stderr


def test_a_play_started_the_same_way_goes_on_and_fresh_does_not(plain: Desk) -> None:
    plain.run("play", "bad.yml")
    assert plain.run("play", "bad.yml").stdout.startswith(f"Run {runs(plain)[0]['run']} goes on")
    assert len(runs(plain)) == 1
    plain.run("play", "bad.yml", "--fresh")
    assert len(runs(plain)) == 2
    first = str(runs(plain)[0]["run"])
    assert plain.run("resume", first).stdout.startswith(f"Run {first} goes on")


# ---------------------------------------------------------------- pages and lists


def test_a_module_of_the_folders_library_is_documented(plain: Desk) -> None:
    folder = plain.folder / "playbooks" / "library"
    folder.mkdir(parents=True)
    (folder / "odd.py").write_text("class Odd: pass\n")

    assert "odd " in plain.run("doc").stdout


def test_inventory_as_json_and_as_groups(plain: Desk) -> None:
    (plain.folder / "hosts.ini").write_text("[web]\nweb1 db_password=hunter22 port=80\nweb2\n")
    shown = plain.run("inventory", "-i", "hosts.ini", "-l", "web1")

    assert json.loads(shown.stdout)["_meta"]["hostvars"] == {"web1": {"db_password": "********", "port": 80}}
    tree = "@all:\n  |--@ungrouped:\n  |--@web:\n  |  |--web1\n  |  |--web2\n"
    assert plain.run("inventory", "-i", "hosts.ini", "--graph").stdout == tree


# ---------------------------------------------------------------- the surroundings


@pytest.mark.parametrize("environ", [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii"}])
def test_a_console_of_another_encoding_ends_nothing(plain: Desk, environ: Mapping[str, str]) -> None:
    (plain.folder / "u.yml").write_text(
        "- {name: ─ →, hosts: localhost, tasks: [{name: 日本 →, debug: {msg: '→ ✓'}}]}\n", encoding="utf-8"
    )
    desk = Desk(plain.folder, environ)

    for words in (["play", "u.yml"], ["play", "u.yml", "--list-tasks"], ["doc", "debug"]):
        ended = desk.run(*words)
        assert ended.code == 0, ended
    told = subprocess.run(
        desk.command("play", "u.yml", "--output", "json"),
        cwd=desk.folder,
        env=desk.environment,
        capture_output=True,
        check=True,
    )
    tasks = [json.loads(line) for line in told.stdout.decode("utf-8").splitlines()]
    assert "日本 →" in [event.get("task") for event in tasks]


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_a_reader_that_goes_away_is_no_error(plain: Desk) -> None:
    words = f"'{sys.executable}' -m runbook doc memorydb_cluster | head -1"
    done = subprocess.run(
        ["sh", "-c", words],
        cwd=plain.folder,
        env=plain.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "memorydb_cluster\n"
    assert done.stderr == ""


def imported(desk: Desk, *words: str) -> set[str]:
    """What the command imported, told by the interpreter."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "runbook", *words],
        cwd=desk.folder,
        env=desk.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line}


def test_it_starts_at_once_because_it_imports_only_what_it_needs(plain: Desk) -> None:
    (plain.folder / "empty.yml").write_text("- {hosts: localhost, tasks: []}\n")
    version, play = imported(plain, "--version"), imported(plain, "play", "empty.yml")

    assert "runbook.cli" in version
    assert not version & {"msgspec", "yaml", "jinja2", "sqlite3", "subprocess", "runbook.model"}
    assert not play & {"boto3", "botocore", "valkey", "asyncio", "ssl", "rich", "importlib.metadata"}
    assert not {name for name in play if name.startswith("runbook.modules.")}


def test_the_sandbox_is_reached_by_its_own_command(plain: Desk) -> None:
    ended = plain.run("sandbox", "status")

    assert ended.code == 1
    assert "Traceback" not in ended.stderr
    assert not (plain.folder / ".runbook").exists()
