"""Lookups that run something or keep something: commands, passwords. A dry run does neither, and yields Unknown."""

from __future__ import annotations

import fnmatch
import re
import subprocess
from collections.abc import Mapping
from typing import Any

from .lookups_base import Lookup, Site


def pipe(site: Site, *terms: Any) -> list[Any]:
    """What each command prints, without line ends and blanks behind it."""
    if site.dry:
        return [site.not_run(f"the output of '{term}'") for term in terms]
    return [_output(site, term).rstrip() for term in terms]


def lines(site: Site, *terms: Any) -> Any:
    """Each line that the commands print."""
    if site.dry:
        return site.not_run(f"the output of '{' '.join(map(str, terms))}'")
    return [line for term in terms for line in _output(site, term).splitlines()]


def _output(site: Site, command: Any) -> str:
    done = subprocess.run(  # noqa: S602 (a shell line of the operator's is what it is for)
        str(command), shell=True, capture_output=True, check=False, cwd=site.base, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "backslashreplace").strip()
        raise ValueError(f"the command '{command}' failed: it returned {done.returncode}: {said}")
    return done.stdout.decode("utf-8", "backslashreplace")


# ---------------------------------------------------------------- who there is


def inventory_hostnames(site: Site, *terms: Any) -> list[Any]:
    """Names of the hosts that a pattern means."""
    groups = site.variable("groups")
    known: Mapping[str, Any] = groups if isinstance(groups, Mapping) else {}
    every = list(known.get("all", ()))
    found: list[str] = []
    for term in terms:
        found += [host for host in _matched(str(term), every, known) if host not in found]
    return found


def _matched(pattern: str, every: list[str], groups: Mapping[str, Any]) -> list[str]:
    parts = [part for part in re.split(r"[,:]", pattern) if part]
    hosts: list[str] = []
    for part in sorted(parts, key=lambda p: "&!".find(p[0]) if p[0] in "&!" else -1):
        named = _named(part.lstrip("&!"), every, groups)
        if part[0] == "!":
            hosts = [host for host in hosts if host not in named]
        elif part[0] == "&":
            hosts = [host for host in hosts if host in named]
        else:
            hosts += [host for host in named if host not in hosts]
    return hosts


def _named(name: str, every: list[str], groups: Mapping[str, Any]) -> list[str]:
    wanted = re.compile(name[1:] if name.startswith("~") else fnmatch.translate(name)).match
    found = [host for group, hosts in groups.items() if wanted(group) for host in hosts]
    found += [host for host in every if wanted(host)]
    if name == "localhost" and not found:
        found = ["localhost"]
    return list(dict.fromkeys(found))


def config(_site: Site, *terms: Any, **_options: Any) -> list[Any]:
    raise ValueError(
        f"'{', '.join(map(str, terms))}' is a setting of Ansible's own program, which runbook has not; "
        "its options are on the command line"
    )


LOOKUPS: Mapping[str, Lookup] = {
    "config": config,
    "inventory_hostnames": inventory_hostnames,
    "lines": lines,
    "pipe": pipe,
}
