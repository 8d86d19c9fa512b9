"""`command` and `shell` on the operator's machine, in real plays and real processes."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest
from runbook.errors import Failed, InDoubt, Stopped
from runbook.modules._process import run_here, shell_call

from tests.support.context import RecordingContext
from tests.support.plays import Folder

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
pytestmark = POSIX


def test_words_output_and_code_are_told(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: text, command: printf '%s\\n' "two words" three}
            - {name: list, command: {argv: [printf, '%s;', "a b", "$HOME", "*"], expand_argument_vars: false}}
            - {name: put in, command: {argv: [printf, '%s;', "$NAME", "${NAME}s", $none]}, environment: {NAME: x y}}
            - {name: shell, shell: "echo one; echo two >&2; echo three | tr a-z A-Z"}
        """
    )

    text = played.outcome("text").result
    assert text["stdout_lines"] == ["two words", "three"]
    assert (text["rc"], text["changed"]) == (0, True)
    assert played.outcome("list").result["stdout"] == "a b;$HOME;*;", "no shell reads it"
    assert played.outcome("put in").result["stdout"] == "x y;x ys;$none;"
    assert played.outcome("put in").result["cmd"][2] == "$NAME", "the result tells what was written"
    shell = played.outcome("shell").result
    assert (shell["stdout"], shell["stderr"]) == ("one\nTHREE", "two")


def test_another_code_than_0_fails_with_all_that_is_known(folder: Folder) -> None:
    played = folder.play("- hosts: localhost\n  tasks: [{name: bad, shell: echo out; echo why >&2; exit 3}]")

    result = played.outcome("bad").result
    assert played.code == 2
    assert result["msg"] == "non-zero return code"
    assert played.outcome("bad").hint == "The command ended with code 3: why"
    assert (result["rc"], result["stdout"], result["changed"]) == (3, "out", True)
    assert result["end"] > result["start"]
    assert result["delta"].startswith("0:00:0")


def test_a_signal_is_told_by_its_name(folder: Folder) -> None:
    played = folder.play("- hosts: localhost\n  tasks: [{name: bad, shell: kill -9 $$}]")
    assert played.outcome("bad").hint == "The command was ended by SIGKILL"
    assert played.outcome("bad").result["rc"] == -9


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("command: no-such-program --version", "Can't run 'no-such-program': No such file or directory"),
        ("command: {argv: [ls], chdir: nowhere}", "There is no folder"),
        ("command: {argv: []}", "`argv` is empty"),
        ("command: {cmd: ls, argv: [ls]}", "mutually exclusive: _raw_params|cmd|argv"),
        ("command: echo 'open", "No closing quotation"),
        ("shell: \"{{ '' }}\"", "one of the following is required"),
    ],
)
def test_what_can_not_be_run_is_a_plain_failure(folder: Folder, call: str, says: str) -> None:
    played = folder.play(f"- hosts: localhost\n  tasks:\n    - name: bad\n      {call}")
    assert played.code == 2
    assert says in played.message("bad") + played.outcome("bad").hint


def test_relative_paths_start_at_the_playbooks_folder(folder: Folder) -> None:
    (folder.path / "sub").mkdir()
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: here, command: pwd}
            - {name: there, command: {argv: [pwd], chdir: sub}}
        """
    )
    assert played.outcome("here").result["stdout"] == str(folder.path)
    assert played.outcome("there").result["stdout"] == str(folder.path / "sub")


def test_guards_hold_it_back_before_it_runs(folder: Folder) -> None:
    (folder.path / "sub").mkdir()
    (folder.path / "sub" / "made-1.txt").touch()
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: there, command: {argv: [touch, never], chdir: sub, creates: made-1.txt}}
            - {name: glob, command: {argv: [touch, never], creates: "sub/made-*"}}
            - {name: absolute, shell: {cmd: touch never, creates: "{{ playbook_dir }}/sub"}}
            - {name: gone, command: {argv: [touch, never], removes: made-9.txt}}
            - {name: needed, command: {argv: [touch, made], creates: made-9.txt, removes: sub}}
        """
    )

    assert [status for _, _, status in played.steps] == ["ok", "ok", "ok", "ok", "changed"]
    assert played.message("there") == "Did not run command since 'made-1.txt' exists"
    assert played.message("gone") == "Did not run command since 'made-9.txt' does not exist"
    assert not (folder.path / "never").exists()
    assert (folder.path / "made").exists()


