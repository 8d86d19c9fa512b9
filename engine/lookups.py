"""`lookup` and `query`: data from outside of the variables. What they give is data and is never rendered.

A lookup is a function of its terms, the evaluation's context and options, giving a list. Another one is another
line of `LOOKUPS`. Relative paths start in the playbook's folder, then in its `files/`.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import pass_context

from .errors import nearest
from .template_guard import PLAIN, Missing, has_secret, reveal
from .template_jinja import ScopeContext
from .values import NeedsPlain

Lookup = Callable[..., list[Any]]


def _env(terms: Sequence[Any], _context: ScopeContext, *, default: Any = "") -> list[Any]:
    return [os.environ.get(str(term), default) for term in terms]


def _file(
    terms: Sequence[Any], context: ScopeContext, *, rstrip: bool = True, lstrip: bool = False
) -> list[Any]:
    found = []
    for term in terms:
        text = _find(context, str(term)).read_text(encoding="utf-8")
        text = text.rstrip() if rstrip else text
        found.append(text.lstrip() if lstrip else text)
    return found


def _find(context: ScopeContext, name: str) -> Path:
    base = context.environment.base
    for path in (base / name, base / "files" / name):
        if path.is_file():
            return path
    raise ValueError(f"there is no file {name} in {base} or its files/")


def _pipe(terms: Sequence[Any], context: ScopeContext) -> list[Any]:
    found = []
    for term in terms:
        done = subprocess.run(  # noqa: S602 (a shell line of the operator's is what it is for)
            str(term), shell=True, capture_output=True, check=False, cwd=context.environment.base
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "backslashreplace").strip()
            raise ValueError(f"the command '{term}' ended with code {done.returncode}: {said}")
        found.append(done.stdout.decode("utf-8", "backslashreplace").rstrip("\r\n"))
    return found


_NOTHING = object()


def _vars(terms: Sequence[Any], context: ScopeContext, *, default: Any = _NOTHING) -> list[Any]:
    found = []
    for term in terms:
        if default is _NOTHING or term in context:
            value = context.resolve(str(term))
            has_secret(value)  # raises for what is missing or not known yet
            found.append(value)
        else:
            found.append(default)
    return found


LOOKUPS: Mapping[str, Lookup] = {"env": _env, "file": _file, "pipe": _pipe, "vars": _vars}


@pass_context
def query(context: ScopeContext, name: str, *terms: Any, **options: Any) -> list[Any]:
    """What a lookup finds, as a list."""
    for value in (name, *terms, *options.values()):
        if type(value) not in PLAIN and has_secret(value):
            raise NeedsPlain
    short = name.removeprefix("ansible.builtin.")
    if short not in LOOKUPS:
        hint = nearest(short, LOOKUPS)
        raise ValueError(f"there is no lookup '{name}'. {hint or 'There are: ' + ', '.join(LOOKUPS)}")
    flat = [item for term in terms for item in (term if isinstance(term, list) else [term])]
    key = (short, repr(flat), repr(options))
    if key not in context.cache:
        context.cache[key] = LOOKUPS[short](flat, context, **options)
    found = context.cache[key]
    return [reveal(item) for item in found] if context.opened else list(found)


@pass_context
def lookup(context: ScopeContext, name: str, *terms: Any, wantlist: bool = False, **options: Any) -> Any:
    """What a lookup finds: one value as it is, several texts joined with commas, as in Ansible."""
    found = query(context, name, *terms, **options)
    if wantlist:
        return found
    if len(found) == 1:
        return found[0]
    return ",".join(found) if all(isinstance(item, str) for item in found) else found


def now(utc: bool = False, fmt: str | None = None) -> Any:
    moment = dt.datetime.now(dt.UTC if utc else None)
    return moment.strftime(fmt) if fmt else moment


def undef(hint: str | None = None) -> Missing:
    """A value that must be given elsewhere."""
    return Missing(hint=hint or "A mandatory variable has not been overridden")


GLOBALS: Mapping[str, Any] = {"lookup": lookup, "now": now, "q": query, "query": query, "undef": undef}
