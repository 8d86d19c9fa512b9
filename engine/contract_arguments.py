"""What a module's arguments are made of: their base, the marks on their fields, and files beside the playbook.

Modules have all of it from `contract`.
"""

from __future__ import annotations

import msgspec


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a module's arguments. A field's `msgspec.Meta(description=...)` is its line in the manual."""


SECRET = msgspec.Meta(extra={"secret": True})
"""Marks a Params field whose value must never be shown: `password: Annotated[str, SECRET]`."""

FREE_FORM = msgspec.Meta(extra={"free_form": True})
"""Marks the field that takes the text of a free-form call: `shell: echo hi`."""


REST = msgspec.Meta(extra={"rest": True})
"""Marks the `dict[str, Any]` field that takes all arguments with names of their own: `set_fact: {color: red}`."""


def aliases(*names: str) -> msgspec.Meta:
    """Marks a Params field that these names stand for, too: `path: Annotated[str, aliases("dest", "name")]`."""
    return msgspec.Meta(extra={"aliases": names})


def no_effect(why: str) -> msgspec.Meta:
    """Marks a Params field that is taken, because Ansible has it, and changes nothing; `why` is for the manual."""
    return msgspec.Meta(extra={"no_effect": why})


def refused(why: str) -> msgspec.Meta:
    """Marks a Params field that Ansible has and we can't keep: whoever writes it is told `why`."""
    return msgspec.Meta(extra={"refused": why})


class RenderedFile(msgspec.Struct, frozen=True):
    """A Params field type: the argument names a template file beside the playbook; this is what it renders to."""

    path: str
    text: str
    secret: bool = False
    """A secret is in the text."""


class LocalFile(msgspec.Struct, frozen=True):
    """A Params field type: the argument names a file beside the playbook; this is what it holds."""

    path: str
    content: bytes


class LocalPath(msgspec.Struct, frozen=True):
    """A Params field type: the argument names a place on this machine. `path` is absolute (a relative one starts at
    the playbook's folder) and keeps the slash at its end."""

    path: str
    written: str = ""
    """As the argument has it, with `~` expanded; empty: as `path`."""

    def told(self, path: str | None = None) -> str:
        """How results name a path: this place (None: it is meant) and what is below it as it was written; another
        one as it is."""
        path = self.path if path is None else path
        here = self.path.rstrip("/")
        if not self.written or not (path == here or path.startswith(f"{here}/")):
            return path
        rest = path[len(here) :]
        return self.written if path == self.path or not rest else self.written.rstrip("/") + rest


class TemplateSyntax(msgspec.Struct, frozen=True, kw_only=True):
    """How a template file is written, and what its line ends become; the names and defaults are Ansible's."""

    newline_sequence: str = "\n"
    trim_blocks: bool = True
    lstrip_blocks: bool = False
    block_start_string: str = "{%"
    block_end_string: str = "%}"
    variable_start_string: str = "{{"
    variable_end_string: str = "}}"
    comment_start_string: str = "{#"
    comment_end_string: str = "#}"
