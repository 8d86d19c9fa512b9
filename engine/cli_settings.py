"""`ansible.cfg`: defaults of options for a playbook that is played where one lies, as `ansible-playbook` does.

Read are ANSIBLE_CONFIG, or else `ansible.cfg` in the current folder; of its settings those that are options here.
What would change the meaning of a playbook, and is not followed, is told.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import UsageError

NAME = "ansible.cfg"
ENVIRONMENT = "ANSIBLE_CONFIG"

_TRUE = frozenset({"1", "true", "yes", "on", "y", "t"})


def _flag(text: str, _folder: Path) -> bool:
    return text.strip().lower() in _TRUE


def _number(text: str, _folder: Path) -> int:
    return int(text)


def _words(text: str, _folder: Path) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _path(text: str, folder: Path) -> str:
    return str(folder / Path(os.path.expandvars(text.strip())).expanduser())


def _paths(text: str, folder: Path) -> list[str]:
    return [_path(one, folder) for one in text.split(os.pathsep) if one.strip()]


def _sources(text: str, folder: Path) -> list[str]:
    """Files of an inventory; `host1,host2` with a comma at its end is a list of hosts."""
    if text.strip().endswith(","):
        return [text.strip()]
    return [_path(one, folder) for one in _words(text, folder)]


@dataclass(frozen=True, slots=True)
class _Setting:
    option: str
    read: Callable[[str, Path], Any]


_FOLLOWED: Mapping[tuple[str, str], _Setting] = {
    ("defaults", "inventory"): _Setting("inventory", _sources),
    ("defaults", "roles_path"): _Setting("roles_path", _paths),
    ("defaults", "library"): _Setting("module_path", _paths),
    ("defaults", "force_handlers"): _Setting("force_handlers", _flag),
    ("defaults", "forks"): _Setting("forks", _number),
    ("defaults", "verbosity"): _Setting("verbose", _number),
    ("defaults", "vault_password_file"): _Setting("vault_password_files", lambda t, f: [_path(t, f)]),
    ("defaults", "vault_identity_list"): _Setting("vault_ids", _words),
    ("diff", "always"): _Setting("diff", _flag),
    ("tags", "run"): _Setting("tags", _words),
    ("tags", "skip"): _Setting("skip_tags", _words),
}

_NOT_FOLLOWED: Mapping[tuple[str, str], tuple[frozenset[str], str]] = {
    ("defaults", "hash_behaviour"): (frozenset({"merge"}), "Write `{{ a | combine(b, recursive=true) }}`."),
    ("defaults", "error_on_undefined_vars"): (frozenset({"false", "no", "0"}), "Write `default(...)`."),
    ("defaults", "gathering"): (frozenset({"explicit"}), "Facts cost nothing until they are read."),
    ("defaults", "strategy"): (frozenset(), "Write `strategy:` in the play."),
    ("defaults", "filter_plugins"): (frozenset(), "Put them into filter_plugins/ beside the playbook."),
    ("defaults", "lookup_plugins"): (frozenset(), "Put them into lookup_plugins/ beside the playbook."),
    ("defaults", "test_plugins"): (frozenset(), "Put them into test_plugins/ beside the playbook."),
    ("defaults", "task_timeout"): (frozenset(), "Write `timeout:` in the play."),
}
"""Settings with the values that would matter (none: any), and what to do instead."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a file of settings says."""

    path: Path
    options: Mapping[str, Any]
    """Defaults of options, by their names."""
    warnings: tuple[str, ...]


def read_settings(environ: Mapping[str, str], folder: Path) -> Settings | None:
    """The settings for a program that is started in this folder; None: there are none. Raises UsageError for a file
    that can't be read."""
    named = environ.get(ENVIRONMENT)
    path = folder / Path(named).expanduser() if named else folder / NAME
    path = path / NAME if path.is_dir() else path
    if not path.is_file():
        return None
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",), strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
        return Settings(path, _options(parser, path.parent), tuple(_warnings(parser, path)))
    except (OSError, ValueError, configparser.Error) as error:
        raise UsageError(f"{path} can't be read: {error}") from error


def _options(parser: configparser.ConfigParser, folder: Path) -> dict[str, Any]:
    return {
        setting.option: setting.read(parser.get(*key), folder)
        for key, setting in _FOLLOWED.items()
        if parser.has_option(*key) and parser.get(*key).strip()
    }


def _warnings(parser: configparser.ConfigParser, path: Path) -> Iterator[str]:
    for (section, name), (values, instead) in _NOT_FOLLOWED.items():
        found = parser.get(section, name, fallback="").strip()
        if found and (not values or found.lower() in values):
            yield f"{path} says '{name} = {found}', which is not followed here. {instead}"
