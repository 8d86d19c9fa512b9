"""`copy` and `template`: files on the operator's machine, in real plays."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from runbook.contract import Action, Change
from runbook.modules._files_arguments import fresh
from runbook.modules._files_state import with_content
from runbook.modules._files_world import resource
from runbook.modules._files_write import carry_out

from tests.support.context import RecordingContext
from tests.support.plays import Folder

posix = pytest.mark.skipif(os.name != "posix", reason="permission bits")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_text_or_a_file_is_put_there_once(folder: Folder) -> None:
    folder.write("files/data.bin", "x\n").write_bytes(b"\xff\x00\n")
    text = """
        - hosts: localhost
          tasks:
            - {name: text, copy: {content: "a: 1\\n", dest: out/text.yml}}
            - {name: file, copy: {src: data.bin, dest: out/}}
            - {name: inside, copy: {src: data.bin, dest: out}}
    """
    (folder.path / "out").mkdir()
    first = folder.play(text)
    second = folder.play(text, fresh=True)

    assert [s for _, _, s in first.steps] == ["changed", "changed", "ok"], "`out` and `out/` are one folder"
    assert [s for _, _, s in second.steps] == ["ok", "ok", "ok"]
    assert (folder.path / "out/text.yml").read_text() == "a: 1\n"
    assert (folder.path / "out/data.bin").read_bytes() == b"\xff\x00\n"
    assert first.outcome("text").result["dest"] == "out/text.yml"
    assert first.outcome("text").result["size"] == 5
    assert [p.name for p in sorted((folder.path / "out").iterdir())] == ["data.bin", "text.yml"], "no drafts"


def test_a_template_is_rendered_with_the_tasks_variables(folder: Folder) -> None:
    folder.write("templates/t.md.j2", "{% for n in names %}\n- {{ n }}\n{% endfor %}\nend\n")
    folder.play(
        """
        - hosts: localhost
          vars: {names: [a, b]}
          tasks: [{template: {src: t.md.j2, dest: ./}}]
        """
    )
    assert (folder.path / "t.md.j2").read_text() == "- a\n- b\nend\n"


def test_a_dry_run_shows_the_difference_and_writes_nothing(folder: Folder) -> None:
    (folder.path / "there").write_text("old\n")
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: new, copy: {content: x, dest: new}}
            - {name: twice, copy: {content: x, dest: "{{ playbook_dir }}/new"}}
            - {name: other, copy: {content: "new\\n", dest: there}}
            - {name: run, command: date, register: now}
            - {name: late new, copy: {content: "{{ now.stdout }}", dest: later}}
            - {name: late old, copy: {content: "{{ now.stdout }}", dest: there}}
        """,
        check=True,
    )

    assert [s for _, _, s in played.steps] == ["changed", "ok", "changed", "changed", "changed", "changed"]
    (other,) = played.outcome("other").changes
    assert (other.before.content, other.after.content, other.reason) == (
        b"old\n",
        b"new\n",
        "its content differs",
    )
    assert played.outcome("late new").changes[0].action == "create"
    assert played.outcome("late old").changes[0].action == "undecided"
    assert (folder.path / "there").read_text() == "old\n"
    assert not (folder.path / "new").exists()


def test_force_false_leaves_what_is_there(folder: Folder) -> None:
    (folder.path / "there").write_text("old")
    played = folder.play(
        "- hosts: localhost\n  tasks: [{name: put, copy: {content: newer, dest: there, force: false}}]"
    )
    assert played.steps[0][2] == "ok"
    assert played.outcome("put").result["dest"] == "there"
    assert (folder.path / "there").read_text() == "old"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("{dest: out}", "src (or content) is required"),
        ("{dest: out, src: a, content: b}", "src and content are mutually exclusive"),
        ("{dest: ./, content: x}", "can not use content with a dir as dest"),
        ("{dest: no/such/out, content: x}", "no/such does not exist"),
        ("{dest: out, content: x, mode: rw}", "mode must be in octal or symbolic form"),
        ("{dest: out, content: x, owner: no-such-user}", "failed to look up user no-such-user"),
        ("{dest: out, src: nowhere}", "Could not find or access 'nowhere'"),
        ("{dest: out, content: x, validate: 'true'}", "validate must contain %s"),
        ("{dest: '{{ missing }}', content: x}", "missing"),
    ],
)
def test_what_can_not_be_written_is_a_plain_failure(folder: Folder, arguments: str, says: str) -> None:
    played = folder.play(f"- hosts: localhost\n  tasks: [{{name: bad, copy: {arguments}}}]")
    assert played.code == 2
    assert says in played.message("bad")
    assert "Internal" not in played.message("bad")


