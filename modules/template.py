"""Render a template file and put the result in a place on this machine.

- template:
    src: summary.md.j2
    dest: summary.md
  delegate_to: localhost

`src` is looked for in `templates/` beside the playbook, then beside the playbook; a relative `dest` starts there,
too. It sees all the task's variables. A new file that a secret is in is for its owner only (0600), unless `mode`
says otherwise.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import Change, Context, LocalPath, Params, Permissions, RenderedFile
from runbook.values import Unknown

from . import _files


class TemplateParams(Params, frozen=True, kw_only=True):
    src: Annotated[RenderedFile, Meta(description="The template file.")]
    dest: Annotated[LocalPath, Meta(description="Where to; a folder keeps the file's name.")]
    mode: Annotated[str | None, Meta(description="Permission bits in quotes, such as '0644'.")] = None
    force: Annotated[bool, Meta(description="Replace a file that differs.")] = True


class Template:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = TemplateParams
    Result: ClassVar[type[msgspec.Struct]] = _files.FileResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: TemplateParams) -> str | None:
        return _files.resource(_dest(params))

    def observe(self, ctx: Context, params: TemplateParams) -> _files.FileState | None:
        return _files.read_state(_dest(params))

    def plan(self, params: TemplateParams, observed: _files.FileState | None) -> Change:
        return _files.plan(_dest(params), _content(params), params.mode, observed, force=params.force)

    def apply(self, ctx: Context, params: TemplateParams, change: Change) -> Any:
        return _files.apply(ctx, _dest(params), _content(params), params.mode, secret=params.src.secret)


def _content(params: TemplateParams) -> Any:
    """Bytes; Unknown in a dry run when it depends on a planned change."""
    text: Any = params.src.text
    return text if isinstance(text, Unknown) else text.encode()


def _dest(params: TemplateParams) -> str:
    return _files.target_of(params.dest, params.src.path.removesuffix(".j2"))
