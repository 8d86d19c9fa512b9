"""Compile where it can be, else a stand-in and one line that says why."""

from __future__ import annotations

import io
import tarfile
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from runbook.sandbox import valkey_source
from runbook.sandbox.instance_tools import Offers

ALL = Offers(dict.fromkeys(("gcc", "make", "openssl-devel", "tar", "gzip"), "/usr/bin/x"))


def archive(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    version = '#define SERVER_NAME "valkey"\n#define VALKEY_VERSION "9.1.2"\n'
    return archive(tmp_path / "valkey_9.1.2.orig.tar.gz", {"valkey-io-7f1dffe/src/version.h": version})


def test_a_source_file_is_compiled_in_its_own_version(source: Path, tmp_path: Path) -> None:
    client = valkey_source.choose_client(str(source), ALL, tmp_path / "cache")
    assert (client.version, client.archive, client.stand_in_because) == ("9.1.2", source, "")
    assert "9.1.2" in client.words


def test_a_source_address_is_downloaded_once(source: Path, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{source.name}"
        first = valkey_source.choose_client(url, ALL, tmp_path / "cache")
        server.shutdown()
    again = valkey_source.choose_client(url, ALL, tmp_path / "cache")
    assert first == again
    assert first.archive
    assert first.archive.read_bytes() == source.read_bytes()


def test_a_setting_that_is_no_use_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    missing = valkey_source.choose_client(str(tmp_path / "none.tar.gz"), ALL, tmp_path)
    assert "RUNBOOK_SANDBOX_VALKEY_SOURCE" in missing.stand_in_because
    assert "No such file" in missing.stand_in_because
    other = archive(tmp_path / "other.tar.gz", {"other/readme": "hello"})
    assert "version.h" in valkey_source.choose_client(str(other), ALL, tmp_path).stand_in_because
    (tmp_path / "text").write_text("text")
    assert "not a source archive" in valkey_source.choose_client(str(tmp_path / "text"), ALL, tmp_path).words


def test_what_the_machine_lacks_is_named(source: Path, tmp_path: Path) -> None:
    client = valkey_source.choose_client(str(source), Offers({"make": "/usr/bin/make"}), tmp_path)
    assert client.stand_in_because.startswith("this machine has no C compiler and no OpenSSL headers")
    assert client.words.startswith("stand-in")


def test_without_a_route_to_the_release_the_reason_names_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_source, "_RELEASES", "http://127.0.0.1:1")
    client = valkey_source.choose_client("", ALL, tmp_path)
    assert client.stand_in_because.startswith("no route from this machine to http://127.0.0.1:1/7.2.7.tar.gz")
    assert "refused" in client.stand_in_because


def test_a_release_that_can_be_reached_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "7.2.7.tar.gz").write_bytes(b"x")
    with HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(valkey_source, "_RELEASES", f"http://127.0.0.1:{server.server_port}")
        client = valkey_source.choose_client("", ALL, tmp_path)
        server.shutdown()
    assert (client.version, client.archive, client.stand_in_because) == ("7.2.7", None, "")
