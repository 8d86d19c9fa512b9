"""Commands of an instance really run, in the instance's own files, and never change this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runbook.sandbox import instance_host
from runbook.sandbox.instance_host import ProcessHost
from runbook.sandbox.instance_setup import Kind

from tests.support.instances import begin, new_host, run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the sandbox runs on Linux and macOS")

WAYS = [Kind.OVERLAY, Kind.OVERLAY_IN_MEMORY, Kind.PRIVATE]


@pytest.fixture(scope="module", params=WAYS, ids=lambda kind: kind.value)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessHost]:
    """A host for each way that this machine allows."""
    host = new_host(tmp_path_factory.mktemp("host"), request.param)
    if host.way.startswith("commands can't run"):
        host.close()
        pytest.skip(host.way)
    yield host
    host.close()


def test_a_script_runs_as_root_and_its_streams_and_code_come_back(host: ProcessHost) -> None:
    done = run(host, "i-1", "id -u\nid -un >&2\nexit 7")
    assert (done.code, done.lost) == (7, "")
    if "private folder" not in host.way or (os.getuid() == 0 and "nobody" not in host.way):
        assert (done.stdout, done.stderr) == ("0\n", "root\n")


def test_writing_to_dev_stderr_does_not_cut_what_was_written_before(host: ProcessHost) -> None:
    assert (
        run(host, "i-1", "echo one >&2; echo two >/dev/stderr; echo three >&2").stderr == "one\ntwo\nthree\n"
    )


def test_sh_is_bash_as_on_amazon_linux(host: ProcessHost) -> None:
    assert run(host, "i-1", "set -o pipefail; false | true").code == 1


def test_a_script_with_its_own_interpreter_uses_it(host: ProcessHost) -> None:
    assert run(host, "i-1", "#!/bin/cat\nhello\n").stdout == "#!/bin/cat\nhello\n\n"[:-1]


def test_the_environment_names_the_instance_and_the_region(host: ProcessHost) -> None:
    done = run(
        host, "i-1", 'echo "$AWS_SSM_INSTANCE_ID $AWS_SSM_REGION_NAME $MORE"', environment={"MORE": "x"}
    )
    assert done.stdout == "i-1 eu-west-2 x\n"


def test_a_missing_working_directory_fails_the_script_only(host: ProcessHost) -> None:
    done = run(host, "i-1", "echo never", working_directory="/does/not/exist")
    assert done.code == 127
    assert "/does/not/exist" in done.stderr
    assert run(host, "i-1", "echo still here").stdout == "still here\n"


def test_many_commands_run_at_the_same_time(host: ProcessHost) -> None:
    begun = time.monotonic()
    waits = [begin(host, "i-1", f"many-{n}", f"sleep 0.5; echo {n}")[1] for n in range(10)]
    assert [wait().stdout for wait in waits] == [f"{n}\n" for n in range(10)]
    assert time.monotonic() - begun < 4


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_install_stays_in_the_instance(host: ProcessHost, tmp_path: Path) -> None:
    name = f"runbook-test-{os.getpid()}"
    recipe = f"install: ; mkdir -p $(PREFIX)/bin && cp tool $(PREFIX)/bin/{name}"
    script = f"""
        set -eu
        cd "$(mktemp -d)"
        printf '#!/bin/sh\\necho made\\n' >tool
        chmod 755 tool
        printf '%s\\n' 'PREFIX?=/usr/local' '{recipe}' >Makefile
        sudo make install
    """
    done = run(host, "i-make", script)
    assert done.code == 0, done.stderr
    assert not Path("/usr/local/bin", name).exists()
    assert run(host, "i-make", name).stdout.strip() == "made"
    assert run(host, "i-other", name).code == 127, "another instance has files of its own"


def test_writes_and_removals_never_reach_this_machine(host: ProcessHost, tmp_path: Path) -> None:
    if "permissions alone" in host.way:
        pytest.skip("this machine has no guard for private folders")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    before = {folder: _listing(Path(folder)) for folder in ("/etc", "/usr/bin", "/usr/local/bin")}
    run(
        host,
        "i-wild",
        f"""
        echo bad >/etc/runbook-test; echo bad >>/etc/hosts; sed -i s/root/toor/ /etc/passwd
        rm -rf /usr/local/bin/* /usr/bin/env /etc/ssl; mv /usr/bin/tar /usr/bin/rat
        chmod 777 /etc/hosts; chown 12:12 /etc/passwd
        echo gone >{victim}; rm -f {victim}; echo 1 >/proc/sys/vm/swappiness
        mkdir /usr/local/bin/new; ln -s /etc/passwd /usr/local/bin/linked; touch /runbook-test
        """,
    )
    assert {folder: _listing(Path(folder)) for folder in before} == before
    assert victim.read_text() == "precious"
    assert not Path("/runbook-test").exists()


def _listing(folder: Path) -> dict[str, tuple[int, int, int, int]]:
    found = {}
    for entry in os.scandir(folder):
        facts = entry.stat(follow_symlinks=False)
        found[entry.name] = (facts.st_mode, facts.st_uid, facts.st_size, facts.st_mtime_ns)
    return found


def test_what_one_command_leaves_the_next_one_finds(host: ProcessHost) -> None:
    run(host, "i-keep", 'mkdir -p "$HOME/kept" && echo text >"$HOME/kept/file"')
    assert run(host, "i-keep", 'cat "$HOME/kept/file"').stdout == "text\n"


def test_ending_a_command_ends_its_whole_group(host: ProcessHost, tmp_path: Path) -> None:
    mark = f"4343.{os.getpid()}"
    end, wait = begin(host, "i-1", "long", f'sleep {mark} & sleep {mark}; echo "never here"')
    time.sleep(0.3)
    end()
    done = wait()
    assert (done.code, done.stdout) == (137, "")
    _assert_none_runs(mark)
    end()  # again is no harm


def test_stopping_an_instance_ends_what_runs_on_it_and_keeps_its_files(host: ProcessHost) -> None:
    run(host, "i-stop", 'echo text >"$HOME/file"')
    _, wait = begin(host, "i-stop", "long", "sleep 1000")
    host.stop("i-stop")
    assert wait().lost == "the instance went down"
    kept = run(host, "i-stop", 'cat "$HOME/file"').stdout
    assert kept == ("" if "memory" in host.way else "text\n")


def test_a_terminated_instance_leaves_no_files(host: ProcessHost) -> None:
    run(host, "i-gone", 'echo text >"$HOME/file"')
    host.remove("i-gone")
    assert run(host, "i-gone", 'cat "$HOME/file"').stdout == ""


def test_an_idle_instance_holds_no_process_and_a_busy_one_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_host, "_IDLE_SECONDS", 0.1)
    monkeypatch.setattr(instance_host, "_LISTEN_SECONDS", 0.05)
    host = new_host(tmp_path / "host", Kind.OVERLAY, Kind.PRIVATE)
    run(host, "i-idle", 'echo kept >"$HOME/file"')
    run(host, "i-busy", "sleep 1000 >/dev/null 2>&1 & echo started")
    deadline = time.monotonic() + 5
    while "i-idle" in host._agents and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(host._agents) == ["i-busy"]
    assert run(host, "i-idle", 'cat "$HOME/file"').stdout == "kept\n"
    assert run(host, "i-busy", "pgrep -x sleep || ps ax | grep 'slee[p] 1000'").code == 0
    host.close()


_HOLDER = """
import sys, time
from pathlib import Path
from runbook.sandbox.instance_setup import Kind
from tests.support.instances import begin, new_host
host = new_host(Path(sys.argv[1]), Kind(sys.argv[2]))
begin(host, "i-1", "long", "(setsid sleep 4242.%s &) ; sleep 4242.%s" % (sys.argv[3], sys.argv[3]))
time.sleep(1.0)
print("running", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", [Kind.OVERLAY, Kind.PRIVATE], ids=lambda kind: kind.value)
def test_nothing_outlives_a_host_that_was_killed(kind: Kind, tmp_path: Path) -> None:
    mark = str(os.getpid())
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path), kind.value, mark],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])},
    )
    assert holder.stdout
    assert holder.stdout.readline() == b"running\n"
    assert len(_running(f"4242.{mark}")) >= 2
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    _assert_none_runs(f"4242.{mark}")


def _assert_none_runs(argument: str) -> None:
    deadline = time.monotonic() + 10
    while _running(argument) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _running(argument) == []


def _running(argument: str) -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0].endswith("sleep") and argument in words:
            found.append(file.parent.name)
    return found


def test_where_no_way_works_the_reason_is_the_commands_outcome(tmp_path: Path) -> None:
    host = new_host(tmp_path / "x", Kind.OVERLAY)
    host._setup.settings = type(host._setup.settings)(host._setup.settings.authorities, "eu-west-2", ways=())
    host.close()
    none = ProcessHost(tmp_path / "none", host._setup)
    none.start()
    done = run(none, "i-1", "true")
    assert done.code == -1
    assert "commands can't run on this machine" in done.lost
    none.close()
