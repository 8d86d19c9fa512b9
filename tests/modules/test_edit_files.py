"""`lineinfile`, `blockinfile` and `replace`: what becomes of a text, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plays import Folder, Played

TEXT = "a=1\nb=2\n#c=3\nb=4\nend"


def edit(folder: Folder, call: str, text: str | None = TEXT, **options: Any) -> Played:
    if text is not None:
        (folder.path / "f").write_bytes(text.encode())
    return folder.play(f"- hosts: localhost\n  tasks: [{{name: edit, {call}}}]", fresh=True, **options)


def text_after(folder: Folder, call: str, text: str | None = TEXT) -> str:
    """The text that the call leaves. It must be what its dry run says, and leave nothing to do."""
    planned = edit(folder, call, text, check=True).outcome("edit")
    assert (folder.path / "f").read_bytes() == (text or "").encode() if text is not None else True
    done = edit(folder, call, None).outcome("edit")
    assert (planned.result, planned.status) == (done.result, done.status)
    (change,) = planned.changes
    left = (folder.path / "f").read_bytes()
    assert change.after.content == left
    return left.decode()


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ("line: new", "a=1\nb=2\n#c=3\nb=4\nend\nnew\n"),
        ("line: end", TEXT + "\n"),
        ("regexp: ^b=, line: b=9", "a=1\nb=2\n#c=3\nb=9\nend"),
        ("regexp: ^b=, line: b=9, firstmatch: true", "a=1\nb=9\n#c=3\nb=4\nend"),
        ("regexp: ^z, line: z, insertafter: ^b=", "a=1\nb=2\n#c=3\nb=4\nz\nend"),
        ("regexp: ^z, line: z, insertbefore: ^b=, firstmatch: true", "a=1\nz\nb=2\n#c=3\nb=4\nend"),
        ("regexp: ^z, line: z, insertafter: nowhere", TEXT + "\nz\n"),
        ("line: z, insertbefore: BOF", "z\n" + TEXT),
        ("line: z, insertafter: EOF", TEXT + "\nz\n"),
        ("line: z, insertafter: end", TEXT + "\nz\n"),
        ("regexp: ^z, line: a=1", TEXT),
        (r"regexp: '^(b)=(\d)', line: '\1=<\2>', backrefs: true", "a=1\nb=2\n#c=3\nb=<4>\nend"),
        (r"regexp: '^(q)=(\d)', line: '\1', backrefs: true", TEXT),
        ("search_string: c=3, line: c=7", "a=1\nb=2\nc=7\nb=4\nend"),
        ("regexp: '^[ab]', state: absent", "#c=3\nend"),
        ("line: end, state: absent", "a=1\nb=2\n#c=3\nb=4\n"),
        ("search_string: '=', state: absent", "end"),
    ],
)
def test_a_line_is_there_once(folder: Folder, arguments: str, left: str) -> None:
    call = f"lineinfile: {{path: f, {arguments}}}"
    assert text_after(folder, call) == left
    if "backrefs" not in arguments:
        assert not edit(folder, call, None).outcome("edit").result["changed"]


def test_line_ends_of_windows_stay(folder: Folder) -> None:
    call = "lineinfile: {path: f, line: z, insertafter: x}"
    assert text_after(folder, call, "x\r\ny\r\n") == "x\r\nz\ny\r\n"


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ("block: 'one'", TEXT + "\n# BEGIN X\none\n# END X\n"),
        ('block: "one\\ntwo\\n", insertafter: ^a', "a=1\n# BEGIN X\none\ntwo\n# END X\n" + TEXT[4:]),
        ("block: one, insertbefore: BOF", "# BEGIN X\none\n# END X\n" + TEXT),
        ("block: one, insertbefore: '^b'", TEXT[:-7] + "# BEGIN X\none\n# END X\n" + TEXT[-7:]),
        ("block: one, insertafter: nowhere", TEXT + "\n# BEGIN X\none\n# END X\n"),
        (
            "block: one, insertafter: ^a, append_newline: true, prepend_newline: true",
            "a=1\n\n# BEGIN X\none\n# END X\n\n" + TEXT[4:],
        ),
        ("block: one, marker_begin: FROM, marker_end: TO", TEXT + "\n# FROM X\none\n# TO X\n"),
        ("block: ''", TEXT),
        ("state: absent", TEXT),
        (r"block: one, insertafter: '(?m)a=1\nb=2$'", TEXT[:8] + "# BEGIN X\none\n# END X\n" + TEXT[8:]),
    ],
)
def test_a_block_is_there_once_and_can_be_taken_out(folder: Folder, arguments: str, left: str) -> None:
    call = f"blockinfile: {{path: f, marker: '# {{mark}} X', {arguments}}}"
    assert text_after(folder, call) == left
    assert not edit(folder, call, None).outcome("edit").result["changed"]
    other = call.replace("one", "other")
    assert text_after(folder, other, None) == left.replace("one", "other")


def test_a_block_is_taken_out_with_its_marks(folder: Folder) -> None:
    call = "blockinfile: {path: f, state: absent}"
    text = "a\n# BEGIN ANSIBLE MANAGED BLOCK\nx\n# END ANSIBLE MANAGED BLOCK\nb\n"
    assert text_after(folder, call, text) == "a\nb\n"


@pytest.mark.parametrize(
    ("arguments", "left", "message"),
    [
        ("regexp: b", "a=1\n=2\n#c=3\n=4\nend", "2 replacements made"),
        ("regexp: '^(.)=', replace: '\\1:'", "a:1\nb:2\n#c=3\nb:4\nend", "3 replacements made"),
        (
            "regexp: =, replace: ':', after: b=2, before: b=4",
            "a=1\nb=2\n#c:3\nb=4\nend",
            "1 replacements made",
        ),
        ("regexp: =, replace: ':', after: '#c'", "a=1\nb=2\n#c:3\nb:4\nend", "2 replacements made"),
        ("regexp: '=1\\n', replace: ' '", "a b=2\n#c=3\nb=4\nend", "1 replacements made"),
        ("regexp: nope", TEXT, ""),
        (
            "regexp: b, after: nope",
            TEXT,
            "Pattern for before/after params did not match the given file: nope(?P<subsection>.*)",
        ),
    ],
)
def test_what_is_found_is_replaced(folder: Folder, arguments: str, left: str, message: str) -> None:
    call = f"replace: {{path: f, {arguments}}}"
    assert text_after(folder, call) == left
    assert edit(folder, call).message("edit") == message


def test_bytes_that_are_no_text_survive(folder: Folder) -> None:
    (folder.path / "f").write_bytes(b"\xe9=1\r\n\xff\n")
    edit(folder, "replace: {path: f, regexp: '=1', replace: '=2'}", None)
    edit(folder, "lineinfile: {path: f, line: z}", None)
    assert (folder.path / "f").read_bytes() == b"\xe9=2\r\n\xff\nz\n"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("lineinfile: {path: nowhere, line: x}", "Destination .*nowhere does not exist !"),
        ("lineinfile: {path: ., line: x}", "Path .* is a directory !"),
        ("lineinfile: {path: f}", "line is required with state=present"),
        ("lineinfile: {path: f, line: x, backrefs: true}", "regexp is required"),
        ("lineinfile: {path: f, line: x, regexp: '('}", "no regular expression"),
        (r"lineinfile: {path: f, line: '\9', regexp: '(a)', backrefs: true}", "a group"),
        ("blockinfile: {path: nowhere, block: x}", "Path .*nowhere does not exist !"),
        ("blockinfile: {path: f, block: x, insertafter: a, insertbefore: b}", "mutually exclusive"),
        (r"replace: {path: f, regexp: '(a)', replace: '\9'}", "Unable to process replace"),
        ("replace: {path: f, regexp: a, encoding: none-such}", "can't be read as none-such"),
        ("replace: {path: f, regexp: a, validate: 'false %s'}", "failed to validate: rc:1"),
        ("replace: {path: f, regexp: a, validate: 'true'}", "validate must contain %s"),
    ],
)
def test_what_can_not_be_done_is_told_and_leaves_the_file(folder: Folder, call: str, says: str) -> None:
    import re

    played = edit(folder, call)
    assert played.code == 2
    assert re.search(says, played.message("edit"))
    assert (folder.path / "f").read_text() == TEXT


def test_what_is_told_is_what_ansible_tells(folder: Folder) -> None:
    path = "f"
    told = edit(folder, "lineinfile: {path: f, line: new, mode: '0600', backup: true}", diff=True)
    result = told.outcome("edit").result
    assert result["msg"] == "line added and ownership, perms or SE linux context changed"
    assert (folder.path / result["backup"]).read_text() == TEXT
    assert result["diff"] == [
        {"before": TEXT, "after": f"{TEXT}\nnew\n", "before_header": f"{path} (content)"}
        | {"after_header": f"{path} (content)"},
        {"before": {"mode": "0644"}, "after": {"mode": "0600"}}
        | {"before_header": f"{path} (file attributes)", "after_header": f"{path} (file attributes)"},
    ]
    made = edit(folder, "blockinfile: {path: deep/new, block: x, create: true}")
    assert made.message("edit") == "File created"
    again = edit(folder, "lineinfile: {path: gone, line: x, state: absent}")
    assert dict(again.outcome("edit").result) == {
        "msg": "file not present",
        "changed": False,
        "failed": False,
    }


def test_a_link_leads_to_the_file(folder: Folder) -> None:
    (folder.path / "f").write_text(TEXT)
    (folder.path / "link").symlink_to("f")
    edit(folder, "lineinfile: {path: link, line: new}", None)
    assert (folder.path / "link").is_symlink()
    assert (folder.path / "f").read_text().endswith("new\n")


def test_a_dry_run_sees_the_lines_of_earlier_steps(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: made, copy: {content: "a\\n", dest: g}}
            - {name: line, lineinfile: {path: g, line: b}}
            - {name: same, lineinfile: {path: g, line: b}}
            - {name: other, replace: {path: g, regexp: b, replace: c}}
            - {name: block, blockinfile: {path: g, block: d, marker: "#{mark}"}}
        """,
        check=True,
    )
    assert [s for _, _, s in played.steps] == ["changed", "changed", "ok", "changed", "changed"]
    assert played.outcome("block").changes[0].after.content == b"a\nc\n#BEGIN\nd\n#END\n"
    assert not (folder.path / "g").exists()
