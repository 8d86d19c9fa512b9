"""A user namespace keeps an instance apart: its files, its processes, its settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runbook.sandbox import overlay
from runbook.sandbox.instance_setup import Kind

from tests.support.instances import new_host, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook.sandbox.instance_host import ProcessHost

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="user namespaces are Linux's")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessHost]:
    host = new_host(tmp_path_factory.mktemp("overlay"), Kind.OVERLAY)
    if host.way.startswith("commands can't run"):
        host.close()
        pytest.skip(host.way)
    yield host
    host.close()


def test_the_instance_looks_like_amazon_linux(host: ProcessHost) -> None:
    done = run(host, "i-1", ". /etc/os-release; echo $ID $VERSION_ID; hostname; pwd; echo $HOME")
    assert done.stdout.splitlines() == ["amzn 2023", "ip-10-0-0-9", "/usr/bin", "/root"]


def test_the_homes_of_this_machine_are_not_there(host: ProcessHost, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    assert run(host, "i-1", f"ls -A /home /tmp; cat {tmp_path}/secret").stdout == "/home:\n\n/tmp:\n"


def test_the_processes_of_this_machine_are_out_of_reach(host: ProcessHost) -> None:
    seen = run(host, "i-1", "ls /proc | grep -c '^[0-9]'").stdout
    assert int(seen) < 10
    assert run(host, "i-1", f"kill -9 {os.getpid()}").code != 0


def test_what_is_read_only_stays_so_even_for_root(host: ProcessHost) -> None:
    for folder in ("/proc", str(overlay.TOOLS)):
        assert run(host, "i-1", f"mount -o remount,rw,bind {folder} {folder}").code != 0
    assert run(host, "i-1", f"touch {overlay.TOOLS}/bin/x").code != 0
    before = Path("/proc/sys/vm/swappiness").read_text()
    assert run(host, "i-1", "echo 1 >/proc/sys/vm/swappiness").code != 0
    assert Path("/proc/sys/vm/swappiness").read_text() == before


def test_removed_files_of_this_machine_stay_removed(host: ProcessHost) -> None:
    assert run(host, "i-1", "rm /usr/bin/env && ! ls /usr/bin/env").code == 0
    assert run(host, "i-1", "ls /usr/bin/env").code != 0
    assert Path("/usr/bin/env").exists()


def test_a_map_of_users_is_repeated_number_by_number() -> None:
    assert (
        overlay._identity("         0     100000      65536\n     70000 0 10\n")
        == "0 0 65536\n70000 70000 10\n"
    )


def test_only_folders_that_the_instance_does_not_see_are_shown_to_it() -> None:
    folders = [Path("/usr"), Path("/opt/python"), Path("/home/me/python"), Path("/root/python")]
    assert overlay.hidden_folders(folders) == ("/home/me/python", "/root/python")


def test_special_letters_in_a_folders_name_do_not_confuse_the_mount(tmp_path: Path) -> None:
    assert overlay._escaped(Path("/a:b,c\\d")) == "/a\\:b\\,c\\\\d"
    host = new_host(tmp_path / "with space, and:colon", Kind.OVERLAY)
    if not host.way.startswith("commands can't run"):
        assert run(host, "i-1", "echo x >/etc/new && cat /etc/new").stdout == "x\n"
    host.close()
