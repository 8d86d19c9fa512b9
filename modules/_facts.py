"""What Ansible's `setup` would say of the operator's machine: a small, true set, found out when it is first read.

Names and shapes are Ansible's. What would need a program to be run, or root, is left out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from runbook.contract import boxed
from runbook.errors import Failed, nearest

from . import _facts_hardware as hardware
from . import _facts_local as local
from . import _facts_network as network
from . import _facts_system as system

Found = Mapping[str, Any]

LINUX = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class _Collector:
    """Facts that are found together. `subset`: how `gather_subset` names it; each fact's own name works, too."""

    subset: str
    names: tuple[str, ...]
    find: Callable[[Facts], Found]
    group: str = "min"
    """`min` is what is always gathered."""
    here: bool = True
    """Whether this kind of machine has them."""


@dataclass(slots=True)
class Facts:
    """`contract.FactSource`. Names are those of variables: `ansible_hostname`."""

    started: datetime
    """What `ansible_date_time` tells."""
    fact_path: str | None = None
    warnings: list[str] = field(default_factory=list)
    _found: dict[str, Any] = field(default_factory=dict)

    def names(self, subset: Sequence[str] = ()) -> frozenset[str]:
        """Names of the facts that a `gather_subset` asks for. Raises Failed for a word that is no subset."""
        wanted = selected([word for item in subset for word in str(item).split(",")])
        return frozenset(f"ansible_{name}" for one in wanted for name in one.names)

    def get(self, name: str) -> Any:
        """One fact. Raises KeyError."""
        short = name.removeprefix("ansible_")
        if short not in self._found:
            self._found.update(_BY_NAME[short].find(self))
        return self._found[short]


def selected(subset: Sequence[str]) -> list[_Collector]:
    """Ansible's rule: what is always gathered, more by name, less by `!name`; nothing said means all."""
    added: set[str] = set()
    left_out: set[str] = set()
    for word in filter(None, (word.strip() for word in subset or ["all"])):
        _known(word.removeprefix("!"))
        (left_out if word.startswith("!") else added).add(word.removeprefix("!"))

    def holds(words: AbstractSet[str], one: _Collector) -> bool:
        return not words.isdisjoint((one.subset, one.group, *one.names))

    def wanted(one: _Collector) -> bool:
        if holds(added, one):
            return True
        asked = one.group == "min" or ("all" in added and "all" not in left_out)
        return asked and not holds(left_out, one)

    return [one for one in _COLLECTORS if one.here and wanted(one)]


def _known(word: str) -> None:
    if word not in _SUBSETS:
        hint = nearest(word, _SUBSETS)
        allowed = ", ".join(sorted(_SUBSETS - {"min"}))
        raise Failed(
            f"Bad subset '{word}' given to Ansible. gather_subset options allowed: {allowed}", hint=hint
        )


def _env(_facts: Facts) -> Found:
    folders = {name: os.environ[name] for name in ("PWD", "OLDPWD") if name in os.environ}  # no passwords
    return {"env": {**boxed(dict(os.environ), "environment"), **folders}}


def _local(facts: Facts) -> Found:
    return {"local": local.local_facts(Path(facts.fact_path or local.FACT_PATH), facts.warnings)}


def _dated(facts: Facts) -> Found:
    return {"date_time": system.date_time(facts.started)}


def _plain(find: Callable[[], Found]) -> Callable[[Facts], Found]:
    return lambda _facts: find()


_COLLECTORS: tuple[_Collector, ...] = (
    _Collector("platform", system.PLATFORM, _plain(system.platform_facts)),
    _Collector("distribution", system.DISTRIBUTION, _plain(system.distribution)),
    _Collector("user", system.USER, _plain(system.user), here=sys.platform != "win32"),
    _Collector("python", ("python",), _plain(system.python)),
    _Collector("date_time", ("date_time",), _dated),
    _Collector("env", ("env",), _env),
    _Collector("local", ("local",), _local),
    _Collector("fips", ("fips",), _plain(system.fips)),
    _Collector("selinux", ("selinux", "selinux_python_present"), _plain(system.selinux)),
    _Collector("apparmor", ("apparmor",), _plain(system.apparmor)),
    _Collector("pkg_mgr", ("pkg_mgr",), _plain(system.pkg_mgr)),
    _Collector("service_mgr", ("service_mgr",), _plain(system.service_mgr)),
    _Collector("dns", ("dns",), _plain(network.dns)),
    _Collector("chroot", ("is_chroot",), _plain(system.is_chroot), "other"),
    _Collector("loadavg", ("loadavg",), _plain(hardware.loadavg), "other", here=hasattr(os, "getloadavg")),
    _Collector("hardware", hardware.NAMES, _plain(hardware.hardware), "hardware", here=LINUX),
    _Collector("network", network.NAMES, _plain(network.network), "network", here=LINUX),
)

_BY_NAME: Mapping[str, _Collector] = {name: one for one in _COLLECTORS if one.here for name in one.names}

_NOT_OURS: tuple[str, ...] = (
    "virtual",
    "virtualization_type",
    "virtualization_role",
    "cmdline",
    "lsb",
    "caps",
    "mounts",
    "devices",
)
_NOT_OURS += ("facter", "ohai", "systemd", "nvme", "iscsi", "ssh_pub_keys", "system_capabilities")
"""Subsets that Ansible knows and that bring nothing here."""


def _subsets() -> Iterator[str]:
    yield from ("all", "min", *_NOT_OURS)
    for one in _COLLECTORS:
        yield from (one.subset, *one.names)


_SUBSETS = frozenset(_subsets())
