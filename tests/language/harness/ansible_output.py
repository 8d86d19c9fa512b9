"""Reads what `ansible-playbook -v` prints with ANSIBLE_CALLBACK_RESULT_FORMAT=json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .played import COUNTS, ITEMS_FAILED, Step

_HEADER = re.compile(r"^(PLAY|TASK|RUNNING HANDLER) (?:\[(.*)\] )?\*+$")
_RESULT = re.compile(
    r"^(?P<status>ok|changed|skipping|failed|fatal): \[(?P<host>[^\]]+?)(?: -> [^\]]+)?\]"
    r"(?:: (?P<word>FAILED!|UNREACHABLE!))?(?: (?:=> )?\(item=(?P<item>.*?)\) {0,2})?(?: ?=> (?P<result>\{.*))?$",
    re.DOTALL,
)
_INCLUDED = re.compile(r"^included: (?P<file>.*) for (?P<hosts>.*?)(?: => \(item=(?P<item>.*)\))?$")
_RECAP = re.compile(r"^(?P<host>\S+)\s+: (?P<counts>ok=\d+ .*)$")
_STARTS = ("ok: [", "changed: [", "skipping: [", "failed: [", "fatal: [")
_META = "conditional evaluated to False"
"""Of `meta` with a `when`; it prints and counts nothing else of its tasks, and does not count these."""

_ALL_SKIPPED = {"msg": "All items skipped"}
"""Of a loop as a whole; its registered result is compared where it is printed."""

_LONGEST = 200
"""Lines that one result may take; a label with line breaks is printed as it is."""


def read_steps(stdout: str) -> Iterator[Step]:
    """The results in the order in which they were printed."""
    play, task, handler = "", "", False
    for line in _whole_lines(stdout):
        if head := _HEADER.match(line):
            if head[1] == "PLAY":
                play = head[2] or ""
            else:
                task, handler = head[2] or "", head[1] == "RUNNING HANDLER"
        elif included := _INCLUDED.match(line):
            for host in included["hosts"].split(", "):
                yield Step(host, play, task, handler, "included", included["item"])
        elif found := _RESULT.match(line):
            result = json.loads(found["result"] or "{}")
            if result == _ALL_SKIPPED:
                result = {}
            if result.get("msg") == ITEMS_FAILED or _META in result.get("skip_reason", ""):
                continue
            yield Step(found["host"], play, task, handler, _status(found), found["item"], result)


def read_recap(stdout: str) -> dict[str, Mapping[str, int]]:
    """The counts of each host."""
    _, _, recap = stdout.rpartition("\nPLAY RECAP ")
    found = [match for line in recap.splitlines() if (match := _RECAP.match(line))]
    return {match["host"]: _counts(match["counts"]) for match in found}


def _whole_lines(stdout: str) -> Iterator[str]:
    """Lines, those of one result joined."""
    lines = stdout.splitlines()
    n = 0
    while n < len(lines):
        taken = 1
        if lines[n].startswith(_STARTS):
            taken = _length(lines, n)
        yield "\n".join(lines[n : n + taken])
        n += taken


def _length(lines: list[str], n: int) -> int:
    if _is_whole(lines[n]):
        return 1
    longest = min(_LONGEST, len(lines) - n)
    return next((k for k in range(2, longest + 1) if _is_whole("\n".join(lines[n : n + k]))), 1)


def _is_whole(text: str) -> bool:
    found = _RESULT.match(text)
    if not found:
        return False
    try:
        json.loads(found["result"] or "{}")
    except ValueError:
        return False
    return True


def _status(found: re.Match[str]) -> str:
    if found["word"] == "UNREACHABLE!":
        return "unreachable"
    words = {"skipping": "skipped", "fatal": "failed"}
    return words.get(found["status"], found["status"])


def _counts(text: str) -> dict[str, Any]:
    pairs = (pair.split("=") for pair in text.split())
    return {name: int(number) for name, number in pairs if name in COUNTS}
