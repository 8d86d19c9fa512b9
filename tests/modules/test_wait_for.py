"""`wait_for` with real sockets and files, and `pause`."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.support.plays import Folder, Played


@contextmanager
def listening(greeting: bytes = b"") -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    for piece in (greeting[:3], greeting[3:]):
                        connection.sendall(piece)
                        time.sleep(0.02)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait(arguments: str, **more: str) -> str:
    lines = "".join(f"\n      {key}: {value}" for key, value in more.items())
    return f"- hosts: localhost\n  tasks:\n    - name: wait\n      wait_for: {{{arguments}}}{lines}"


def test_a_port_that_answers(folder: Folder) -> None:
    with listening() as port:
        played = folder.play(wait(f"port: {port}"))
    result = played.outcome("wait").result
    assert (played.code, result["state"], result["port"], result["path"]) == (0, "started", port, None)
    assert not result["changed"]


def test_a_port_that_does_not_answer_fails_in_its_time(folder: Folder) -> None:
    port = free_port()
    began = time.monotonic()
    played = folder.play(wait(f"port: {port}, timeout: 0.4, sleep: 0.1"))
    assert time.monotonic() - began < 3
    assert played.message("wait") == f"Timeout when waiting for 127.0.0.1:{port}"
    assert played.outcome("wait").result["elapsed"] == 0, "whole seconds"

    told = folder.play(wait(f"port: {port}, timeout: 0.2, msg: No cluster yet"))
    assert told.message("wait") == "No cluster yet"
    assert folder.play(wait(f"port: {port}, state: stopped")).code == 0


def test_what_a_port_sends_is_looked_through(folder: Folder) -> None:
    with listening(b"SSH-2.0-x\r\n") as port:
        assert folder.play(wait(f"port: {port}, search_regex: '^SSH-2'")).code == 0
        assert folder.play(wait(f"port: {port}, search_regex: HTTP, timeout: 0.5, sleep: 0.1")).code == 2


def test_a_file_and_what_it_holds(folder: Folder) -> None:
    def write() -> None:
        time.sleep(0.3)
        (folder.path / "log").write_text("starting\nready 7\n")

    thread = threading.Thread(target=write)
    thread.start()
    played = folder.play(wait("path: log, search_regex: '^(?P<how>ready) ([0-9])', sleep: 0.1"))
    thread.join()
    assert played.code == 0
    result = played.outcome("wait").result
    assert (result["match_groups"], result["match_groupdict"]) == (["ready", "7"], {"how": "ready"})
    assert (result["state"], result["path"], result["size"]) == ("file", "log", 17)
    assert folder.play(wait("path: log, state: absent, search_regex: failed")).code == 0
    assert folder.play(wait("path: log, state: absent, timeout: 0.2, sleep: 0.1")).code == 2
    assert folder.play(wait("path: ., search_regex: x, timeout: 0.2, sleep: 0.1")).code == 2, "a folder"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("port: 1, path: x", "port and path parameter can not both"),
        ("path: x, state: drained", "should only be used for checking a port"),
        ("port: 1, exclude_hosts: [a]", "only be with state=drained"),
        ("port: 1, active_connection_states: [FOO]", "unknown active_connection_state (FOO)"),
        ("path: x, search_regex: '('", "no regular expression"),
    ],
)
def test_wrong_arguments_are_told_before_it_waits(folder: Folder, arguments: str, says: str) -> None:
    played = folder.play(wait(arguments), check=True)
    assert says in played.message("wait")


def test_a_file_of_another_host_is_not_looked_for_here(folder: Folder) -> None:
    folder.inventory = "web1,"
    (folder.path / "x").touch()
    task = "{name: wait, wait_for: {path: x}}"
    refused = folder.play(f"- hosts: web1\n  tasks: [{task}]")
    assert "not on host 'web1'" in refused.message("wait")
    here = task.replace("{path: x}", "{path: x}, delegate_to: localhost")
    assert folder.play(f"- hosts: web1\n  tasks: [{here}]").code == 0


def test_a_delay_passes_before_the_first_look(folder: Folder) -> None:
    (folder.path / "x").touch()
    began = time.monotonic()
    played = folder.play(wait("path: x, delay: 0.3"))
    assert played.code == 0
    assert time.monotonic() - began >= 0.29


def test_with_nothing_to_wait_for_its_time_passes(folder: Folder) -> None:
    began = time.monotonic()
    result = folder.play(wait("timeout: 0.4")).outcome("wait").result
    assert 0.4 <= time.monotonic() - began < 3
    assert (result["state"], result["port"], result["path"]) == ("started", None, None)


def test_a_port_is_drained_when_nobody_is_connected(folder: Folder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        drained = (
            f"port: {port}, state: drained, timeout: 0.4, sleep: 0.1, active_connection_states: [ESTABLISHED]"
        )
        with socket.create_connection(("127.0.0.1", port)):
            played = folder.play(wait(drained))
            assert played.message("wait") == f"Timeout when waiting for 127.0.0.1:{port} to drain"
            assert folder.play(wait(f"{drained}, exclude_hosts: 127.0.0.1")).code == 0
        assert folder.play(wait(drained)).code == 0


# ---------------------------------------------------------------- pause


def test_a_pause_lasts_as_long_as_it_says_and_changes_nothing(folder: Folder) -> None:
    began = time.monotonic()
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: short, pause: {seconds: 0}}
            - {name: both, pause: {seconds: 1, minutes: 1}, ignore_errors: true}
        """
    )
    assert 1.0 <= time.monotonic() - began < 4, "a second at least, as in Ansible"
    assert [s for _, _, s in played.steps] == ["ok", "failed"]
    result = played.outcome("short").result
    assert (result["user_input"], result["delta"], result["rc"], result["echo"]) == ("", 1, 0, True)
    assert result["stdout"].startswith("Paused for 1.")
    assert result["stop"] > result["start"]
    assert played.message("both") == "parameters are mutually exclusive: minutes|seconds"


def test_all_hosts_share_one_pause_and_one_answer(folder: Folder) -> None:
    folder.inventory = "a,b,c"
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "yes"

    runner, events = folder.runner(
        """
        - hosts: all
          tasks:
            - {name: ask, pause: {prompt: Delete it?}, register: answer}
            - {name: show, debug: {msg: "{{ answer.user_input }}"}}
            - {name: enter, pause: {}}
        """
    )
    played = Played(replace(runner, ask=ask).run(), events)
    assert asked == ["Delete it?", "Press Enter to go on"]
    assert [played.message("show", host) for host in "abc"] == ["yes", "yes", "yes"]


def test_a_dry_run_neither_waits_nor_asks(folder: Folder) -> None:
    began = time.monotonic()
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: long, pause: {minutes: 5}}
            - {name: ask, pause: {prompt: Really?}, register: answer}
            - {name: no, fail: {msg: no}, when: answer.user_input != 'yes'}
        """,
        check=True,
    )
    assert time.monotonic() - began < 2
    assert played.code == 0
    assert played.outcome("long").changes[0].reason == "waits 300 seconds"
