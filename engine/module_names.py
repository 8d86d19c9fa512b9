"""Names of modules as Ansible users write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .model import Value

PREFIXES = ("ansible.builtin.", "ansible.legacy.")


def module_name(name: str) -> str:
    """A module's name without the prefix of Ansible's own collection."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def arguments_for(module: str, layers: Sequence[Mapping[str, Value]]) -> Value:
    """What `module_defaults` say of a module: as in Ansible the innermost alone, whatever those around it say."""
    found: Value = None
    for layer in layers:
        for name, args in layer.items():
            if module_name(str(name)) == module:
                found = args
    return found
