"""`stat`, `slurp`, `find`, `fetch`, `assemble`, `tempfile`: what they tell, in a dry run of planned files, too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from runbook.values import Unknown

from tests.support.plays import Folder, Played

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and links")


def play(folder: Folder, *calls: str, **options: Any) -> Played:
    tasks = "".join(f"    - {{name: '{number}', {call}}}\n" for number, call in enumerate(calls))
    return folder.play(f"- hosts: localhost\n  tasks:\n{tasks}", fresh=True, **options)


def told(folder: Folder, call: str, **options: Any) -> dict[str, Any]:
    return dict(play(folder, call, **options).outcome("0").result)


@pytest.fixture
def tree(folder: Folder) -> Folder:
    for name, text in (
        ("h.txt", "hello\nworld"),
        ("sub/big", "x" * 3000),
        ("sub/deep/x.log", "hello\n"),
        (".hid", ""),
    ):
        folder.write(f"t/{name}", text)
    (folder.path / "t/l").symlink_to("h.txt")
    (folder.path / "t/lost").symlink_to("nowhere")
    os.utime(folder.path / "t/sub/deep/x.log", (1_577_934_245, 1_577_934_245))
    return folder


def test_what_is_there_is_told(tree: Folder) -> None:
    file = tree.path / "t/h.txt"
    file.chmod(0o4751)
    stat = told(tree, "stat: {path: t/h.txt}")["stat"]
    assert stat["mode"] == "4751"
    assert [stat[name] for name in ("exists", "isreg", "isdir", "islnk", "isuid", "xoth", "woth")] == [
        *(True, True, False, False, True, True, False)
    ]
    assert stat["size"] == 11
    assert stat["mtime"] == file.stat().st_mtime
    assert stat["checksum"] == "7db827c10afc1719863502cf95397731b23b8bae"
    assert stat["path"] == "t/h.txt"


def test_links_are_looked_at_or_followed(tree: Folder) -> None:
    link = told(tree, "stat: {path: t/l, get_mime: false, get_attributes: false}")["stat"]
    assert (link["islnk"], link["lnk_target"], link["lnk_source"]) == (
        True,
        "h.txt",
        str(tree.path / "t/h.txt"),
    )
    assert "checksum" not in link
    end = told(tree, "stat: {path: t/l, follow: true, checksum_algorithm: md5}")["stat"]
    assert (end["isreg"], end["path"], len(end["checksum"])) == (True, "t/l", 32)
    assert told(tree, "stat: {path: t/lost, follow: true}")["stat"] == {"exists": False}
    assert told(tree, "stat: {path: t/none}")["stat"] == {"exists": False}


def test_a_file_is_read_as_base64(tree: Folder) -> None:
    assert told(tree, "slurp: {src: t/l}")["content"] == "aGVsbG8Kd29ybGQ="
    assert told(tree, "slurp: {src: t/none}")["msg"].startswith("File not found")
    assert told(tree, "slurp: {src: t}")["msg"].startswith("Source is a directory")


def found(folder: Folder, arguments: str) -> list[str]:
    result = told(folder, f"find: {{paths: t, {arguments}}}")
    assert result["matched"] == len(result["files"])
    return sorted(file["path"].removeprefix("t/") for file in result["files"])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("recurse: true", ["h.txt", "sub/big", "sub/deep/x.log"]),
        ("recurse: true, hidden: true", [".hid", "h.txt", "sub/big", "sub/deep/x.log"]),
        ("file_type: any", ["h.txt", "l", "lost", "sub"]),
        ("file_type: directory, recurse: true", ["sub", "sub/deep"]),
        ("file_type: link", ["l", "lost"]),
        ("patterns: ['*.txt', none]", ["h.txt"]),
        ("patterns: '^h', use_regex: true", ["h.txt"]),
        ("excludes: '*.log', recurse: true", ["h.txt", "sub/big"]),
        ("size: 1k, recurse: true", ["sub/big"]),
        ("size: -1k, recurse: true", ["h.txt", "sub/deep/x.log"]),
        ("age: 52w, recurse: true", ["sub/deep/x.log"]),
        ("age: -1h, recurse: true", ["h.txt", "sub/big"]),
        ("contains: hello, recurse: true", ["h.txt", "sub/deep/x.log"]),
        ("contains: ello", []),
        ("contains: '(?s)hello.world', read_whole_file: true", ["h.txt"]),
        ("recurse: true, depth: 2", ["h.txt", "sub/big"]),
        ("mode: '0644'", ["h.txt"]),
        ("mode: '0100', exact_mode: false", []),
    ],
)
def test_files_are_found(tree: Folder, arguments: str, names: list[str]) -> None:
    assert found(tree, arguments) == names


def test_what_can_not_be_searched_is_warned_of(tree: Folder) -> None:
    result = told(tree, "find: {paths: [t, nowhere]}")
    assert result["msg"] == "Not all paths examined, check warnings for details"
    assert result["skipped_paths"] == {"nowhere": "'nowhere' is not a directory"}
    assert len(result["warnings"]) == 1
    assert told(tree, "find: {paths: t, age: bogus}")["msg"] == "failed to process age"
    assert told(tree, "find: {paths: t, limit: 1, recurse: true}")["msg"] == "Limit of matches reached"


def test_a_file_is_fetched_into_a_folder_of_its_host(tree: Folder) -> None:
    calls = ("fetch: {src: t/h.txt, dest: out}", "fetch: {src: t/h.txt, dest: flat/, flat: true}")
    first, second = play(tree, *calls), play(tree, *calls)
    place = tree.path / "out/localhost/t/h.txt"
    assert place.read_text() == "hello\nworld"
    assert first.outcome("0").result["dest"] == str(place)
    assert (tree.path / "flat/h.txt").exists()
    assert [s for _, _, s in (*first.steps, *second.steps)] == ["changed", "changed", "ok", "ok"]
    assert second.outcome("0").result["file"] == "t/h.txt"
    assert "does not exist" in told(tree, "fetch: {src: t/none, dest: out}")["msg"]
    assert not told(tree, "fetch: {src: t/none, dest: out, fail_on_missing: false}")["failed"]


def test_parts_are_put_together(folder: Folder) -> None:
    for name, text in (("b", "2"), ("a", "1\n"), (".c", "3"), ("skip.txt", "no")):
        folder.write(f"files/parts/{name}", text)
    call = "assemble: {src: files/parts, dest: out, delimiter: '--', regexp: '^[ab]$', ignore_hidden: true}"
    result = told(folder, call)
    assert (folder.path / "out").read_text() == "1\n--\n2"
    assert (result["msg"], result["size"], result["mode"]) == ("OK", 6, "0644")
    assert not told(folder, call)["changed"]
    told(folder, "assemble: {src: parts, dest: other, remote_src: false}")
    assert (folder.path / "other").read_text() == "3\n1\n2\nno"
    assert "does not exist" in told(folder, "assemble: {src: nowhere, dest: out}")["msg"]


def test_a_temporary_file_is_new_and_private(folder: Folder) -> None:
    file = told(folder, f"tempfile: {{path: '{folder.path}', suffix: .x}}")
    place = told(folder, f"tempfile: {{path: '{folder.path}', state: directory, prefix: p}}")
    assert file["path"].startswith(f"{folder.path}/ansible.")
    assert file["path"].endswith(".x")
    assert [file["mode"], place["mode"]] == ["0600", "0700"]
    assert Path(place["path"]).is_dir()
    planned = told(folder, "tempfile: {}", check=True)
    assert isinstance(planned["path"], Unknown)


def test_a_dry_run_looks_at_planned_files(folder: Folder) -> None:
    planned = play(
        folder,
        "file: {path: d, state: directory}",
        'copy: {content: "abc", dest: d/f, mode: "0600"}',
        "stat: {path: d/f}",
        "slurp: {src: d/f}",
        "find: {paths: d, get_checksum: true}",
        "fetch: {src: d/f, dest: out}",
        "assemble: {src: d, dest: whole}",
        "file: {path: d/f, state: absent}",
        "stat: {path: d/f}",
        "stat: {path: d}",
        check=True,
    )
    results = [planned.outcome(str(number)).result for number in range(10)]
    stat = results[2]["stat"]
    checksum = "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert (stat["exists"], stat["size"], stat["mode"], stat["checksum"]) == (True, 3, "0600", checksum)
    assert isinstance(stat["mtime"], Unknown)
    assert results[3]["content"] == "YWJj"
    assert [file["checksum"] for file in results[4]["files"]] == [checksum]
    assert results[5]["checksum"] == results[6]["checksum"] == checksum
    assert results[8]["stat"] == {"exists": False}
    assert results[9]["stat"]["isdir"]
    assert sorted(p.name for p in folder.path.iterdir()) == ["site.yml"]
