"""`uri` and `get_url` against a server of their own."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.plays import Folder, Played

FILES = {"/d.json": (b'{"k": [1, null]}', "application/json"), "/p.txt": (b"plain\n", "text/plain")}


class Server(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self._note()
        if self.path == "/moved":
            self._answer(302, b"", "text/plain", Location="/p.txt")
        elif self.path == "/sums":
            self._answer(
                200, f"{hashlib.sha256(FILES['/p.txt'][0]).hexdigest()}  p.txt\n".encode(), "text/plain"
            )
        elif self.path == "/locked" and self.headers.get("Authorization") != "Basic bWU6c2VjcmV0":
            self._answer(401, b"", "text/plain", **{"WWW-Authenticate": 'Basic realm="x"'})
        elif self.headers.get("If-Modified-Since"):
            self._answer(304, b"", "text/plain")
        else:
            body, kind = FILES.get(
                self.path, (b"open", "text/plain") if self.path == "/locked" else (b"", "")
            )
            self._answer(200 if kind else 404, body, kind or "text/plain", **{"Set-Cookie": "c=1"})

    def do_POST(self) -> None:
        self._note()
        if self.path == "/lost" or (self.path == "/once" and self.asked.count("POST /once") == 1):
            self.close_connection = True
            return
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        told = {"sent": sent, "kind": self.headers.get("Content-Type"), "x": self.headers.get("X-Own")}
        self._answer(201, json.dumps(told).encode(), "application/json")

    def _note(self) -> None:
        type(self).asked.append(f"{self.command} {self.path}")

    def _answer(self, code: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Says nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Server.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def play(folder: Folder, url: str, tasks: str, **options: object) -> Played:
    lines = "\n".join(f"    {line}" for line in tasks.strip().splitlines())
    text = f"- hosts: localhost\n  gather_facts: false\n  vars: {{url: '{url}'}}\n  tasks:\n{lines}\n"
    return folder.play(text, **options)


def test_an_answer_is_told_with_its_headers(folder: Folder, url: str) -> None:
    played = play(
        folder,
        url,
        """
- {name: data, uri: {url: "{{ url }}/d.json", return_content: true}}
- {name: moved, uri: {url: "{{ url }}/moved"}}
- {name: none, uri: {url: "{{ url }}/nope"}, ignore_errors: true}
- {name: fine, uri: {url: "{{ url }}/nope", status_code: [200, 404]}}
- {name: nobody, uri: {url: "http://127.0.0.1:1/", timeout: 2}, ignore_errors: true}
- {name: login, uri: {url: "{{ url }}/locked", user: me, password: secret, return_content: true}}
- {name: stays, uri: {url: "{{ url }}/moved", follow_redirects: none, status_code: 302}}
- {name: held, uri: {url: "{{ url }}/d.json", creates: site.yml}}
- {name: asked, uri: {url: "{{ url }}/d.json"}, check_mode: true}
""",
    )
    data = played.outcome("data").result
    assert (data["status"], data["json"], data["content"]) == (200, {"k": [1, None]}, '{"k": [1, null]}')
    assert (data["content_type"], data["cookies"], data["msg"]) == (
        "application/json",
        {"c": "1"},
        "OK (16 bytes)",
    )
    assert (data["changed"], data["redirected"]) == (False, False)
    moved = played.outcome("moved").result
    assert (moved["redirected"], moved["url"]) == (True, f"{url}/p.txt")
    assert played.message("none") == "Status code was 404 and not [200]: HTTP Error 404: Not Found"
    assert played.outcome("none").result["status"] == 404
    assert played.outcome("nobody").result["status"] == -1
    assert played.outcome("login").result["content"] == "open"
    assert played.outcome("stays").result["status"] == 302
    assert played.outcome("held").result["stdout"] == "skipped, since 'site.yml' exists"
    assert [s for _, _, s in played.steps][-1] == "skipped"


def test_bodies_are_sent_as_they_are_asked_for(folder: Folder, url: str) -> None:
    played = play(
        folder,
        url,
        """
- {name: json, uri: {url: "{{ url }}/", method: POST, body: {a: 1}, body_format: json, status_code: 201}}
- name: form
  uri: {url: "{{ url }}/", method: post, body: {a: x y, b: [1, 2]}, body_format: form-urlencoded, status_code: 201}
- {name: raw, uri: {url: "{{ url }}/", method: POST, body: text, headers: {X-Own: "1"}, status_code: [201]}}
- name: parts
  uri:
    url: "{{ url }}/"
    method: POST
    body: {a: {content: c, filename: f.json}}
    body_format: form-multipart
    status_code: 201
