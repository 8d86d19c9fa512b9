"""Template files: what they know of themselves, and how their first line says that they are written."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from .contract import TemplateSyntax
from .errors import TemplateError

HEADER = "#jinja2:"
_SETTING = re.compile(r"\s*(\w+)\s*:\s*('[^']*'|\"[^\"]*\"|[^,]*)(?:,|$)")


def split_header(source: str, syntax: TemplateSyntax, name: str) -> tuple[str, TemplateSyntax]:
    """The text without a first line such as `#jinja2: trim_blocks:False, variable_start_string:'[%'`, and how it is
    written with what that line says. Raises TemplateError for what it can't say."""
    if not source.startswith(HEADER):
        return source, syntax
    import ast

    line, _, rest = source.partition("\n")
    changes: dict[str, Any] = {}
    for key, value in _SETTING.findall(line.removeprefix(HEADER)):
        if key not in syntax.__struct_fields__:
            raise TemplateError(
                f"The first line of {name} says '{key}', which is no setting of a template",
                hint=f"There are: {', '.join(syntax.__struct_fields__)}.",
            )
        try:
            changes[key] = ast.literal_eval(value.strip())
        except (SyntaxError, ValueError):
            raise TemplateError(
                f"The first line of {name} gives '{key}' the value {value}",
                hint="Write True, False or text in quotes.",
            ) from None
    return rest, msgspec.structs.replace(syntax, **changes)


def facts_of(name: str, path: Path, dest: str | None = None) -> dict[str, Any]:
    """What a template knows of itself, by Ansible's names."""
    import platform

    about = path.stat()
    try:
        owner: str | int = path.owner()
    except (KeyError, NotImplementedError):
        owner = about.st_uid
    return {
        "ansible_managed": "Ansible managed",
        "template_host": platform.node(),
        "template_path": name,
        "template_fullpath": str(path.absolute()),
        "template_destpath": dest,
        "template_uid": owner,
        "template_mtime": datetime.fromtimestamp(about.st_mtime),  # noqa: DTZ006 (without a zone, as Ansible's)
        "template_run_date": datetime.now(),  # noqa: DTZ005 (the same)
    }
