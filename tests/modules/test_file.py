"""`file`, and what all modules of files have in common: modes, owners, a dry run that is true."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from runbook.errors import Failed
from runbook.modules._files_mode import octal, umask, wanted_bits
from runbook.values import Unknown

from tests.support.plays import Folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permission bits and links")


def mode_of(path: Path) -> str:
    return octal(stat.S_IMODE(path.lstat().st_mode))


# ---------------------------------------------------------------- modes


@pytest.mark.parametrize(
    ("mode", "current", "wanted"),
    [
        ("0644", 0, 0o644),
        ("644", 0, 0o644),
        ("0o640", 0, 0o640),
        (420, 0, 0o644),
        (644, 0, 0o1204),
        ("u+x", 0o644, 0o744),
        ("u=rw,g=r,o=", 0o777, 0o640),
        ("a=,u=rwX", 0o644, 0o600),
        ("a=,u=rwX", 0o755, 0o700),
        ("g=u", 0o754, 0o774),
        ("g=u-w", 0o700, 0o750),
        ("u=rws", 0o444, 0o4644),
        ("u=rw,+t", 0o4777, 0o1677),
        ("u-w+x", 0o677, 0o577),
        ("u+rw,", 0o600, 0o600),
        ("ugo-x", 0o555, 0o444),
        ("g+s", 0o755, 0o2755),
    ],
)
def test_modes_mean_what_chmod_means(mode: int | str, current: int, wanted: int) -> None:
    assert octal(wanted_bits(mode, current, folder=False)) == octal(wanted)


def test_symbols_without_users_leave_to_the_umask_what_it_takes() -> None:
    assert wanted_bits("+rwx", 0o600, folder=False) == 0o600 | (0o777 & ~umask())
    assert wanted_bits("a+X", 0o600, folder=True) == 0o711


@pytest.mark.parametrize("mode", ["rw", "u +r", "preserve", "0b11", "z=r"])
def test_a_mode_that_means_nothing_is_refused(mode: str) -> None:
    with pytest.raises(Failed, match="mode must be in octal or symbolic form"):
        wanted_bits(mode, 0, folder=False)


# ---------------------------------------------------------------- a dry run and the real run agree

TASKS = """
- {name: touch, file: {path: w/a, state: touch, mode: "0600"}}
- {name: kept, file: {path: w/a, state: touch, modification_time: preserve, access_time: preserve}}
- {name: mode, file: {path: w/a, mode: "u+x,g=r"}}
- {name: times, file: {path: w/a, modification_time: "202001020304.05"}}
- {name: deep, file: {path: w/x/y/z, state: directory, mode: "0750"}}
- {name: inside, copy: {content: "one\\n", dest: w/x/y/one}}
- {name: again, copy: {content: "one\\n", dest: w/x/y/one}}
- {name: more, copy: {content: "two\\n", dest: w/x/y/one, mode: g+w}}
- {name: link, file: {src: x/y, dest: w/l, state: link}}
- {name: relink, file: {src: a, dest: w/l, state: link}}
- {name: same, file: {src: a, dest: w/l, state: link}}
- {name: through, file: {path: w/l, mode: "0604"}}
- {name: hard, file: {src: "{{ playbook_dir }}/w/a", dest: w/h, state: hard}}
- {name: all, file: {path: w/x, recurse: true, mode: "u=rwX,go="}}
- {name: tree, copy: {src: "{{ playbook_dir }}/w/x", dest: w/copy, remote_src: true}}
- {name: gone, file: {path: w/x, state: absent}}
- {name: gone twice, file: {path: w/x, state: absent}}
- {name: under gone, copy: {content: a, dest: w/x/y/f}, ignore_errors: true}
- {name: gone inside, file: {path: w/x/y, state: absent}}
- {name: new folder, copy: {content: a, dest: w/copy/more}}
- {name: into, copy: {src: "{{ playbook_dir }}/site.yml", dest: w/copy/}}
- {name: not a folder, file: {path: w/a, state: directory}, ignore_errors: true}
"""


def play_all(folder: Folder, **options: Any) -> dict[str, dict[str, Any]]:
    (folder.path / "w").mkdir(exist_ok=True)
    tasks = TASKS.strip().replace("\n", "\n    ")
    played = folder.play(f"- hosts: localhost\n  tasks:\n    {tasks}\n", fresh=True, diff=True, **options)
    return {name: dict(played.outcome(name).result) for name in played.names}


def known(wanted: Any, found: Any) -> Any:
    """`found`, with what `wanted` does not know taken out of both."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {name: known(value, found[name]) for name, value in wanted.items() if name in found}
    return wanted if isinstance(wanted, Unknown) else found


def clean(told: Any) -> Any:
    if isinstance(told, dict):
        kept = {name: clean(value) for name, value in told.items() if name not in ("atime", "mtime")}
        return {name: value for name, value in kept.items() if not isinstance(value, Unknown)}
    return [clean(item) for item in told] if isinstance(told, list) else told