""",
    )
    told = {name: played.outcome(name).result["json"] for name in ("json", "form", "raw", "parts")}
    assert (told["json"]["sent"], told["json"]["kind"]) == ('{"a": 1}', "application/json")
    assert told["form"]["sent"] == "a=x+y&b=1&b=2"
    assert (told["raw"]["sent"], told["raw"]["x"]) == ("text", "1")
    assert 'filename="f.json"' in told["parts"]["sent"]
    assert "Content-Type: application/json" in told["parts"]["sent"]
    assert [s for _, _, s in played.steps] == ["ok"] * 4, "as Ansible counts"


def test_a_dry_run_looks_and_sends_nothing(folder: Folder, url: str) -> None:
    played = play(
        folder,
        url,
        """
- {name: look, uri: {url: "{{ url }}/d.json"}, register: r}
- {name: used, debug: {msg: "{{ r.json.k }}"}}
- {name: send, uri: {url: "{{ url }}/", method: POST, status_code: 201}}
- {name: fetch, get_url: {url: "{{ url }}/p.txt", dest: got}}
""",
        check=True,
    )
    assert played.message("used") == [1, None]
    assert [s for _, _, s in played.steps] == ["ok", "ok", "changed", "changed"]
    assert Server.asked == ["GET /d.json", "GET /p.txt"]
    assert not (folder.path / "got").exists()


def test_files_are_fetched_when_they_have_to_be(folder: Folder, url: str) -> None:
    digest = hashlib.sha1(b"plain\n").hexdigest()  # noqa: S324 (what Ansible's result tells)
    played = play(
        folder,
        url,
        f"""
- {{name: new, get_url: {{url: "{{{{ url }}}}/p.txt", dest: got, mode: "0600"}}}}
- {{name: same, get_url: {{url: "{{{{ url }}}}/p.txt", dest: got}}}}
- {{name: known, get_url: {{url: "{{{{ url }}}}/p.txt", dest: got, checksum: "sha1:{digest}"}}}}
- {{name: sums, get_url: {{url: "{{{{ url }}}}/p.txt", dest: ./, checksum: "sha256:{{{{ url }}}}/sums"}}}}
- {{name: other, get_url: {{url: "{{{{ url }}}}/p.txt", dest: got3, checksum: "md5:00"}}, ignore_errors: true}}
- {{name: none, get_url: {{url: "{{{{ url }}}}/nope", dest: got4}}, ignore_errors: true}}
- {{name: folder, get_url: {{url: "{{{{ url }}}}/p.txt", dest: no/got}}, ignore_errors: true}}
- {{name: written, uri: {{url: "{{{{ url }}}}/p.txt", dest: out}}}}
- {{name: again, uri: {{url: "{{{{ url }}}}/p.txt", dest: out}}}}
""",
    )
    new = played.outcome("new").result
    assert (new["status_code"], new["checksum_src"], new["checksum_dest"], new["mode"]) == (
        200,
        digest,
        None,
        "0600",
    )
    assert (new["msg"], new["size"], new["state"]) == ("OK (6 bytes)", 6, "file")
    assert played.outcome("same").result["status_code"] == 304
    assert played.message("known") == "file already exists"
    assert (folder.path / "p.txt").read_bytes() == b"plain\n"
    assert "did not match 00" in played.message("other")
    assert (played.message("none"), played.outcome("none").result["status_code"]) == ("Request failed", 404)
    assert played.message("folder").endswith("no does not exist")
    assert [s for _, _, s in played.steps] == [
        "changed",
        "ok",
        "ok",
        "changed",
        *["failed"] * 3,
        "changed",
        "ok",
    ]
    assert played.outcome("written").result["path"] == "out"
    assert not (folder.path / "got3").exists()


def test_a_request_without_an_answer_leaves_a_question_and_is_not_sent_again(
    folder: Folder, url: str
) -> None:
    task = """
- {name: post, uri: {url: "{{ url }}/lost", method: POST}, ignore_errors: true}
"""
    played = play(folder, url, task)
    assert played.code == 4
    assert "POST /lost" in Server.asked
    assert play(folder, url, task).code == 4
    assert Server.asked == ["POST /lost"]


def test_what_may_be_sent_twice_is_sent_again(folder: Folder, url: str) -> None:
    played = play(
        folder,
        url,
        """
- {name: post, uri: {url: "{{ url }}/once", method: POST, status_code: 201}, rerun: safe}
""",
    )
    assert played.outcome("post").result["status"] == 201
    assert Server.asked == ["POST /once"] * 2


def test_that_nobody_listens_is_no_question(folder: Folder, url: str) -> None:
    played = play(
        folder,
        url,
        """
- {name: post, uri: {url: "http://127.0.0.1:1/", method: POST}, ignore_errors: true}
""",
    )
    assert played.outcome("post").result["status"] == -1
