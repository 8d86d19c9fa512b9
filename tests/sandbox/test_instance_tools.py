"""yum, sudo, curl and wget of an instance, and the stand-in for valkey-cli."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from runbook.sandbox import instance_tools
from runbook.sandbox.instance_tools import Offers, probe_offers, write_tools
from runbook.sandbox.valkey_source import ValkeyClient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the sandbox runs on Linux and macOS")

URL = "https://github.com/valkey-io/valkey/archive/refs/tags/9.1.2.tar.gz"
LAB = ["install", "gcc", "jemalloc-devel", "openssl-devel", "tcl", "tcl-devel", "-y"]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The tools of a machine that has gcc and OpenSSL's headers, and a source archive by setting."""
    authorities = tmp_path / "authorities"
    authorities.write_text("pem")
    source = tmp_path / "valkey_9.1.2.orig.tar.gz"
    source.write_bytes(b"source")
    offers = Offers({"gcc": "/usr/bin/gcc", "openssl-devel": "openssl/ssl.h"})
    write_tools(tmp_path / "tools", offers, ValkeyClient("9.1.2", source), authorities)
    return tmp_path / "tools"


def use(tools: Path, *words: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    path = f"{tools / 'bin'}:/usr/bin:/bin"
    return subprocess.run(
        words,
        executable=shutil.which(words[0], path=path),
        env={"PATH": path, **more},
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=30,
        check=False,
    )


def test_yum_says_what_is_there_and_what_is_not_needed(tools: Path) -> None:
    done = use(tools, "yum", *LAB)
    assert done.returncode == 0
    assert "Package gcc (of this machine: /usr/bin/gcc) is already installed." in done.stdout
    assert "jemalloc-devel: not offered by this machine; not needed for valkey-cli" in done.stdout
    assert done.stdout.endswith("Nothing to do.\nComplete!\n")


def test_yum_fails_on_what_the_machine_lacks(tools: Path) -> None:
    done = use(tools, "yum", "-y", "install", "gcc", "no-such-package", "openssl-devel")
    assert done.returncode == 1
    assert "No match for argument: no-such-package" in done.stderr
    assert "Error: Unable to find a match: no-such-package" in done.stderr


def test_yum_fails_without_what_a_compilation_needs(tmp_path: Path) -> None:
    (tmp_path / "authorities").write_text("")
    write_tools(tmp_path / "tools", Offers({}), ValkeyClient(), tmp_path / "authorities")
    done = use(tmp_path / "tools", "yum", "install", "openssl-devel", "tcl", "-y")
    assert done.returncode == 1
    assert done.stderr.endswith("Unable to find a match: openssl-devel\n")


def test_yum_does_not_pretend_to_remove(tools: Path) -> None:
    assert use(tools, "dnf", "remove", "gcc").returncode == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sudo", "echo", "-n", "a b"], "a b"),
        (["sudo", "-E", "-u", "ec2-user", "echo", "x"], "x\n"),
        (["sudo", "--", "echo", "x"], "x\n"),
        (["sudo", "NAME=value", "sh", "-c", "echo $NAME"], "value\n"),
    ],
)
def test_sudo_runs_its_arguments(tools: Path, words: list[str], said: str) -> None:
    assert use(tools, *words).stdout == said


def test_sudo_gives_the_exit_code_on(tools: Path) -> None:
    assert use(tools, "sudo", "sh", "-c", "exit 7").returncode == 7


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["curl", "-fsSL", "-o", "v.tgz", URL], "v.tgz"),
        (["curl", "-fsSLo", "v.tgz", URL], "v.tgz"),
        (["curl", "-L", "-O", URL], "9.1.2.tar.gz"),
        (["curl", "--location", "--output", "sub.tgz", "--retry", "3", URL], "sub.tgz"),
        (["wget", URL], "9.1.2.tar.gz"),
        (["wget", "-q", URL, "-O", "w.tgz"], "w.tgz"),
        (["wget", "-P", "folder", URL], "folder/9.1.2.tar.gz"),
    ],
)
def test_the_release_of_the_settings_version_comes_from_the_setting(
    tools: Path, tmp_path: Path, words: list[str], file: str
) -> None:
    done = use(tools, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / file).read_bytes() == b"source"


@pytest.mark.parametrize(
    "words", [["curl", "-s", URL], ["wget", "-qO-", URL], ["wget", "-q", "-O", "-", URL]]
)
def test_the_release_can_go_into_a_pipe(tools: Path, words: list[str]) -> None:
    assert use(tools, *words).stdout == "source"


def test_another_version_is_asked_of_the_internet_and_that_is_said(tools: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "curl").write_text("#!/bin/sh\necho real $*\n")
    (real / "curl").chmod(0o755)
    other = URL.replace("9.1.2", "7.2.7")
    done = use(tools, "curl", "-L", other, PATH=f"{tools / 'bin'}:{real}:/usr/bin:/bin")
    assert done.stdout == f"real -L {other}\n"
    assert "9.1.2 only" in done.stderr
    plain = use(tools, "curl", "http://example.com", PATH=f"{tools / 'bin'}:{real}:/usr/bin:/bin")
    assert (plain.stdout, plain.stderr) == ("real http://example.com\n", "")


def test_the_stand_in_names_itself_and_says_why_and_runs_the_program(tmp_path: Path) -> None:
    (tmp_path / "cli.py").write_text("import sys; print(sys.argv[1:])")
    client = ValkeyClient("7.2.7", None, "this machine has no C compiler")
    text = instance_tools.stand_in(sys.executable, tmp_path / "cli.py", client)
    (tmp_path / "valkey-cli").write_text(text)
    (tmp_path / "valkey-cli").chmod(0o755)
    said = subprocess.run(
        [tmp_path / "valkey-cli", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert said.splitlines() == [
        "valkey-cli 7.2.7 (stand-in of the runbook sandbox)",
        "not compiled: this machine has no C compiler",
    ]
    ran = subprocess.run(
        [tmp_path / "valkey-cli", "GET", "a b"], capture_output=True, text=True, check=True
    ).stdout
    assert ran == "['GET', 'a b']\n"


def test_this_machine_is_looked_at_truly(tmp_path: Path) -> None:
    offers = probe_offers()
    assert ("make" in offers.found) == bool(shutil.which("make", path=instance_tools.MACHINE_PATH))
    assert "gcc" not in probe_offers(str(tmp_path)).found
    assert probe_offers(str(tmp_path)).lacking_to_compile[:2] == ["C compiler", "make"]


@pytest.mark.parametrize("name", ["chmod", "chown"])
def test_owners_and_modes_outside_of_a_private_folder_are_refused(
    tools: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "in").write_text("")
    word = "755" if name == "chmod" else str(os.getuid())
    environment = {
        "PATH": f"{tools / 'private'}:/usr/bin:/bin:/usr/sbin",
        "RUNBOOK_SANDBOX_ROOT": str(tmp_path),
    }
    run = [str(tools / "private" / name), word]
    inside = subprocess.run([*run, str(tmp_path / "in")], env=environment, check=False)
    outside = subprocess.run(
        [*run, "/etc/hosts"], env=environment, capture_output=True, text=True, check=False
    )
    assert (inside.returncode, outside.returncode) == (0, 1)
    assert "outside of this instance's folder" in outside.stderr