def test_standard_input_ends_with_a_line_end_unless_told_not_to(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: with, command: {argv: [wc, -l], stdin: text}}
            - {name: without, command: {argv: [wc, -l], stdin: text, stdin_add_newline: false}}
            - {name: none, command: wc -c}
        """
    )
    outputs = [played.outcome(name).result["stdout"].strip() for name in ("with", "without", "none")]
    assert outputs == ["1", "0", "0"]


def test_the_tasks_environment_is_added_to_ours(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          environment: {FIRST: a b}
          tasks: [{name: show, shell: 'echo "$FIRST $SECOND ${PATH:+path}"', environment: {SECOND: "$x"}}]
        """
    )
    assert played.outcome("show").result["stdout"] == "a b $x path"


def test_bytes_that_are_no_text_survive(folder: Folder) -> None:
    played = folder.play("""- {hosts: localhost, tasks: [{name: raw, shell: "printf 'a\\\\377b'"}]}""")
    assert played.outcome("raw").result["stdout"] == "a\\xffb"


def test_a_dry_run_shows_it_and_asks_the_guards(folder: Folder) -> None:
    (folder.path / "made").touch()
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: shown, shell: touch never, register: shown}
            - {name: held, shell: {cmd: touch never, creates: made}}
            - {name: later, command: "touch {{ shown.stdout }}"}
        """,
        check=True,
    )

    assert [status for _, _, status in played.steps] == ["changed", "ok", "changed"]
    (later,) = played.outcome("later").changes
    assert later.action == "run"
    assert "shown: stdout" in later.reason
    assert not (folder.path / "never").exists()


def test_another_shell_can_read_it(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks: [{name: bash, shell: {cmd: 'x=(1 2 3); echo ${x[2]}', executable: /bin/bash}}]
        """
    )
    assert played.outcome("bash").result["stdout"] == "3"


def test_windows_shells_are_told_in_their_own_ways() -> None:
    assert shell_call("cmd.exe", 'dir "a b" & echo %X%') == 'cmd.exe /d /s /c "dir "a b" & echo %X%"'
    assert shell_call(r"C:\pwsh.exe", "ls")[1:] == ["-NoProfile", "-NonInteractive", "-Command", "ls"]
    assert shell_call("/bin/bash", "ls") == ["/bin/bash", "-c", "ls"]


# ---------------------------------------------------------------- interrupted


def run_and_cancel(ctx: RecordingContext, text: str) -> None:
    def cancel() -> None:
        ctx.cancelled = True

    timer = threading.Timer(0.4, cancel)
    timer.start()
    try:
        run_here(ctx, shell_call("/bin/sh", text), shown=text)
    finally:
        timer.join()


def test_an_interrupted_command_ends_with_its_children_and_is_in_doubt(tmp_path: Path) -> None:
    """What it had done by then nobody knows, so that it is asked about and not simply run again."""
    ctx = RecordingContext(base=tmp_path)
    began = time.monotonic()
    with pytest.raises(Stopped, match="in doubt"):
        run_and_cancel(ctx, "sleep 60 & echo $! >child; wait")

    assert time.monotonic() - began < 5
    assert ctx.effects == ["run"], "not run again"
    child = int((tmp_path / "child").read_text())
    for _ in range(50):
        if not alive(child):
            break
        time.sleep(0.05)
    assert not alive(child)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not (state.exists() and state.read_text().split()[2] == "Z")


