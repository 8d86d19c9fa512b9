"""Render a template file and put the result in a place on this machine.

- template:
    src: summary.md.j2
    dest: summary.md
  delegate_to: localhost

`src` is looked for in `templates/` beside the playbook, then beside the playbook; a relative `dest` starts at the
playbook's folder. It sees all the task's variables. A new file that a secret is in is for its owner only (0600),
unless `mode` says otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import Change, Context, LocalPath, Permissions, TemplateSyntax, UndoAnswer
from runbook.errors import Failed
from runbook.values import Unknown

from . import _files_place
from ._files_arguments import FileParams
from ._files_mode import octal
from ._files_open import open_where_unknown
from ._files_result import FileResult
from ._files_undo import PASSING, put_back
from ._files_world import World
from ._files_write import Manner

_LINE_ENDS = {"\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}


class TemplateParams(FileParams, frozen=True, kw_only=True):
    src: Annotated[str, Meta(description="The template file.")]
    dest: Annotated[LocalPath, Meta(description="Where to; a folder keeps the file's name.")]
    force: Annotated[bool, Meta(description="Replace a file that differs.")] = True
    backup: Annotated[bool, Meta(description="Keep what was there beside it.")] = False
    validate: Annotated[
        str | None, Meta(description="A command that must accept the new file, `%s`, first.")
    ] = None
    follow: Annotated[bool, Meta(description="A link that `dest` is leads to the place.")] = False
    newline_sequence: Annotated[str, Meta(description=r"Line ends of the file: \n, \r or \r\n.")] = "\n"
    trim_blocks: Annotated[bool, Meta(description="The line end after a block is dropped.")] = True
    lstrip_blocks: Annotated[bool, Meta(description="Spaces before a block are dropped.")] = False
    block_start_string: Annotated[str | None, Meta(description="What begins a block instead of {%.")] = None
    block_end_string: Annotated[str | None, Meta(description="What ends a block instead of %}.")] = None
    variable_start_string: Annotated[str | None, Meta(description="What begins an expression.")] = None
    variable_end_string: Annotated[str | None, Meta(description="What ends an expression.")] = None
    comment_start_string: Annotated[str | None, Meta(description="What begins a comment.")] = None
    comment_end_string: Annotated[str | None, Meta(description="What ends a comment.")] = None
    output_encoding: Annotated[str, Meta(description="How the file's text is encoded.")] = "utf-8"


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What was rendered, and the place that it goes to."""

    content: Any
    src: str
    mode: int | str | None
    place: _files_place.Placing
    folders: bool


class Template:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[FileParams]] = TemplateParams
    Result: ClassVar[type[msgspec.Struct]] = FileResult
    permissions: ClassVar[Permissions] = Permissions()
    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: TemplateParams) -> str | None:
        return None  # which file it is depends on what is at `dest`

    def observe(self, ctx: Context, params: TemplateParams) -> Observed:
        world = World(ctx)
        dest, folders = params.dest.path, params.dest.path.endswith("/")
        if folders or world.is_folder(dest):
            dest = f"{dest.rstrip('/')}/{os.path.basename(params.src)}"  # noqa: PTH119 (a text stays a text)
        rendered = ctx.files.render(params.src, dest, _syntax(params))
        place = _files_place.see(
            ctx, world, params, dest, written=params.dest, follow=params.follow, secret=rendered.secret
        )
        place = _files_place.with_folder(place, params.dest)
        mode = (
            octal(Path(rendered.path).stat().st_mode & 0o7777) if params.mode == "preserve" else params.mode
        )
        content = _encoded(rendered.text, params.output_encoding)
        return Observed(content=content, src=rendered.path, mode=mode, place=place, folders=folders)

    @open_where_unknown(lambda observed: observed.place.dest)
    def plan(self, params: TemplateParams, observed: Observed) -> Change:
        wanted = _files_place.Wanted(
            content=observed.content,
            src=observed.src,
            mode=observed.mode,
            force=params.force,
            validate=params.validate,
        )
        return _files_place.plan(observed.place, wanted, folders=observed.folders)

    def apply(self, ctx: Context, params: TemplateParams, change: Change) -> Any:
        return _files_place.apply(ctx, change, Manner(backup=params.backup, validate=params.validate))

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return put_back(change)


def _syntax(params: TemplateParams) -> TemplateSyntax:
    ends = _LINE_ENDS.get(params.newline_sequence, params.newline_sequence)
    if ends not in _LINE_ENDS.values():
        raise Failed("newline_sequence needs to be one of: \\n, \\r or \\r\\n")
    marks = {
        name: getattr(params, name)
        for name in TemplateSyntax.__struct_fields__
        if name.endswith("_string") and getattr(params, name) is not None
    }
    return TemplateSyntax(
        newline_sequence=ends, trim_blocks=params.trim_blocks, lstrip_blocks=params.lstrip_blocks, **marks
    )


def _encoded(text: Any, encoding: str) -> Any:
    """Bytes; Unknown in a dry run when it depends on a planned change."""
    if isinstance(text, Unknown):
        return text
    try:
        return str(text).encode(encoding, "surrogateescape")
    except (LookupError, UnicodeEncodeError) as error:
        raise Failed(f"The file can't be encoded as {encoding}: {error}") from error
