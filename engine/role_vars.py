"""What the tasks of a role see, and what a play sees of its roles: Ansible's rules as layers, strongest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .model import Role, Value

Layers: TypeAlias = tuple[Mapping[str, Value], ...]


@dataclass(frozen=True, slots=True)
class RoleLayers:
    """Variables of three strengths; between them stand other layers of a step."""

    params: Layers = ()
    vars: Layers = ()
    defaults: Layers = ()


NO_ROLE = RoleLayers()


def within(role: Role) -> RoleLayers:
    """What the role's own tasks see: its own, its dependencies' and its parents'."""
    parents = tuple(reversed(role.parents))
    needed = tuple(reversed(all_dependencies(role)))
    inherited = (layer for parent in parents for layer in (parent.vars, parent.given))
    exported = (layer for dependency in needed for layer in _exports(dependency))
    return RoleLayers(
        params=_filled((role.params, *(parent.params for parent in parents))),
        vars=_filled((role.given, role.vars, *exported, *inherited)),
        defaults=_filled(one.defaults for one in (role, *parents, *needed)),
    )


def exported(roles: Iterable[Role]) -> RoleLayers:
    """What a play sees of its roles, of which a later one wins."""
    seen = tuple(role for role in roles if role.public)[::-1]
    return RoleLayers(
        vars=_filled(layer for role in seen for layer in _exports(role)),
        defaults=_filled(one.defaults for role in seen for one in (role, *reversed(all_dependencies(role)))),
    )


def including(role: Role) -> list[Role]:
    """The roles whose tasks included this one, the innermost first; who only depends on it does not count."""
    found = [role.parents[-1]] if role.by_include and role.parents else []
    return [*found, *including(role.parents[-1])] if role.parents else found


def all_dependencies(role: Role) -> tuple[Role, ...]:
    """What a role needs, what that needs first."""
    found: list[Role] = []
    for dependency in role.dependencies:
        found += [one for one in (*all_dependencies(dependency), dependency) if one not in found]
    return tuple(found)


def _exports(role: Role) -> Iterator[Mapping[str, Value]]:
    yield role.vars
    for dependency in reversed(all_dependencies(role)):
        yield dependency.vars


def _filled(layers: Iterable[Mapping[str, Value]]) -> Layers:
    return tuple(layer for layer in layers if layer)
