"""The sandbox's own certificate authority, and the server certificates that it signs."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Sequence

# Where systems keep the authorities that everybody trusts: Debian, Amazon Linux and Red Hat, macOS.
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


class Certificates:
    """One certificate authority, made anew each time: its private key never touches the disk."""

    def __init__(self, directory: Path) -> None:
        """Make the authority and write `ca.pem` and `bundle.pem` into `directory`."""
        self._authority = trustme.CA(organization_name="runbook sandbox", organization_unit_name="rehearsal")
        directory.mkdir(parents=True, exist_ok=True)
        self._ca_file = (directory / "ca.pem").absolute()
        self._bundle_file = (directory / "bundle.pem").absolute()
        own = self._authority.cert_pem.bytes()
        self._ca_file.write_bytes(own)
        self._bundle_file.write_bytes(own + _system_authorities())

    @property
    def ca_file(self) -> Path:
        """The authority's certificate alone: what a client of the sandbox must trust."""
        return self._ca_file

    @property
    def bundle_file(self) -> Path:
        """The authority's certificate with those that this machine trusts: for `SSL_CERT_FILE`, so that a
        process reaches the sandbox and the internet alike."""
        return self._bundle_file

    def server_context(self, addresses: Sequence[str]) -> ssl.SSLContext:
        """A TLS 1.2+ server context whose certificate names each of `addresses` (IP addresses or names)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._authority.issue_cert(*addresses).configure_cert(context)
        return context


def _system_authorities() -> bytes:
    named = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_SYSTEM_BUNDLES)
    for name in named:
        if name and Path(name).is_file():
            return b"\n" + Path(name).read_bytes()
    return b""
