"""How the API cuts output, and where S3 keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.sandbox.ssm_output import Output, combine, key_folder


@pytest.mark.parametrize(
    ("stdout", "stderr", "shown"),
    [
        ("", "", ""),
        ("out", "", "out"),
        ("out", "err", "out\n----------ERROR-------\nerr"),
    ],
)
def test_short_streams_are_joined_whole(stdout: str, stderr: str, shown: str) -> None:
    assert combine(stdout, stderr) == shown


@pytest.mark.parametrize(
    ("out", "err"), [(9000, 0), (0, 9000), (9000, 9000), (9000, 10), (10, 9000), (2500, 1)]
)
def test_no_listing_is_longer_than_2500_characters(out: int, err: int) -> None:
    shown = combine("o" * out, "e" * err)
    assert len(shown) <= 2500
    assert ("---Output truncated---" in shown) == (out > 1000)
    assert ("---Error truncated----" in shown) == (err > 1000)


def test_any_bytes_survive_as_text(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"a\xff\x00\xe2\x82\xacb")
    (tmp_path / "err").write_bytes(b"")
    output = Output(tmp_path / "out", tmp_path / "err", "added\n")
    assert output.standard_output() == "a\ufffd\x00\u20acb"
    assert output.standard_error() == "added\n"
    assert output.whole() == {"stdout": b"a\xff\x00\xe2\x82\xacb", "stderr": b"added\n"}


def test_exactly_as_much_as_fits_is_not_cut(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("é" * 24000)
    (tmp_path / "err").write_text("e" * 8001)
    output = Output(tmp_path / "out", tmp_path / "err")
    assert output.standard_output() == "é" * 24000
    assert output.standard_error() == "e" * 7980 + "--output truncated--"


def test_the_prefix_is_a_folder_whatever_its_slashes() -> None:
    tail = "c/i/awsrunShellScript/0.awsrunShellScript"
    assert key_folder("", "c", "i") == tail
    assert key_folder("/a/b/", "c", "i") == f"a/b/{tail}"
