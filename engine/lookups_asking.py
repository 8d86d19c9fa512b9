"""Lookups that ask AWS. They live in the modules room and are found by file name when a name is used.

What they find is secret, wherever it goes.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from .contract import AskingLookup
from .errors import Failed, nearest
from .lookups_base import Lookup, Site
from .template_guard import Unusable
from .values import Secret

ROOM = "runbook.modules"
_COLLECTIONS = ("amazon.aws.", "community.aws.")


@functools.cache
def asking_lookup(name: str) -> Lookup | None:
    """The lookup of that name, with or without the name of an AWS collection before it. None: there is none."""
    short = name
    for collection in _COLLECTIONS:
        short = short.removeprefix(collection)
    if not short.isidentifier() or importlib.util.find_spec(f"{ROOM}._lookup_{short}") is None:
        return None
    plugin: AskingLookup = importlib.import_module(f"{ROOM}._lookup_{short}").Lookup()

    def look(site: Site, *terms: Any, **options: Any) -> list[Any]:
        for option in options:
            if option not in plugin.options:
                hint = nearest(option, plugin.options) or f"There are: {', '.join(plugin.options)}."
                raise ValueError(f"'{option}' is not an option of {short}. {hint}")
        try:
            values = plugin.run(_Asking(site, short), terms, options)
        except Failed as error:
            raise Unusable(error.message, hint=error.hint) from error
        return [None if value is None else Secret(value, f"lookup {short}") for value in values]

    return look


@dataclass(frozen=True, slots=True)
class _Asking:
    """`contract.LookupContext`."""

    site: Site
    name: str

    def client(self, service: str, *, region: str | None = None) -> Any:
        door = self.site.context.environment.doors.client
        if door is None:
            raise ValueError(f"{self.name} asks AWS, and this is no step that could")
        return door(self.site.context, service, region)

    def warn(self, message: str) -> None:
        self.site.context.environment.doors.warn(message)
