"""Host patterns: which hosts `web:&staging:!web3` means.

As in Ansible: terms with `&` keep only what they name and terms with `!` take it away, wherever they stand; the
hosts come in the order in which the other terms name them.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Iterable, Sequence

from .errors import Position, UsageError, nearest
from .model import Inventory

_SLICE = re.compile(r"(?P<name>.+)\[(?P<first>-?\d+)(?:(?P<range>[:-])(?P<last>-?\d*))?\]")
_WILD = re.compile(r"[*?\[]")


def match_hosts(
    pattern: str | Sequence[str], inventory: Inventory, *, at: Position | None = None
) -> tuple[str, ...]:
    """The hosts that a pattern names: `all`, a name, group, glob or `~regex`, `a:b`, `a:&b`, `a:!b`, `web[0]`.

    Raises UsageError, with the place `at` when it is known, for a plain name that is neither a host nor a group; a
    glob or regex may match nothing.
    """
    try:
        return _hosts(pattern, inventory)
    except UsageError as error:
        raise UsageError(error.message, position=at, hint=error.hint) from None


def _hosts(pattern: str | Sequence[str], inventory: Inventory) -> tuple[str, ...]:
    terms = [
        term for part in ([pattern] if isinstance(pattern, str) else pattern) for term in _split(str(part))
    ]
    found: dict[str, None] = {}
    added = [term for term in terms if term[0] not in "&!"]
    for term in added or (["all"] if terms else []):
        found.update(dict.fromkeys(_match(term, inventory)))
    for term in terms:
        if term[0] == "&":
            kept = set(_match(term[1:], inventory))
            found = {host: None for host in found if host in kept}
    for term in terms:
        if term[0] == "!":
            for host in _match(term[1:], inventory):
                found.pop(host, None)
    return tuple(found)


def _split(text: str) -> list[str]:
    """Terms of a pattern: at commas when there are any, else at colons; neither inside brackets."""
    separator = "," if _outside_brackets(text, ",") else ":"
    if separator == ":" and re.fullmatch(r"[0-9A-Fa-f:.%]*::?[0-9A-Fa-f:.%]*", text) and text.count(":") > 1:
        return [text]
    places = [-1, *_outside_brackets(text, separator), len(text)]
    terms = (text[first + 1 : last].strip() for first, last in itertools.pairwise(places))
    return [term for term in terms if term]


def _outside_brackets(text: str, separator: str) -> list[int]:
    depth, found = 0, []
    for index, character in enumerate(text):
        depth += (character in "[({") - (character in "])}")
        if character == separator and depth <= 0:
            found.append(index)
    return found


def _match(term: str, inventory: Inventory) -> Iterable[str]:
    if term.startswith("~"):
        return _matching(_regex(term[1:]), inventory)
    if term in inventory.groups:
        return inventory.groups[term]
    if term in inventory.hosts:
        return (term,)
    sliced = _SLICE.fullmatch(term)
    if sliced:
        return _slice(list(_match(sliced["name"], inventory)), sliced)
    if term == "*":
        return inventory.groups.get("all", ())
    if _WILD.search(term):
        return _matching(re.compile(fnmatch.translate(term)), inventory)
    hint = nearest(term, [*inventory.hosts, *inventory.groups])
    if hint is None:
        groups = [name for name in inventory.groups if name not in ("all", "ungrouped")]
        hint = f"Groups: {', '.join(groups[:10])}." if groups else "The inventory has no groups."
        if not inventory.groups.get("all"):
            hint = (
                "The inventory is empty. Name one with -i; without it, inventory/sandbox.yml of the current folder "
                "is used, if it is there."
            )
    raise UsageError(f"The inventory has no host and no group '{term}'", hint=hint)


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"The host pattern '~{text}' is no regular expression: {error}") from error


def _matching(regex: re.Pattern[str], inventory: Inventory) -> Iterable[str]:
    """Hosts of the groups that match, then the hosts that match."""
    found: dict[str, None] = {}
    for name, hosts in inventory.groups.items():
        if regex.match(name):
            found.update(dict.fromkeys(hosts))
    found.update(dict.fromkeys(host for host in inventory.groups.get("all", ()) if regex.match(host)))
    return found


def _slice(hosts: Sequence[str], sliced: re.Match[str]) -> Sequence[str]:
    """`[0]` is one host, `[1:3]` the second to the fourth, `[2:]` all from the third: both ends count."""
    first = int(sliced["first"])
    if not sliced["range"]:
        return hosts[first : first + 1 or None]
    last = sliced["last"]
    if not last:
        return hosts[first:]
    return hosts[first : int(last) + 1 or None]
