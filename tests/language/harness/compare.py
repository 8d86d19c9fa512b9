"""Two runs side by side: each difference has a place, our value and Ansible's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from .case import Differs
from .normal import TOLD_BY_STATUS
from .played import Played, Step

NOTHING = "<nothing>"
_OWN_WORDS = {"fail", "assert"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: `where` is a place such as `exit`, `order of a`, `a | task x: ok | msg`."""

    where: str
    ours: Any
    ansible: Any

    def __str__(self) -> str:
        return f"{self.where}\n    ours:    {_shown(self.ours)}\n    ansible: {_shown(self.ansible)}"


def compare(ours: Played, ansible: Played) -> list[Difference]:
    """All differences of two runs; of a refused one only that it was refused."""
    found = [Difference("exit", ours.ending, ansible.ending)] if ours.ending != ansible.ending else []
    if "refused" in (ours.ending, ansible.ending):
        return found
    for host in sorted({*ours.hosts, *ansible.hosts}):
        found += _order(host, ours.of(host), ansible.of(host))
        found += _results(host, ours.of(host), ansible.of(host))
    found += _values("recap", ours.recap, ansible.recap)
    found += _values("files", ours.files, ansible.files)
    return found


def unexpected(found: list[Difference], chosen: tuple[Differs, ...]) -> list[Difference]:
    """Differences that nobody chose, and chosen ones that are gone or show in another way."""
    told = {one.where: one for one in chosen}
    wrong = [one for one in found if one.where not in told]
    shown = {one.where: one for one in found}
    for where, mark in told.items():
        one = shown.get(where, Difference(where, NOTHING, NOTHING))
        if (one.ours, one.ansible) != (mark.ours, mark.ansible):
            wrong.append(
                Difference(f"chosen difference ({where}) shows in another way", one.ours, one.ansible)
            )
    return wrong


def _order(host: str, ours: list[Step], ansible: list[Step]) -> Iterator[Difference]:
    for mine, theirs in zip_longest(map(str, ours), map(str, ansible), fillvalue=NOTHING):
        if mine != theirs:
            yield Difference(f"order of {host}", mine, theirs)
            return


def _results(host: str, ours: list[Step], ansible: list[Step]) -> Iterator[Difference]:
    seen: Counter[str] = Counter()
    pairs = SequenceMatcher(None, [*map(str, ours)], [*map(str, ansible)], autojunk=False)
    for at, other_at, length in pairs.get_matching_blocks():
        for step, other in zip(ours[at : at + length], ansible[other_at : other_at + length], strict=True):
            seen[str(step)] += 1
            nth = "" if seen[str(step)] == 1 else f" ({seen[str(step)]})"
            yield from _result(f"{host} | {step}{nth}", step, other)


def _result(where: str, ours: Step, ansible: Step) -> Iterator[Difference]:
    if "censored" in ansible.result:  # hidden by no_log; what ours hides has tests of its own
        return
    mine, theirs = dict(ours.result), dict(ansible.result)
    if ours.status == "changed" and theirs.keys() <= {"changed", "path"}:
        return  # planned in a dry run: ours tells all that would be, Ansible only that it would change
    for name in TOLD_BY_STATUS - theirs.keys():
        mine.pop(name, None)
    if ours.status == "failed" and not _in_playbooks_words(ours.task, theirs.get("msg")):
        _forget_words(mine, theirs)
    yield from _values(where, mine, theirs)


def _in_playbooks_words(task: str, message: Any) -> bool:
    """Whether a failure is told in the words of the playbook: of `fail` and `assert`, when these ran at all."""
    return task.rpartition(" : ")[2] in _OWN_WORDS and not str(message).startswith("Task failed: ")


def _forget_words(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    """An engine's own message is its own: only that there is one counts."""
    for name in ("msg", "message", "reason", "failed_when_result", "changed_when_result"):
        texts = mine.get(name), theirs.get(name)
        if all(isinstance(text, str) and text for text in texts):
            mine[name] = theirs[name] = ""


def _values(where: str, ours: Any, ansible: Any) -> Iterator[Difference]:
    if isinstance(ours, Mapping) and isinstance(ansible, Mapping):
        mine, theirs = dict(ours), dict(ansible)
        if mine.get("failed") is True and theirs.get("failed") is True:
            _forget_words(mine, theirs)
        for name in sorted({*mine, *theirs}):
            yield from _values(f"{where} | {name}", mine.get(name, NOTHING), theirs.get(name, NOTHING))
    elif isinstance(ours, list) and isinstance(ansible, list) and len(ours) == len(ansible):
        for n, (one, other) in enumerate(zip(ours, ansible, strict=True)):
            yield from _values(f"{where}[{n}]", one, other)
    elif type(ours) is not type(ansible) or ours != ansible:
        yield Difference(where, ours, ansible)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) < 600 else text[:600] + " ..."
