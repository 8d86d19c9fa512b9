"""What an instance finds when it starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from runbook.sandbox.instance_setup import HostSettings, InstanceSetup, Kind, Way
from runbook.sandbox.private_folder import PrivatePlan

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the sandbox runs on Linux and macOS")


@pytest.fixture
def setup(tmp_path: Path) -> InstanceSetup:
    (tmp_path / "authorities.pem").write_text("pem")
    settings = HostSettings(
        tmp_path / "authorities.pem",
        "eu-west-2",
        valkey_source="/no/such/source",
        environment={"MORE": "more"},
    )
    setup = InstanceSetup(tmp_path / "machines", settings)
    setup.start()
    return setup


@pytest.mark.parametrize("kind", [Kind.OVERLAY, Kind.PRIVATE], ids=lambda kind: kind.value)
def test_an_instance_that_can_not_compile_has_the_stand_in(
    setup: InstanceSetup, kind: Kind, tmp_path: Path
) -> None:
    plan = setup.plan(Way(kind), tmp_path / "i-1", "ip-10-0-0-9")
    text = plan.programs["/usr/local/bin/valkey-cli"]
    assert "stand-in of the runbook sandbox" in text
    assert "/no/such/source" in text
    assert "stand-in" in plan.files["/etc/motd"]
    if isinstance(plan, PrivatePlan):
        (tmp_path / "valkey-cli").write_text(text)
        help_text = subprocess.run(
            ["sh", tmp_path / "valkey-cli", "--help"], capture_output=True, text=True, check=False
        )
        assert "Usage: valkey-cli" in help_text.stdout + help_text.stderr


def test_the_authorities_are_named_to_every_program(setup: InstanceSetup, tmp_path: Path) -> None:
    inside = setup.environment(Way(Kind.OVERLAY), tmp_path, "i-1")
    assert inside["SSL_CERT_FILE"] == inside["CURL_CA_BUNDLE"] == "/opt/runbook-sandbox/authorities.pem"
    setup.plan(Way(Kind.PRIVATE), tmp_path / "i-1", "h")
    outside = setup.environment(Way(Kind.PRIVATE), tmp_path, "i-1")
    assert Path(outside["SSL_CERT_FILE"]).read_text() == "pem"
    assert outside["MORE"] == inside["MORE"] == "more"


def test_proxies_are_passed_on_and_the_operators_own_variables_are_not(
    setup: InstanceSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the operator's")
    environment = setup.environment(Way(Kind.OVERLAY), tmp_path, "i-1")
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert "the operator's" not in environment.values()
