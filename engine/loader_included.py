"""What an include brings in the run: the nodes of a file or a role, with handlers and roles that join the play."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .identity import Siblings
from .keyword_values import Warn
from .loader_call import Catalog
from .loader_reuse import find_tasks, tasks_of_roles
from .loader_roles import RoleReader, RoleUse
from .loader_session import Inherited, Known, Reference, Session
from .loader_tasks import read_list
from .model import IncludeRole, Node, Role, Task
from .source import Source
from .vault import Vault
from .yamlfile import YamlFile


@dataclass(frozen=True, slots=True)
class Brought:
    """What an include brings."""

    nodes: tuple[Node, ...] = ()
    handlers: tuple[Node, ...] = ()
    """Of roles: from now on the play has them."""
    roles: tuple[Role, ...] = ()
    """Roles that the play has from now on."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an include stands, beside its task."""

    playbook: str
    """The file of its play."""
    catalog: Catalog
    roles_path: Sequence[str] = ()
    known: Known | None = None
    """What names of files and roles in it can be made of."""
    handlers: bool = False
    """It is a handler."""
    vault: Vault | None = None
    """Opens files that are encrypted."""

    def session(self, warn: Warn) -> Session:
        made = Session(self.catalog, warn, roles_path=self.roles_path, known=self.known, vault=self.vault)
        made.root = self.playbook
        return made


def load_tasks(name: str, parent: Task, place: Place, warn: Warn = lambda _: None) -> Brought:
    """Read the file of tasks that `parent` includes. It inherits what is around the include, and its `apply`.

    Raises LoadError.
    """
    session = place.session(warn)
    here = _file_of(parent)
    path = find_tasks(session, here, name, parent.role, (), handlers=place.handlers)
    file = session.open(path)
    if file is None:
        return Brought()
    relative = Path(os.path.relpath(path, Path(parent.position.file).parent)).as_posix()
    siblings = Siblings(parent.identity, relative)
    nodes = read_list(session)(file, _around(parent), siblings, place.handlers, ())
    session.settle()
    return Brought(nodes, tuple(session.handlers), tuple(session.roles))


def load_role(include: IncludeRole, parent: Task, place: Place, warn: Warn = lambda _: None) -> Brought:
    """Read the role that `parent` includes. Raises LoadError."""
    session = place.session(warn)
    use = RoleUse(
        name=include.name,
        reference=Reference(_file_of(parent), parent.position),
        keywords={"vars": parent.params} if parent.params else {},
        tasks_from=include.tasks_from,
        handlers_from=include.handlers_from,
        vars_from=include.vars_from,
        defaults_from=include.defaults_from,
        parents=(*parent.role.parents, parent.role) if parent.role else (),
        by_include=True,
        public=include.public,
        allow_duplicates=include.allow_duplicates,
        validate=include.validate,
    )
    session.files.append(use.reference.file)
    reader = RoleReader(session, tasks_of_roles(read_list(session)))
    read = reader.read(use, _around(parent), Siblings(parent.identity, "role"))
    session.settle()
    if read is None:
        return Brought()
    return Brought(read.nodes, (*read.handlers, *session.handlers), (read.role, *session.roles))


def _around(parent: Task) -> Inherited:
    return parent.around if isinstance(parent.around, Inherited) else Inherited(role=parent.role)


def _file_of(parent: Task) -> YamlFile:
    """The file of the include, for what is said of it; its text is not read again."""
    return YamlFile(Source(parent.position.file, ""))
