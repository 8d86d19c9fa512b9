"""What `copy` asks for."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta
from runbook.contract import LocalPath

from ._files_arguments import FileParams


class CopyParams(FileParams, frozen=True, kw_only=True):
    dest: Annotated[LocalPath, Meta(description="Where to; a folder keeps the file's name.")]
    src: Annotated[str | None, Meta(description="The file or folder to copy.")] = None
    content: Annotated[Any, Meta(description="The text to write instead; data becomes JSON.")] = None
    remote_src: Annotated[bool, Meta(description="`src` is a place, not looked for in files/.")] = False
    force: Annotated[bool, Meta(description="Replace a file that differs.")] = True
    backup: Annotated[bool, Meta(description="Keep what was there beside it.")] = False
    validate: Annotated[
        str | None, Meta(description="A command that must accept the new file, `%s`, first.")
    ] = None
    checksum: Annotated[str | None, Meta(description="SHA-1 that the content must have.")] = None
    directory_mode: Annotated[
        int | str | None, Meta(description="Permission bits of folders that are made.")
    ] = None
    follow: Annotated[bool, Meta(description="A link that `dest` is leads to the place.")] = False
    local_follow: Annotated[
        bool | None, Meta(description="Links in a folder are copied as what they lead to.")
    ] = None
    decrypt: Annotated[bool, Meta(description="A file that stands encrypted is opened.")] = True
