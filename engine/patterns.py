"""Host patterns: which hosts `web:&staging:!web3` means.

As in Ansible: terms with `&` keep only what they name and terms with `!` take it away, wherever they stand; the
hosts come in the order in which the other terms name them. A term that names nothing is told and left out.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from .errors import Position, Problem, UsageError, nearest
from .model import LOCALHOST, Inventory

Warn = Callable[[Problem], None]

_SLICE = re.compile(r"(?P<name>.+)\[(?:(?P<only>-?\d+)|(?P<first>\d+)[:-](?P<last>\d*))\]")
_WILD = re.compile(r"[*?\[]")
_ALSO_HOSTS = re.compile(r"[.*?\[]")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.%]*::?[0-9A-Fa-f:.%]*")

LOCAL_NAMES = (LOCALHOST, "127.0.0.1", "::1")
"""Names of this machine: each stands for whichever of them the inventory has."""


def match_hosts(
    pattern: str | Sequence[str],
    inventory: Inventory,
    *,
    at: Position | None = None,
    warn: Warn | None = None,
) -> tuple[str, ...]:
    """The hosts that a pattern names: `all`, a name, group, glob or `~regex`, `a:b`, `a:&b`, `a:!b`, `web[0]`.

    `warn` is told of each term that names nothing, with the place `at` when it is known. Raises UsageError for a
    regular expression that is none.
    """
    parts = [pattern] if isinstance(pattern, str) else pattern
    terms = [term for part in parts for term in _split(str(part))]
    return _Matcher(inventory, at, warn).hosts(terms)


def limited(limit: str, inventory: Inventory, *, warn: Warn | None = None) -> frozenset[str]:
    """The hosts within `--limit`: a pattern, or `@file` with a term on each line.

    Raises UsageError for a file that can't be read.
    """
    terms: list[str] = []
    for term in _split(limit):
        terms += _lines(term[1:]) if term.startswith("@") else [term]
    return frozenset(_Matcher(inventory, None, warn).hosts(terms))


def check_limit(limit: str, inventory: Inventory, warn: Warn | None = None) -> frozenset[str]:
    """The hosts within `--limit`, as `limited`. Raises UsageError when it leaves no host of the inventory."""
    kept = limited(limit, inventory, warn=warn)
    if kept.isdisjoint(inventory.groups.get("all") or inventory.hosts):
        terms = [term for term in _split(limit) if not term.startswith("@")]
        hint = next((found for term in terms if (found := _near(term, inventory))), None)
        raise UsageError(
            f"--limit {limit} leaves no host of the inventory",
            hint=hint or "`runbook inventory --graph` shows who is there.",
        )
    return kept


def _near(term: str, inventory: Inventory) -> str | None:
    return nearest(term.lstrip("&!").partition("[")[0], [*inventory.groups, *inventory.hosts])


def _lines(name: str) -> list[str]:
    try:
        text = Path(name).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"The file of --limit @{name} can't be read: {why}") from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


# ---------------------------------------------------------------- terms


def _split(text: str) -> list[str]:
    """Terms of a pattern: at commas when there are any, else at colons and spaces; neither inside brackets."""
    text = text.strip()
    separators = "," if _outside_brackets(text, ",") else ": \t\n"
    if separators != "," and text.count(":") > 1 and _ADDRESS.fullmatch(text):
        return [text]
    places = [-1, *_outside_brackets(text, separators), len(text)]
    terms = (text[first + 1 : last].strip() for first, last in itertools.pairwise(places))
    return [term for term in terms if term]


def _outside_brackets(text: str, separators: str) -> list[int]:
    depth, found = 0, []
    for index, character in enumerate(text):
        depth += (character in "[({") - (character in "])}")
        if character in separators and depth <= 0:
            found.append(index)
    return found


class _Matcher:
    """Terms against one inventory."""

    def __init__(self, inventory: Inventory, at: Position | None, warn: Warn | None) -> None:
        self._inventory = inventory
        self._at = at
        self._warn = warn

    def hosts(self, terms: Sequence[str]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        added = [term for term in terms if term[0] not in "&!"]
        for term in added or (["all"] if terms else []):
            found.update(dict.fromkeys(self._match(term)))
        for term in terms:
            if term[0] == "&":
                kept = set(self._match(term[1:]))
                found = {host: None for host in found if host in kept}
        for term in terms:
            if term[0] == "!":
                for host in self._match(term[1:]):
                    found.pop(host, None)
        return tuple(found)

    def _match(self, term: str) -> Sequence[str]:
        sliced = None if term.startswith("~") else _SLICE.fullmatch(term)
        found = _slice(self._named(sliced["name"]), sliced) if sliced else self._named(term)
        return found if found is not None else self._nothing(term)

    def _named(self, term: str) -> Sequence[str] | None:
        """What a term without a slice names; None: there is nothing of that name."""
        groups, hosts = self._inventory.groups, self._inventory.hosts
        if term == "*":
            return groups.get("all", ())
        if term.startswith("~"):
            return self._matching(self._regex(term[1:]))
        if term not in groups and not _WILD.search(term):
            return self._host(term)
        if term not in groups:
            return self._matching(re.compile(fnmatch.translate(term)))
        if term in hosts and _ALSO_HOSTS.search(term):
            return tuple(dict.fromkeys((*groups[term], term)))
        return groups[term]

    def _host(self, name: str) -> Sequence[str] | None:
        if name in LOCAL_NAMES:
            named = self._inventory.groups.get("all", ())
            here = [one for one in (name, *LOCAL_NAMES) if one in named] or [LOCALHOST]
            return here[:1] if here[0] in self._inventory.hosts else None
        return (name,) if name in self._inventory.hosts else None

    def _regex(self, text: str) -> re.Pattern[str]:
        try:
            return re.compile(text)
        except re.error as error:
            raise UsageError(
                f"The host pattern '~{text}' is no regular expression: {error}", position=self._at
            ) from error

    def _matching(self, regex: re.Pattern[str]) -> Sequence[str] | None:
        """Hosts of the groups that match, then the hosts that match."""
        found: dict[str, None] = {}
        any_group = False
        for name, hosts in self._inventory.groups.items():
            if regex.match(name):
                any_group = True
                found.update(dict.fromkeys(hosts))
        for name, host in self._inventory.hosts.items():
            if regex.match(name) and not host.implicit:
                found[name] = None
        return tuple(found) if found or any_group else None

    def _nothing(self, term: str) -> tuple[str, ...]:
        if self._warn is not None:
            message = f"No host and no group matches '{term}'; it is left out"
            self._warn(Problem(message, self._at, self._hint(term)))
        return ()

    def _hint(self, term: str) -> str:
        inventory = self._inventory
        hint = _near(term, inventory)
        groups = [name for name in inventory.groups if name not in ("all", "ungrouped")]
        if hint is None and not inventory.groups.get("all"):
            return (
                "The inventory is empty. Name one with -i; without it, inventory/sandbox.yml of the current "
                "folder is used, if it is there."
            )
        return hint or (f"Groups: {', '.join(groups[:10])}." if groups else "The inventory has no groups.")


def _slice(hosts: Sequence[str] | None, sliced: re.Match[str]) -> Sequence[str] | None:
    """`[0]` is one host, `[1:3]` the second to the fourth, `[2:]` all from the third: both ends count.

    None: there is no such host.
    """
    if hosts is None:
        return None
    if sliced["only"]:
        only = int(sliced["only"])
        return hosts[only : only + 1 or None] or None
    last = int(sliced["last"]) + 1 if sliced["last"] else None
    return hosts[int(sliced["first"]) : last]


__all__ = ["LOCAL_NAMES", "Warn", "check_limit", "limited", "match_hosts"]
