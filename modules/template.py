"""Render a template file and put the result in a place on this machine.

- template:
    src: summary.md.j2
    dest: summary.md
  delegate_to: localhost

`src` is looked for in `templates/` beside the playbook, then beside the playbook. It sees all the task's variables.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import Change, Context, Params, Permissions, RenderedFile

from . import _files


class TemplateParams(Params, frozen=True, kw_only=True):
    src: Annotated[RenderedFile, Meta(description="The template file.")]
    dest: Annotated[str, Meta(description="Where to; a folder keeps the file's name.")]
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
        return _files.plan(_dest(params), params.src.text.encode(), params.mode, observed, force=params.force)

    def apply(self, ctx: Context, params: TemplateParams, change: Change) -> Any:
        return _files.apply(ctx, _dest(params), params.src.text.encode(), params.mode)


def _dest(params: TemplateParams) -> str:
    return _files.target_of(params.dest, params.src.path.removesuffix(".j2"))
