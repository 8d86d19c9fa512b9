"""Certificates: what clients verify."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
from runbook.sandbox.certificates import Certificates

if TYPE_CHECKING:
    from pathlib import Path


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as link:
            return link.version()
    finally:
        ours.close()
        thread.join()


def test_a_client_that_trusts_the_ca_accepts_the_addresses_of_the_certificate_and_no_other(
    tmp_path: Path,
) -> None:
    certificates = Certificates(tmp_path)
    server = certificates.server_context(["127.9.9.9", "127.9.9.1"])
    for trusted in (certificates.ca_file, certificates.bundle_file):
        client = ssl.create_default_context(cafile=trusted)
        assert _shake_hands(server, client, "127.9.9.9") == "TLSv1.3"
        assert _shake_hands(server, client, "127.9.9.1") == "TLSv1.3"
        with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
            _shake_hands(server, client, "127.9.9.2")


def test_the_ca_of_another_sandbox_is_not_trusted(tmp_path: Path) -> None:
    server = Certificates(tmp_path / "one").server_context(["127.9.9.9"])
    client = ssl.create_default_context(cafile=Certificates(tmp_path / "other").ca_file)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(server, client, "127.9.9.9")


def test_old_tls_is_refused(tmp_path: Path) -> None:
    assert Certificates(tmp_path).server_context(["127.9.9.9"]).minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_bundle_has_what_the_machine_trusts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "system.pem"
    system.write_bytes(Certificates(tmp_path / "system").ca_file.read_bytes())
    monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(system))
    bundle = Certificates(tmp_path / "own").bundle_file
    assert len(ssl.create_default_context(cafile=bundle).get_ca_certs()) == 2
