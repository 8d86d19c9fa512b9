"""A secret of each source, put wherever a playbook can put one, is found in nothing that runbook tells or keeps."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.support.cli import Desk, Ended

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from tests.support.typed import typed

#: What the secrets are, by their sources. Each is one of a kind, so that it can't be found by chance.
SECRETS = {
    "vaulted": "Zq7-vault-value-k1",
    "from_file": "Zq7-vault-file-k2",
    "managed": "Zq7-manager-k3",
    "parameter": "Zq7-parameter-k4",
    "hidden": "Zq7-no-log-k5",
    "prompted": "Zq7-prompt-k6",
    "argument": "Zq7-argument-k7",
    "db_password": "Zq7-command-line-k8",
}

LIBRARY = '''
"""Fails as a module with a mistake does."""

from runbook.contract import *
import msgspec


class Breaks:
    contract_version = 1
    permissions = Permissions()

    class Params(Params):
        value: str

    class Result(msgspec.Struct):
        value: str

    def resource(self, params):
        return None

    def observe(self, ctx, params):
        raise RuntimeError(f"a mistake that tells {params.value}")

    def plan(self, params, observed):
        raise AssertionError

    def apply(self, ctx, params, change):
        raise AssertionError
'''

PLAY = """
- hosts: localhost
  gather_facts: false
  aws: {endpoint_url: "ENDPOINT", region: eu-central-1}
  vars_files: [secret.yml]
  vars_prompt: [{name: prompted, prompt: Word, private: true}]
  vars:
    vaulted: VAULTED
    managed: "{{ lookup('aws_secret', 'lab/one') }}"
    parameter: "{{ lookup('aws_ssm_parameter', '/lab/word') }}"
    inner: {deep: ["{{ vaulted }}", "{{ managed }}"]}
  tasks:
    - {name: Hidden, command: "printf %s Zq7-no-log-k5", register: hides, no_log: true}
    - set_fact: {hidden: "{{ hides.stdout | default('not run yet') }}"}
    - name: Argument
      uri: {url: "http://127.0.0.1:9/", url_password: Zq7-argument-k7, url_username: me}
      ignore_errors: true
    - name: "Loop over {{ vaulted }}"
      debug: {msg: "{{ item }} {{ item | upper }} {{ item | b64encode }} {{ item | reverse }}"}
      loop: ["{{ vaulted }}", "{{ from_file }}", "{{ managed }}", "{{ parameter }}", "{{ hidden }}",
             "{{ prompted }}", "{{ db_password }}"]
    - {name: Nested, debug: {var: inner}}
    - set_fact: {derived: "user:{{ managed }}@{{ from_file }}", listed: ["{{ parameter }}", "{{ prompted }}"]}
    - name: Into files
      copy: {dest: "{{ playbook_dir }}/out-{{ index }}", content: "{{ item }}\\n"}
      loop: ["{{ derived }}", "{{ hidden }}", "{{ prompted }}", "{{ vaulted }}", "{{ db_password }}"]
      loop_control: {index_var: index}
      diff: true
    - {name: Into a name, file: {path: "{{ playbook_dir }}/dir-{{ vaulted }}", state: directory}}
    - name: Through a command
      shell: 'echo "$WORD {{ parameter }} {{ derived }}"; echo "$WORD" >&2; echo "$WORD" | base64'
      environment: {WORD: "{{ from_file }}"}
      register: said
    - {name: What it said, debug: {var: said}}
    - name: Wrong in many ways
      block:
        - {name: Bad argument, file: {path: "{{ vaulted }}/x", state: "{{ managed }}"}}
      rescue:
        - {name: Why, debug: {var: ansible_failed_result}}
    - {name: Bad template, debug: {msg: "{{ [managed] | first | int + none }}"}, ignore_errors: true}
    - {name: Asserted, assert: {that: "parameter == 'x'", fail_msg: "it is {{ parameter }}"}, ignore_errors: true}
    - {name: A mistake, breaks: {value: "{{ prompted }}"}, ignore_errors: true}
    - {name: Hosts, add_host: {name: other, word: "{{ managed }}"}}
    - {name: Stats, set_stats: {data: {word: "{{ vaulted }}"}}}
    - name: The end
      fail: {msg: "ends with {{ hidden }} {{ derived }} {{ prompted }}"}
      when: ends | default(true) | bool
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An account that keeps two of the secrets."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    session = boto3.Session(*KEYS.values(), region_name="eu-central-1")
    ask = {"endpoint_url": url}
    session.client("secretsmanager", **ask).create_secret(Name="lab/one", SecretString=SECRETS["managed"])
    session.client("ssm", **ask).put_parameter(
        Name="/lab/word", Value=SECRETS["parameter"], Type="SecureString"
    )
    yield url
    server.stop()


KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
OPTIONS = ("-i", "localhost,", "--vault-password-file", "pw", "-e", "@more.yml")


@pytest.fixture
def desk(tmp_path: Path, endpoint: str) -> Desk:
    desk = Desk(tmp_path, {**KEYS, "RUNBOOK_STATE_KEY": "a key of the operator's own"})
    (tmp_path / "pw").write_text("open sesame\n")
    (tmp_path / "more.yml").write_text(f"db_password: {SECRETS['db_password']}\n")
    (tmp_path / "secret.yml").write_text(f"from_file: {SECRETS['from_file']}\n")
    password = ("--vault-password-file", "pw")
    assert desk.run("vault", "encrypt", "secret.yml", *password).code == 0
    made = desk.run("vault", "encrypt_string", SECRETS["vaulted"], "-n", "vaulted", *password).stdout
    value = made.partition(": ")[2].replace("\n", "\n    ").rstrip()
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "breaks.py").write_text(LIBRARY)
    (tmp_path / "play.yml").write_text(PLAY.replace("ENDPOINT", endpoint).replace("VAULTED", value))
    return desk


def leaks(told: bytes) -> list[str]:
    """Sources of the secrets that stand in a text: as they are, in capitals, backwards, as base64 at any offset."""
    found = []
    for source, secret in SECRETS.items():
        forms = {secret, secret.upper(), secret[::-1]}
        forms |= {base64.b64encode(bytes(n) + secret.encode()).decode()[4:-4] for n in range(3)}
        found += [source for form in forms if form.encode() in told]
    return found


def check(what: str, ended: Ended, *codes: int) -> None:
    assert ended.code in codes, (what, ended)
    told = (ended.stdout + ended.stderr).encode()
    assert not leaks(told), (what, leaks(told), [line for line in told.splitlines() if leaks(line)][:5])


def check_files(folder: Path) -> None:
    for path in (folder / ".runbook").rglob("*"):
        if path.is_file():
            assert not leaks(path.read_bytes()), (path, leaks(path.read_bytes()))


@pytest.mark.parametrize("verbosity", [(), ("-vvv",), ("--output", "json")], ids=["plain", "vvv", "json"])
def test_no_secret_is_told_or_kept(desk: Desk, verbosity: tuple[str, ...]) -> None:
    said = ("-e", f"prompted={SECRETS['prompted']}")
    check("plan", desk.run("plan", "play.yml", *OPTIONS, *said, *verbosity), 0, 2)
    plan = desk.run("plan", "play.yml", *OPTIONS, *said, "-e", "ends=false", "-o", "kept.plan")
    check("plan -o", plan, 0, 2)
    kept = (desk.folder / "kept.plan").read_bytes()
    assert b"$keyed" in kept, "secrets stand in it, as hashes"
    assert not leaks(kept), leaks(kept)
    check("play", desk.run("play", "play.yml", *OPTIONS, *said, "--diff", *verbosity), 2)
    check_files(desk.folder)
    check("resume", desk.run("resume", "--vault-password-file", "pw", *said, *verbosity), 2)
    (run,) = re.findall(r'"run":\s?"([^"]+)"', desk.run("runs", "--output", "json").stdout)[:1]
    shape = verbosity if verbosity != ("-vvv",) else ()
    check("runs", desk.run("runs", *shape), 0)
    check("show", desk.run("show", run, *shape), 0)
    for step in range(1, 20):
        check(f"show {step}", desk.run("show", run, str(step), *shape), 0, 1)
    check("undo", desk.run("undo", run, "-C", "--vault-password-file", "pw", *verbosity), 0, 1, 2)
    check_files(desk.folder)


def test_what_is_typed_at_a_prompt_is_not_told(desk: Desk) -> None:
    code, screen = typed(desk, [SECRETS["prompted"]], "play", "play.yml", *OPTIONS, "-vvv", asked="Word: ")
    assert code == 2, screen
    assert not leaks(screen.encode()), leaks(screen.encode())
    check_files(desk.folder)