def test_one_that_ignores_the_polite_word_is_ended_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runbook.modules._process.GRACE", 0.3)
    began = time.monotonic()
    with pytest.raises((Stopped, InDoubt)):
        run_and_cancel(RecordingContext(base=tmp_path), "trap '' TERM; while true; do sleep 0.1; done")
    assert time.monotonic() - began < 5


def test_a_cancelled_run_begins_nothing(tmp_path: Path) -> None:
    ctx = RecordingContext(base=tmp_path, cancelled=True)
    with pytest.raises(Stopped, match="before the command began"):
        run_here(ctx, ["touch", "never"], shown="touch")
    assert not (tmp_path / "never").exists()


def test_a_command_that_takes_long_is_shown_as_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runbook.modules._process.PATIENCE", 0.1)
    ctx = RecordingContext(base=tmp_path)
    run_here(ctx, ["sleep", "0.6"], shown="sleep")
    assert ctx.phases == ["running"]


def test_a_nul_byte_is_refused_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="Error executing command") as caught:
        run_here(RecordingContext(base=tmp_path), ["echo", "a\0b"], shown="echo")
    assert "null byte" in str(caught.value.hint)


# ---------------------------------------------------------------- only asked for


def test_a_task_in_check_mode_tells_what_ansible_tells(folder: Folder) -> None:
    """In a run that applies; in a dry run what it would do stays open."""
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: plain, command: touch never, check_mode: true}
            - {name: guarded, command: {cmd: touch never, creates: nothing}, check_mode: true}
            - {name: held, shell: {cmd: touch never, creates: site.yml}, check_mode: true}
            - {name: raw, raw: touch never, check_mode: true}
        """
    )
    assert [status for _, _, status in played.steps] == ["skipped", "changed", "ok", "skipped"]
    assert played.message("plain") == "Command would have run if not in check mode"
    assert played.message("held") == "Would not run command since 'site.yml' exists"
    assert not (folder.path / "never").exists()


# ---------------------------------------------------------------- raw and script


def test_raw_tells_output_as_it_is_and_takes_no_environment(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: told, raw: 'printf "a\\n\\n$WORD"', environment: {WORD: x}}
            - {name: bad, raw: "echo out; exit 2", ignore_errors: true}
        """
    )
    assert played.outcome("told").result["stdout"] == "a\n\n"
    assert "does not support the environment" in played.notices
    assert (played.message("bad"), played.outcome("bad").result["rc"]) == ("non-zero return code", 2)


def test_a_script_runs_by_its_first_line_with_what_it_is_given(folder: Folder) -> None:
    (folder.path / "files").mkdir()
    (folder.path / "files" / "say.sh").write_text('#!/bin/bash\necho "$# $1 $WORD"; pwd; exit ${RC:-0}\n')
    played = folder.play(
        """
        - hosts: localhost
          environment: {WORD: w}
          tasks:
            - {name: words, script: "say.sh 'a b' c"}
            - {name: by, script: {cmd: say.sh x, executable: bash, chdir: /}}
            - {name: held, script: {cmd: say.sh, creates: site.yml}}
            - {name: bad, script: say.sh, environment: {RC: "4"}, ignore_errors: true}
            - {name: none, script: nowhere.sh, ignore_errors: true}
            - {name: folder, script: {cmd: say.sh, chdir: here}, ignore_errors: true}
            - {name: asked, script: say.sh, check_mode: true}
        """
    )
    assert played.outcome("words").result["stdout_lines"] == ["2 a b w", str(folder.path)]
    assert played.outcome("by").result["stdout_lines"] == ["1 x w", "/"]
    assert played.message("held") == "site.yml exists, matching creates option"
    assert (played.message("bad"), played.outcome("bad").result["rc"]) == ("non-zero return code", 4)
    assert "nowhere.sh" in played.message("none")
    assert "must be an absolute path" in played.message("folder")
    assert [status for _, _, status in played.steps][-1] == "skipped"
