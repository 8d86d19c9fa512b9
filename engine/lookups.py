"""`lookup` and `query`: data from outside of the variables. What they give is data and is never rendered.

A lookup is a function of its Site, its terms and its options, giving a list. Another one is another line of one of
the tables. `with_NAME` loops ask the same way (`query`). Those that ask AWS live in the modules room.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import pass_context

from . import lookups_data, lookups_files, lookups_password, lookups_run
from .errors import nearest
from .lookups_asking import asking_lookup
from .lookups_base import Lookup, Site, flag
from .plugins import Plugins, plugins_of
from .template_guard import PLAIN, Missing, has_secret, reveal
from .template_jinja import ScopeContext
from .template_names import BUILTIN, LEGACY
from .values import NeedsPlain, Unknown, UnknownValue


def _url(site: Site, *terms: Any, **options: Any) -> list[Any]:
    from .lookups_url import url  # with TLS and all: only for who needs it

    return url(site, *terms, **options)


LOOKUPS: Mapping[str, Lookup] = {
    **lookups_data.LOOKUPS,
    **lookups_files.LOOKUPS,
    **lookups_password.LOOKUPS,
    **lookups_run.LOOKUPS,
    "url": _url,
}

CARRYING = frozenset(
    {"items", "list", "nested", "together", "indexed_items", "random_choice", "dict", "subelements"}
)
"""They only move their terms about; what is inside of these may be Unknown or secret."""

_POLICIES = ("strict", "warn", "ignore")


@pass_context
def query(context: ScopeContext, name: str, *terms: Any, **options: Any) -> Any:
    """What a lookup finds, as a list."""
    return _asked(context, name, terms, {**options, "wantlist": True})


@pass_context
def lookup(context: ScopeContext, name: str, *terms: Any, **options: Any) -> Any:
    """What a lookup finds: one value as it is, several texts joined with commas, as in Ansible."""
    return _asked(context, name, terms, options)


def _asked(context: ScopeContext, name: str, terms: tuple[Any, ...], options: dict[str, Any]) -> Any:
    wantlist = flag(options.pop("wantlist", False))
    policy = options.pop("errors", "strict")
    if policy not in _POLICIES:
        raise ValueError(f"errors must be one of {', '.join(_POLICIES)}, not '{policy}'")
    try:
        found = _found(context, name, terms, options)
    except (UnknownValue, NeedsPlain):
        raise
    except Exception as error:
        if policy == "strict":
            raise
        if policy == "warn":
            context.environment.doors.warn(f"The lookup '{name}' failed: {error}")
        return [] if wantlist else None
    if isinstance(found, Unknown | Missing) or wantlist:
        return found
    if len(found) == 1:
        return found[0]
    return ",".join(found) if found and all(isinstance(item, str) for item in found) else found


def _found(context: ScopeContext, name: str, terms: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if not isinstance(name, str):
        raise ValueError(f"the name of a lookup must be text, not {type(name).__name__}")  # noqa: TRY004
    short = name.removeprefix(BUILTIN).removeprefix(LEGACY)
    look = LOOKUPS.get(short) or context.environment.doors.lookup(name)
    if look is None:
        hint = nearest(short, LOOKUPS) or f"There are: {', '.join(sorted(LOOKUPS))}."
        raise ValueError(f"The lookup plugin '{name}' was not found. {hint}")
    if short not in CARRYING:
        for value in (*terms, *options.values()):
            if type(value) not in PLAIN and has_secret(value):
                raise NeedsPlain
    key = (short, repr(terms), repr(options)) if short not in CARRYING else None
    found = context.cache.get(key) if key is not None else None
    if found is None:
        found = look(Site(context), *terms, **options)
        if key is not None:
            context.cache[key] = found
    if isinstance(found, Unknown):
        return found
    return [reveal(item) for item in found] if context.opened else list(found)


def more_lookups(plugins: Plugins, name: str) -> Lookup | None:
    """A lookup that is not one of the tables: of a plugin, or of the modules room. None: there is none."""
    if name.startswith(BUILTIN):
        return None
    return plugins.lookup(name.removeprefix(LEGACY)) or asking_lookup(name)


def is_lookup(name: str, file: str) -> bool:
    """Whether there is a lookup of that name for what stands in a file. Raises ContractError: it can't be used."""
    folder = Path(file).resolve().parent
    places = (folder, *folder.parents[:3])
    return name in LOOKUPS or any(more_lookups(plugins_of(place), name) is not None for place in places)


# ---------------------------------------------------------------- other functions


def now(utc: bool = False, fmt: str | None = None) -> Any:
    moment = dt.datetime.now(dt.UTC).replace(tzinfo=None) if utc else dt.datetime.now()  # noqa: DTZ005 (as Ansible)
    return moment.strftime(fmt) if fmt else moment


def undef(hint: str | None = None) -> Missing:
    """A value that must be given elsewhere."""
    return Missing(hint=hint or "A mandatory variable has not been overridden")


GLOBALS: Mapping[str, Any] = {"lookup": lookup, "now": now, "q": query, "query": query, "undef": undef}
