"""valkey-cli on an instance reaches the cluster over TLS, compiled or stand-in, as the lab types it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runbook.sandbox.instance_setup import Kind
from runbook.sandbox.valkey_source import SETTING, source_version

from tests.support.instances import new_host, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook.sandbox.instance_host import ProcessHost

    from tests.support.clusters import Lab

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the sandbox runs on Linux and macOS")

INSTALL = Path(__file__).parents[2] / "playbooks/files/install-valkey-cli.sh"
WAYS = pytest.mark.parametrize(
    "kind", [Kind.OVERLAY, Kind.PRIVATE], ids=lambda kind: kind.value, indirect=True
)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def source() -> str:
    """No source of any use, so that the instances have the stand-in."""
    return "/no/such/valkey.tar.gz"


@pytest.fixture
def host(kind: Kind, source: str, shared_lab: Lab, tmp_path: Path) -> Iterator[ProcessHost]:
    host = new_host(tmp_path / "host", kind, source=source, authorities=shared_lab.certificates.bundle_file)
    if host.way.startswith("commands can't run"):
        host.close()
        pytest.skip(host.way)
    yield host
    host.close()


def ask(host: ProcessHost, lab: Lab, *lines: str) -> list[str]:
    cli = f"valkey-cli -h {lab.handle.address} -p {lab.handle.port} --tls -c"
    done = run(host, "i-1", "\n".join(f"{cli} {line}" for line in lines))
    assert (done.code, done.stderr) == (0, "")
    return done.stdout.splitlines()


@WAYS
def test_the_stand_in_reaches_the_cluster_without_naming_its_authority(host: ProcessHost, lab: Lab) -> None:
    assert ask(host, lab, "PING", 'SET person:1 "John"', "GET person:1") == ["PONG", "OK", "John"]


@WAYS
def test_the_install_script_is_content_with_the_stand_in_and_says_so(host: ProcessHost) -> None:
    done = run(host, "i-1", INSTALL.read_text())
    assert done.code == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "valkey-cli 7.2.7 (stand-in of the runbook sandbox)"
    assert second.startswith("not compiled: RUNBOOK_SANDBOX_VALKEY_SOURCE names /no/such/valkey.tar.gz")


@WAYS
def test_the_install_script_says_why_it_fails(host: ProcessHost) -> None:
    script = "export VERSION=0.0.1 URL=file:///no/such/archive.tar.gz\n" + INSTALL.read_text()
    done = run(host, "i-1", script)
    assert done.code != 0
    assert "curl" in done.stderr or "Unable to find a match" in done.stderr


@pytest.mark.compile
@pytest.mark.timeout(900)
@pytest.mark.skipif(SETTING not in os.environ, reason=f"needs {SETTING}")
@pytest.mark.parametrize("kind", [Kind.OVERLAY], ids=lambda kind: kind.value, indirect=True)
@pytest.mark.parametrize("source", [os.environ.get(SETTING, "")], ids=["setting"])
def test_the_lab_compiles_valkey_cli_and_a_second_run_does_not(
    host: ProcessHost, source: str, lab: Lab, tmp_path: Path
) -> None:
    version = source_version(Path(source))
    script = f"export VERSION={version}\n{INSTALL.read_text()}"
    first = run(host, "i-1", script)
    assert first.code == 0, first.stderr[-2000:]
    assert first.stdout.splitlines()[-1] == f"valkey-cli {version}"
    again = run(host, "i-1", script)
    assert (again.stdout, again.seconds < 5) == (f"valkey-cli {version}\n", True)
    assert run(host, "i-1", "command -v valkey-cli").stdout == "/usr/local/bin/valkey-cli\n"
    assert ask(host, lab, "PING", 'SET person:1 "John"', "GET person:1") == ["PONG", "OK", "John"]
    assert ask(host, lab, "JSON.SET product:1 $ '{\"price\":10.10}'", "JSON.GET product:1 price") == [
        "OK",
        "10.10",
    ]