@posix
def test_modes(folder: Folder) -> None:
    (folder.path / "kept").write_text("old")
    (folder.path / "kept").chmod(0o640)
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: given, copy: {content: x, dest: given, mode: 0600}}
            - {name: kept, copy: {content: x, dest: kept}}
            - {name: only mode, copy: {content: x, dest: kept, mode: "0604"}}
            - {name: usual, copy: {content: x, dest: usual}}
        """
    )
    names = ("given", "kept", "usual")
    mask = os.umask(0o022)
    os.umask(mask)
    assert [mode_of(folder.path / name) for name in names] == [0o600, 0o604, 0o666 & ~mask]
    assert played.outcome("only mode").changes[0].reason == "its mode differs"


@posix
def test_a_new_file_with_a_secret_in_it_is_for_its_owner_only(folder: Folder) -> None:
    folder.write("t.j2", "pw {{ secret.stdout }}\n")
    folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: secret, command: echo hunter2hunter2, no_log: true, register: secret}
            - {name: copied, copy: {content: "{{ secret.stdout }}", dest: copied}}
            - {name: rendered, template: {src: t.j2, dest: rendered}}
            - {name: wide, template: {src: t.j2, dest: wide, mode: "0644"}}
        """
    )
    assert [mode_of(folder.path / n) for n in ("copied", "rendered", "wide")] == [0o600, 0o600, 0o644]
    assert (folder.path / "rendered").read_text() == "pw hunter2hunter2\n"


@posix
def test_writing_leaves_the_umask_of_other_threads_alone(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    os.umask(mask)
    stop, modes = threading.Event(), set()

    def other() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            (tmp_path / f"other{number}").touch()
            modes.add(mode_of(tmp_path / f"other{number}"))

    thread = threading.Thread(target=other)
    thread.start()
    for number in range(60):
        after = with_content(fresh("file"), b"x")
        change = Change(action=Action.CREATE, resource=resource(str(tmp_path / f"mine{number}")), after=after)
        carry_out(RecordingContext(), change)
    stop.set()
    thread.join()
    assert modes == {0o666 & ~mask}


@posix
def test_a_line_with_a_secret_makes_a_private_file(folder: Folder) -> None:
    folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: secret, command: echo hunter2hunter2, no_log: true, register: secret}
            - {name: line, lineinfile: {path: line, line: "{{ secret.stdout }}", create: true}}
        """
    )
    assert mode_of(folder.path / "line") == 0o600


def test_a_large_file_is_copied_without_being_held_or_kept(folder: Folder) -> None:
    large = b"0123456789abcdef" * 131_072
    (folder.path / "files").mkdir()
    (folder.path / "files/large").write_bytes(large)
    text = """
        - hosts: localhost
          tasks:
            - {name: copied, copy: {src: large, dest: out, mode: "0600"}}
            - {name: fetched, fetch: {src: out, dest: got, flat: true}}
            - {name: changed, replace: {path: got, regexp: ^0, replace: X}}
    """
    planned = folder.play(text, check=True)
    played = folder.play(text)
    again = folder.play(text, fresh=True)

    assert (folder.path / "out").read_bytes() == large
    assert [s for _, _, s in planned.steps] == [s for _, _, s in played.steps] == ["changed"] * 3
    assert [s for _, _, s in again.steps] == ["ok", "changed", "changed"]
    assert planned.outcome("copied").result["checksum"] == played.outcome("copied").result["checksum"]
    assert played.outcome("copied").changes[0].after.content.size == len(large)


def test_what_a_kill_leaves_beside_a_file_is_gone_when_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(
        "- hosts: localhost\n  tasks:\n    - copy: {content: whole, dest: out/made}\n"
    )
    (tmp_path / "out").mkdir()
    killed = (
        "import os, pathlib, sys\n"
        "move = pathlib.Path.replace\n"
        "pathlib.Path.replace = lambda f, to: os._exit(9) if f.name.startswith('.made.') else move(f, to)\n"
        "sys.argv = ['runbook', 'play', 'site.yml']\n"
        "from runbook.cli import main\n"
        "main()\n"
    )
    assert subprocess.run([sys.executable, "-c", killed], cwd=tmp_path, capture_output=True).returncode == 9
    assert [path.name.startswith(".made.") for path in (tmp_path / "out").iterdir()] == [True]
    again = subprocess.run(
        [sys.executable, "-m", "runbook", "play", "site.yml"], cwd=tmp_path, capture_output=True
    )
    assert again.returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["made"]
