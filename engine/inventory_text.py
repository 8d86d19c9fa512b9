"""What inventory files are read into before they are put together: groups as they were written, and host ranges."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .model import Value

_RANGE = re.compile(r"\[(?P<first>\w+):(?P<last>\w+)(?::(?P<step>\d+))?\]")
_NAME = re.compile(r"[^\s,:!&~*?\[\]{}]([^\t\n,:!&*?\[\]{}]*[^\s,:!&*?\[\]{}])?")
_PORT = re.compile(r"(?P<name>\[[0-9A-Fa-f:.%]+\]|[^:\[]+(?:\[[^\]]*\][^:\[]*)*):(?P<port>\d+)")
_MOST_HOSTS = 1_000_000

ALL, UNGROUPED = "all", "ungrouped"
"""The groups that are always there."""


@dataclass(slots=True)
class GroupText:
    """A group as it is written in the inventory's sources."""

    name: str
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    vars: dict[str, Value] = field(default_factory=dict)


@dataclass(slots=True)
class InventoryText:
    """All groups and hosts in the order in which they were written, `all` and `ungrouped` first."""

    groups: dict[str, GroupText] = field(default_factory=lambda: {n: GroupText(n) for n in (ALL, UNGROUPED)})
    hosts: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Each host's own variables."""
    source: str = ""
    """What is being read."""
    wrap: Callable[[Mapping[str, Value]], dict[str, Value]] | None = None
    """Puts the variables that are being read into boxes: they come from an encrypted file."""
    origins: dict[str, str] = field(default_factory=dict)
    """The source that first named a host."""

    def group(self, name: str) -> GroupText:
        """The group with this name, made when it is new."""
        known = self.groups.get(name)
        if known is None:
            known = self.groups[name] = GroupText(name)
        return known

    def add_host(self, name: str, group: str, values: dict[str, Value]) -> None:
        """Put a host into a group; what a later line says of its variables wins."""
        if self.wrap is not None:
            values = self.wrap(values)
        own = self.hosts.get(name)
        if own is None:
            self.hosts[name] = dict(values)
            self.origins[name] = self.source
        elif values:
            own.update(values)
        self.group(group).hosts[name] = None

    def set_vars(self, group: str, values: Mapping[str, Value]) -> None:
        """Variables of a group; what is said later wins."""
        self.group(group).vars.update(values if self.wrap is None else self.wrap(values))


class BadRange(ValueError):
    """A range such as `[3:1]` or `[a:10]` that means nothing."""


def expand_hosts(text: str) -> Iterator[str]:
    """The names that a host pattern stands for: `web[01:03].example.com`, `db-[a:c]`. Raises BadRange."""
    found = _RANGE.search(text)
    if found is None:
        yield text
        return
    before, after = text[: found.start()], text[found.end() :]
    for middle in _steps(found["first"], found["last"], int(found["step"] or 1), found[0]):
        for rest in expand_hosts(after):
            yield before + middle + rest


def _steps(first: str, last: str, step: int, shown: str) -> list[str]:
    if step < 1:
        raise BadRange(f"the step of {shown} must be 1 or more")
    if first.isdecimal() and last.isdecimal():
        width = len(first) if first.startswith("0") else 0
        numbers = range(int(first), int(last) + 1, step)
        if len(numbers) > _MOST_HOSTS:
            raise BadRange(f"{shown} stands for more than {_MOST_HOSTS:,} hosts")
        made = [str(number).zfill(width) for number in numbers]
    else:
        letters = string.ascii_lowercase if first.islower() else string.ascii_uppercase
        if len(first) != 1 or len(last) != 1 or first not in letters or last not in letters:
            raise BadRange(f"{shown} must go from a number to a number or from a letter to a letter")
        made = list(letters[letters.index(first) : letters.index(last) + 1 : step])
    if not made:
        raise BadRange(f"{shown} is empty: it ends before it starts")
    return made


def is_name(text: str) -> bool:
    """Whether a host or a group can be called so; what patterns are made of is left out."""
    return bool(_NAME.fullmatch(text)) or _is_address(text)


def _is_address(text: str) -> bool:
    """An IPv6 address is full of colons."""
    return text.count(":") > 1 and bool(re.fullmatch(r"[0-9A-Fa-f:.%]+", text))


GROUP_KEYS = ("hosts", "children", "vars")


def split_port(name: str) -> tuple[str, int | None]:
    """`web1:2222` is a host with a port; an IPv6 address with one stands in brackets."""
    found = _PORT.fullmatch(name)
    if found is None or _is_address(name):
        return _bare(name), None
    return _bare(found["name"]), int(found["port"])


def _bare(name: str) -> str:
    inner = name.removeprefix("[").removesuffix("]")
    return inner if _is_address(inner) else name
