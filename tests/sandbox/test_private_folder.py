"""Without a user namespace, an instance is a folder, and writes outside of it are refused."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from runbook.sandbox import linux_calls, private_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the sandbox runs on Linux and macOS")

_GUARDED = """
import sys
from pathlib import Path
from runbook.sandbox import linux_calls
linux_calls.write_only_beneath([Path(sys.argv[1])], [Path("/dev/null")])
Path(sys.argv[1], "inside").write_text("x")
Path(sys.argv[1], "inside").rename(Path(sys.argv[1], "folder", "moved"))
Path("/dev/null").write_text("x")
outside = Path(sys.argv[2])
for attempt in (
    lambda: outside.write_text("x"), outside.unlink, lambda: outside.with_name("new").write_text("x"),
    lambda: outside.with_name("folder").mkdir(), lambda: outside.rename(Path(sys.argv[1], "stolen")),
    lambda: Path(sys.argv[1], "link").hardlink_to(outside),
):
    try:
        attempt()
    except OSError:
        continue
    sys.exit("a write got out")
print(outside.read_text())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
def test_landlock_refuses_every_kind_of_write_outside(tmp_path: Path) -> None:
    if not linux_calls.landlock_version():
        pytest.skip("this kernel has no Landlock")
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "folder").mkdir(parents=True)
    outside.write_text("precious")
    done = subprocess.run(
        [sys.executable, "-c", _GUARDED, inside, outside], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "precious\n", "")
    assert (inside / "folder/moved").read_text() == "x"
    assert outside.read_text() == "precious"


_NOBODY = """
import os, sys
from pathlib import Path
from runbook.sandbox import linux_calls, private_folder
linux_calls.landlock_version = lambda: 0
tree = Path(sys.argv[1])
guard = private_folder.enter(private_folder.PrivatePlan(tree=str(tree), ssm=str(tree / "ssm")))
Path(tree, "own/root/inside").write_text("x")
for attempt in (Path("/etc/runbook-test").touch, lambda: os.kill(os.getppid(), 9), lambda: os.setuid(0)):
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit("got out")
print(guard.words, guard.owner == os.geteuid() == os.getuid())
"""


@pytest.mark.skipif(os.getuid() != 0 or sys.platform != "linux", reason="only root has rights to give up")
def test_without_landlock_root_gives_its_rights_up_or_refuses(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        tree = Path(open_to_all, "tree")
        (tree / "ssm").mkdir(parents=True)
        Path(open_to_all).chmod(0o755)
        run = [sys.executable, "-c", _NOBODY]
        done = subprocess.run([*run, tree], capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("private folder, commands run as nobody True\n", "")
        closed = Path(open_to_all, "closed", "tree")
        (closed / "ssm").mkdir(parents=True)
        closed.parent.chmod(0o700)
        refused = subprocess.run([*run, closed], capture_output=True, text=True, check=False)
        assert "run the sandbox as an ordinary user, or in a folder that all may enter" in refused.stderr


def test_programs_find_their_home_and_prefix_in_the_folder(tmp_path: Path) -> None:
    environment = private_folder.environment(tmp_path, Path("/tools"))
    own = str(tmp_path / "own")
    for name in ("HOME", "PREFIX", "TMPDIR"):
        assert environment[name].startswith(own)
    path = environment["PATH"].split(":")
    assert path[:4] == [f"{own}/usr/local/sbin", f"{own}/usr/local/bin", "/tools/private", "/tools/bin"]


def test_the_profile_for_macos_allows_writes_in_the_folders_only() -> None:
    profile = private_folder.seatbelt_profile([Path("/a b"), Path('/c"d')])
    assert profile.startswith("(version 1)(allow default)(deny file-write*)(allow file-write*")
    assert '(subpath "/a b") (subpath "/c\\"d")' in profile
    assert profile.count("(") == profile.count(")")


@pytest.mark.skipif(
    not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists(), reason="reads /proc"
)
def test_descendants_are_found_however_deep() -> None:
    process = subprocess.Popen(["sh", "-c", "sh -c 'sleep 60; true'; true"])
    try:
        found: list[int] = []
        for _ in range(100):
            found = private_folder.descendants(process.pid)
            if len(found) == 2:
                break
            time.sleep(0.02)
        assert len(found) == 2
    finally:
        for pid in [*found, process.pid]:
            os.kill(pid, 9)
        process.wait()
