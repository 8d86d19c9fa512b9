"""Secrets planted in every kind of source are found in no output and in no state file, nor what they become."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.cli import Desk

PLAIN = {
    "files/copied.txt": "key=PLANTED-copied-11111\nb\n",
    "files/folder/sub/copied.txt": "PLANTED-folder-22222\n",
    "templates/whole.j2": "x=PLANTED-template-33333 {{ plain }}\n",
    "vars.yml": "written: PLANTED-written-44444\nnested: {a: [PLANTED-nested-55555]}\n",
}
INLINE = "PLANTED-inline-66666"
SIGNS = re.compile("PLANTED|DETNALP|UExBTlRFR|planted-")
"""As it is, reversed, in base64, in small letters."""

PLAYBOOK = """\
- name: Secrets on all their ways
  hosts: localhost
  vars_files: [vars.yml, inline.yml]
  vars: {plain: p}
  tasks:
    - copy: {src: copied.txt, dest: out/copied}
    - copy: {src: folder, dest: out/}
    - template: {src: whole.j2, dest: out/rendered}
    - copy: {content: "{{ lookup('file', 'copied.txt') }}", dest: out/looked_up}
    - debug: {msg: "{{ lookup('template', 'whole.j2') }} {{ lookup('unvault', 'copied.txt') }}"}
    - set_fact: {made: "{{ written | reverse }} {{ nested.a[0] | lower }} {{ inline | b64encode }}"}
    - debug: {var: made}
    - command: "echo {{ written }} {{ inline.lower() }} {{ written[::-1] }}"
      register: said
    - debug: {var: said.stdout}
    - shell: "echo {{ made | quote }}"
    - lineinfile: {path: out/lines, line: "{{ inline }}", create: true}
    - blockinfile: {path: out/lines, block: "{{ written }}"}
    - debug: {msg: x}
      loop: ["{{ inline }}", "{{ written }}"]
    - command: printenv GIVEN
      environment: {GIVEN: "{{ inline }}"}
    - include_vars: {file: vars.yml, name: box}
    - debug: {var: box}
    - name: "named {{ inline }}"
      debug: {msg: x}
    - slurp: {src: out/copied}
      register: slurped
    - debug: {msg: "{{ slurped.content }} {{ slurped.content | b64decode }}"}
    - fail: {msg: "{{ inline }} {{ made }}"}
      ignore_errors: true
    - debug: {msg: "{{ inline.nope }}"}
      ignore_errors: true
    - debug: {msg: "{{ inline | int + 'x' }}"}
      ignore_errors: true
    - file: {path: out, state: "{{ inline }}"}
      ignore_errors: true
    - set_stats: {data: {kept: "{{ inline }}"}}
    - fail: {msg: "{{ written }}"}
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A folder whose secrets all stand encrypted."""
    desk = Desk(tmp_path_factory.mktemp("planted"))
    for name, text in {**PLAIN, "site.yml": PLAYBOOK, "pw": "word\n"}.items():
        (desk.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (desk.folder / name).write_text(textwrap.dedent(text))
    assert desk.run("vault", "encrypt", "--vault-password-file", "pw", *PLAIN).code == 0
    inline = desk.run("vault", "encrypt_string", "--vault-password-file", "pw", INLINE, "--name", "inline")
    (desk.folder / "inline.yml").write_text(inline.stdout)
    return desk


@pytest.mark.parametrize(
    "options", [(), ("-vvv",), ("--diff",), ("--output", "json"), ("--check", "--diff")], ids=" ".join
)
def test_no_output_and_no_state_file_holds_a_planted_secret(planted: Desk, options: Sequence[str]) -> None:
    out = planted.folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    ended = planted.run("play", "site.yml", "--vault-password-file", "pw", "--fresh", *options)
    assert ended.code == 2, "the last task fails"
    assert not SIGNS.search(ended.stdout + ended.stderr)
    for file in (planted.folder / ".runbook").iterdir():
        assert not re.search(SIGNS.pattern.encode(), file.read_bytes()), file.name


def test_files_that_are_made_of_secrets_are_private(planted: Desk) -> None:
    out = planted.folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    planted.run("play", "site.yml", "--vault-password-file", "pw", "--fresh")
    made = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    assert sorted(made) == ["copied", "folder/sub/copied.txt", "lines", "looked_up", "rendered"]
    assert {name: oct(path.stat().st_mode & 0o777) for name, path in made.items()} == dict.fromkeys(
        made, "0o600"
    )
    assert made["folder/sub/copied.txt"].read_text() == PLAIN["files/folder/sub/copied.txt"]
    assert Path(made["rendered"]).read_text() == "x=PLANTED-template-33333 p\n"
