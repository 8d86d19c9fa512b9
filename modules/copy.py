"""Put a file, or a text, in a place on this machine.

- copy:
    content: "{{ facts | to_nice_json }}"
    dest: report.json
    mode: '0600'
  delegate_to: localhost

`src` is looked for in `files/` beside the playbook, then beside the playbook; a relative `dest` starts there, too.
A new file whose content was made from a secret is for its owner only (0600), unless `mode` says otherwise.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import Change, Context, LocalFile, LocalPath, Params, Permissions
from runbook.errors import Failed
from runbook.values import Unknown

from . import _files


class CopyParams(Params, frozen=True, kw_only=True):
    dest: Annotated[LocalPath, Meta(description="Where to; a folder keeps the file's name.")]
    src: Annotated[LocalFile | None, Meta(description="The file to copy.")] = None
    content: Annotated[str | None, Meta(description="The text to write instead.")] = None
    mode: Annotated[str | None, Meta(description="Permission bits in quotes, such as '0644'.")] = None
    force: Annotated[bool, Meta(description="Replace a file that differs.")] = True


class Copy:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = CopyParams
    Result: ClassVar[type[msgspec.Struct]] = _files.FileResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: CopyParams) -> str | None:
        return _files.resource(_dest(params))

    def observe(self, ctx: Context, params: CopyParams) -> _files.FileState | None:
        return _files.read_state(_dest(params))

    def plan(self, params: CopyParams, observed: _files.FileState | None) -> Change:
        return _files.plan(_dest(params), _content(params), params.mode, observed, force=params.force)

    def apply(self, ctx: Context, params: CopyParams, change: Change) -> Any:
        secret = not ctx.secret_arguments.isdisjoint(("content", "src"))
        return _files.apply(ctx, _dest(params), _content(params), params.mode, secret=secret)


def _dest(params: CopyParams) -> str:
    return _files.target_of(params.dest, params.src.path if params.src else "")


def _content(params: CopyParams) -> Any:
    """Bytes; Unknown in a dry run when it depends on a planned change."""
    if (params.src is None) == (params.content is None):
        raise Failed("copy needs either `src` or `content`")
    if params.src is not None:
        return params.src.content
    return params.content if isinstance(params.content, Unknown) else str(params.content).encode()