def test_what_a_dry_run_says_is_what_the_run_does(folder: Folder) -> None:
    said = play_all(folder, check=True)
    assert list((folder.path / "w").iterdir()) == [], "a dry run writes nothing"
    done = play_all(folder)
    for name, result in said.items():
        assert sorted(result) == sorted(done[name]), name
        assert clean(result) == clean(known(result, done[name])), name
    again = play_all(folder, check=True)
    assert not again["same"]["changed"]


def test_all_of_it_is_done(folder: Folder) -> None:
    done = play_all(folder)
    top = folder.path / "w"
    changed = [name for name, result in done.items() if not result["changed"]]
    assert changed == ["kept", "again", "same", "gone twice", "under gone", "gone inside", "not a folder"]
    assert [mode_of(top / name) for name in ("a", "h", "l")] == ["0604", "0604", "0777"]
    assert (top / "a").stat().st_mtime == done["times"]["diff"]["after"]["mtime"]
    assert (top / "a").samefile(top / "h")
    assert (top / "l").readlink() == Path("a")
    assert not (top / "x").exists()
    assert mode_of(top / "copy/x/y") == "0700"
    assert (top / "copy/x/y/one").read_text() == "two\n"
    assert done["deep"]["mode"] == "0750"
    assert done["hard"]["state"] == "hard"
    assert done["under gone"]["msg"].endswith("does not exist")
    assert done["not a folder"]["msg"] == "w/a already exists as a hard"


def test_a_link_to_nothing_is_warned_of(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: refused, file: {src: nowhere, dest: l, state: link}, ignore_errors: true}
            - {name: forced, file: {src: nowhere, dest: l, state: link, force: true}}
            - {name: plain, file: {src: nowhere, dest: l, state: link, force: true, follow: false}}
        """
    )
    assert "use 'force=yes'" in played.message("refused")
    assert "non-existent symlink target" in played.outcome("forced").result["warnings"][0]
    assert "warnings" not in played.outcome("plain").result
    assert not played.outcome("plain").result["changed"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("path: nowhere", "is absent, cannot continue"),
        ("path: d, state: file", "is directory, cannot continue"),
        ("path: f, state: directory", "already exists as a file"),
        ("path: f/x, state: directory", "There was an issue creating"),
        ("path: no/such, state: touch", "could not touch target"),
        ("path: l, state: link", "src is required for creating new symlinks"),
        ("path: l, state: hard", "src is required for creating new hardlinks"),
        ("path: l, src: /no/such, state: hard", "src does not exist"),
        ("path: g, src: '{{ playbook_dir }}/f', state: hard", "Cannot link, file exists at destination"),
        ("path: f, src: g, state: link", "refusing to convert from file to symlink"),
        ("path: d, src: ../f, state: link, force: true", "is not empty, refusing to convert it"),
        ("path: f, recurse: true, state: file", "recurse option requires state"),
        ("path: f, src: g, state: touch", "src option requires state"),
        ("path: f, modification_time: soon", "Error while obtaining timestamp for time soon"),
        ("path: f, group: no-such-group", "chgrp failed: failed to look up group no-such-group"),
    ],
)
def test_what_can_not_be_done_is_told(folder: Folder, arguments: str, says: str) -> None:
    for name in ("f", "g", "d/inside"):
        folder.write(name, name)
    played = folder.play(f"- hosts: localhost\n  tasks: [{{name: bad, file: {{{arguments}}}}}]")
    assert played.code == 2
    assert says in played.message("bad")


def test_a_folder_is_copied_with_its_links_and_modes(folder: Folder) -> None:
    for name in ("files/tree/sub/two", "files/tree/one"):
        folder.write(name, name)
    (folder.path / "files/tree/link").symlink_to("one")
    (folder.path / "files/tree/lost").symlink_to("nowhere")
    text = """
        - hosts: localhost
          tasks:
            - {name: whole, copy: {src: tree, dest: out, mode: "0600", directory_mode: "0700"}}
            - {name: links, copy: {src: tree/, dest: links, local_follow: false, mode: preserve}}
    """
    first, second = folder.play(text), folder.play(text, fresh=True)
    out = folder.path / "out"
    assert [s for _, _, s in first.steps] == ["changed", "changed"]
    assert [s for _, _, s in second.steps] == ["ok", "ok"]
    assert first.outcome("whole").result["dest"] == "out/"
    assert (out / "tree/link").read_text() == "files/tree/one"
    assert (out / "tree/lost").readlink() == Path("nowhere")
    assert [mode_of(out / name) for name in ("tree/sub", "tree/one")] == ["0700", "0600"]
    assert (folder.path / "links/link").readlink() == Path("one")


def test_a_new_file_must_please_its_command_and_the_old_one_is_kept(folder: Folder) -> None:
    (folder.path / "f").write_text("old")
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: bad, copy: {content: new, dest: f, validate: grep old %s}, ignore_errors: true}
            - {name: good, copy: {content: new, dest: f, validate: grep new %s, backup: true}}
        """
    )
    assert played.message("bad") == "failed to validate"
    assert played.outcome("bad").result["exit_status"] == 1
    kept = played.outcome("good").result["backup_file"]
    assert (folder.path / kept).read_text() == "old"
    assert sorted(p.name for p in folder.path.iterdir() if p.name.startswith(".f")) == []
