"""A case: a playbook, how both engines are called with it, and which differences were chosen."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import yaml

LANGUAGE = Path(__file__).parent.parent
CASES = LANGUAGE / "cases"
GAPS = LANGUAGE / "gaps.txt"
SPREAD = 3
"""One case of this many runs with all other tests."""

_KEYS = {"about", "options", "runs", "environment", "exit", "differs"}


@dataclass(frozen=True, slots=True)
class Differs:
    """A difference from Ansible that we chose: the place where it shows, both values, and why."""

    where: str
    ours: Any
    ansible: Any
    why: str


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `runs` are the options of each call, `files` the file or the folder that is played."""

    name: str
    playbook: Path
    runs: tuple[tuple[str, ...], ...] = ((),)
    environment: Mapping[str, str] = field(default_factory=dict)
    differs: tuple[Differs, ...] = ()
    exit: str = ""
    """The exit class that Ansible must end with; told where it matters, and where the case is to be refused."""

    @property
    def is_folder(self) -> bool:
        return self.playbook.name == "site.yml"


def read_case(playbook: Path, root: Path = CASES) -> Case:
    """Read a case with its header. Raises ValueError for a header that says what no case can say."""
    place = playbook.parent if playbook.name == "site.yml" else playbook.with_suffix("")
    told = _header(playbook)
    try:
        return Case(
            name=place.relative_to(root).as_posix(),
            playbook=playbook,
            runs=_runs(told),
            environment={name: str(value) for name, value in told.get("environment", {}).items()},
            exit=told.get("exit", ""),
            differs=tuple(Differs(where, **one) for where, one in told.get("differs", {}).items()),
        )
    except TypeError as error:
        raise ValueError(f"{playbook}: {error}") from error


def is_case(path: Path, root: Path = CASES) -> bool:
    """Whether this file is the playbook of a case: `<area>/<name>.yml` or `<area>/<name>/site.yml`."""
    if not path.is_relative_to(root) or path.suffix != ".yml":
        return False
    parts = path.relative_to(root).parts
    return len(parts) == 2 or (len(parts) == 3 and parts[2] == "site.yml")


def in_spread(playbook: Path, root: Path = CASES) -> bool:
    """Whether a case runs with all other tests: every third of its area, in an order that names decide."""
    area = root / playbook.relative_to(root).parts[0]
    names = sorted(
        (read_name(path) for path in area.glob("*")), key=lambda name: (crc32(name.encode()), name)
    )
    return playbook.relative_to(area).parts[0].removesuffix(".yml") in names[::SPREAD]


def read_name(path: Path) -> str:
    return path.name.removesuffix(".yml")


def known_gaps(path: Path = GAPS) -> dict[str, str]:
    """Cases that fail as yet, with what fails: one a line, `area/name: what`."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    told = [line.partition(":") for line in lines if line and not line.startswith("#")]
    return {name.strip(): what.strip() for name, _, what in told}


def _header(playbook: Path) -> Mapping[str, Any]:
    """The comment at the top. `about` and `options` are text as it stands, without YAML's quotes."""
    lines: list[str] = []
    texts: dict[str, str] = {}
    for line in playbook.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        name, _, text = line[1:].partition(":")
        if name in (" about", " options"):
            texts[name.strip()] = text.strip()
        else:
            lines.append(line[1:])
    told = {**(yaml.safe_load("\n".join(lines)) or {}), **texts}
    if strange := set(told) - _KEYS:
        raise ValueError(f"{playbook}: a case's header has {', '.join(sorted(_KEYS))}, not {strange}")
    return told


def _runs(told: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    texts = told.get("runs") or [told.get("options", "")]
    return tuple(tuple(shlex.split(text)) for text in texts)
