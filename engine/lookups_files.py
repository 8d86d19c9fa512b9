"""Lookups that read files of the operator's machine. What they give is data and is never rendered."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .contract import TemplateSyntax
from .lookups_base import Lookup, Site, flag, number, with_inline
from .template_file import facts_of
from .values import Secret


def file(site: Site, *terms: Any, rstrip: Any = True, lstrip: Any = False) -> list[Any]:
    found: list[Any] = []
    for term in terms:
        boxed = _text(site, site.find(term))
        text = Secret.reveal(boxed)
        text = text.rstrip() if flag(rstrip) else text
        text = text.lstrip() if flag(lstrip) else text
        found.append(Secret(text, boxed.origin) if isinstance(boxed, Secret) else text)
    return found


def unvault(site: Site, *terms: Any) -> list[Any]:
    return [_text(site, site.find(term)) for term in terms]


def _text(site: Site, path: Path) -> Any:
    """A file's text; a Secret when it stands encrypted."""
    content, encrypted = site.read(path)
    text = content.decode("utf-8", "surrogateescape")
    return Secret(text, "vault") if encrypted else text


def fileglob(site: Site, *terms: Any) -> list[Any]:
    """Files, not folders; of the folders where they may be, the first that has any."""
    found: list[Any] = []
    for term in terms:
        folder, _, pattern = str(term).rpartition("/")
        if folder or str(term).startswith("/"):
            known = (place for place in site.places(folder or "/", "files") if place.is_dir())
            places = [place / pattern for place in known][:1]
        else:
            places = list(site.places(pattern, "files"))
        matches = ([p for p in glob.glob(str(place)) if Path(p).is_file()] for place in places)  # noqa: PTH207
        found += next((files for files in matches if files), [])
    return found


# ---------------------------------------------------------------- first_found

_APART = re.compile(r"[,;]")


def first_found(site: Site, *terms: Any, files: Any = (), paths: Any = (), skip: Any = False) -> list[Any]:
    """The first file that is there. Raises ValueError when there is none, unless `skip`."""
    names: list[str] = []
    lenient = flag(skip)
    if files or not terms:
        names += _combined(_split(files), _split(paths))
    for term in terms:
        more, said = _candidates(term, files, paths)
        names += more
        lenient = lenient if said is None else said
    for name in names:
        path = next((place for place in site.places(name, "") if place.exists()), None)
        if path is not None:
            return [str(path)]
    if lenient:
        return []
    raise ValueError(f"No file was found when using first_found: {', '.join(names) or 'none was named'}")


def _candidates(term: Any, files: Any, paths: Any) -> tuple[list[str], bool | None]:
    if isinstance(term, str):
        return _combined(_split(term), _split(paths)), None
    if isinstance(term, Mapping):
        skip = flag(term["skip"]) if "skip" in term else False
        return _combined(_split(term.get("files", files)), _split(term.get("paths", paths))), skip
    if isinstance(term, list | tuple):
        names: list[str] = []
        said: bool | None = None
        for inner in term:
            more, skip_inner = _candidates(inner, files, paths)
            names, said = names + more, said if skip_inner is None else skip_inner
        return names, said
    raise ValueError(f"first_found takes names, mappings or lists, not {type(term).__name__}")


def _split(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in _APART.split(value) if part.strip()]
    return [part for item in value for part in _split(item)]


def _combined(files: Sequence[str], paths: Sequence[str]) -> list[str]:
    return [f"{path}/{name}" for path in paths for name in files] if paths else list(files)


# ---------------------------------------------------------------- tables


def csvfile(
    site: Site,
    *terms: Any,
    col: Any = 1,
    default: Any = None,
    delimiter: str = "TAB",
    file: str = "ansible.csv",
    encoding: str = "utf-8",
    keycol: Any = 0,
) -> list[Any]:
    import csv

    given = {
        "col": col,
        "default": default,
        "delimiter": delimiter,
        "file": file,
        "encoding": encoding,
        "keycol": keycol,
    }
    found: list[Any] = []
    for term in terms:
        key, how = with_inline(term, given)
        if not key:
            raise ValueError("the key to look for is missing")
        mark = "\t" if how["delimiter"] == "TAB" else str(how["delimiter"])
        column, at = number("col", how["col"]), number("keycol", how["keycol"])
        with site.find(how["file"]).open(encoding=how["encoding"], newline="") as text:
            row = next(
                (row for row in csv.reader(text, delimiter=mark) if len(row) > at and row[at] == key), None
            )
        if row is None:
            found += [] if how["default"] is None else [how["default"]]
        elif not -len(row) <= column < len(row):
            raise ValueError(f"the row of '{key}' has {len(row)} columns, and no column {column}")
        else:
            found.append(row[column])
    return found


def ini(
    site: Site,
    *terms: Any,
    type: str = "ini",  # noqa: A002 (Ansible's name)
    file: str = "ansible.ini",
    section: str = "global",
    re: Any = False,
    encoding: str = "utf-8",
    default: Any = "",
    case_sensitive: Any = False,
    allow_no_value: Any = False,
    interpolation: Any = True,
) -> list[Any]:
    given = {
        "type": type, "file": file, "section": section, "re": re, "encoding": encoding, "default": default,
        "case_sensitive": case_sensitive, "allow_no_value": allow_no_value, "interpolation": interpolation,
    }  # fmt: skip
    found: list[Any] = []
    for term in terms:
        key, how = with_inline(term, given)
        found += _ini(site, key, how)
    return found


def _ini(site: Site, key: str, how: Mapping[str, Any]) -> list[Any]:
    import configparser

    if how["type"] not in ("ini", "properties"):
        raise ValueError(f"type must be ini or properties, not '{how['type']}'")
    reader = configparser.ConfigParser(
        allow_no_value=flag(how["allow_no_value"]),
        interpolation=configparser.BasicInterpolation() if flag(how["interpolation"]) else None,
    )
    if flag(how["case_sensitive"]):
        reader.optionxform = str  # type: ignore[assignment, method-assign]
    path = site.find(how["file"])
    text = path.read_text(encoding=how["encoding"])
    section = how["section"]
    if how["type"] == "properties":
        section, text = "java_properties", f"[java_properties]\n{text}"
    try:
        reader.read_string(text)
        if not reader.has_section(section):
            raise ValueError(f"No section '{section}' in '{path}'")
        if flag(how["re"]):
            return [value for name, value in reader.items(section) if re.match(key, name)]
        value = reader.get(section, key, fallback=how["default"])
    except configparser.Error as error:
        raise ValueError(f"{path}: {str(error).replace(chr(10), ' ')}") from None
    return [] if value is None else [value]


# ---------------------------------------------------------------- template


def template(
    site: Site,
    *terms: Any,
    template_vars: Mapping[str, Any] | None = None,
    convert_data: Any = True,  # noqa: ARG001 (without effect in Ansible, too)
    jinja2_native: Any = True,  # noqa: ARG001 (the same)
    **syntax: Any,
) -> list[Any]:
    """What template files come to. Their text is the operator's, and so is rendered."""
    for name in ("trim_blocks", "lstrip_blocks"):
        if name in syntax:
            syntax[name] = flag(syntax[name])
    how = TemplateSyntax(**syntax)
    found: list[Any] = []
    for term in terms:
        path = site.find(term, "templates")
        content, encrypted = site.read(path)
        variables = {**facts_of(term, path), **(template_vars or {})}
        doors = site.context.environment.doors
        text = doors.render_file(site.context, content.decode("utf-8"), str(path), variables, how)
        found.append(doors.sealed(text) if encrypted else text)
    return found


LOOKUPS: Mapping[str, Lookup] = {
    "csvfile": csvfile,
    "file": file,
    "fileglob": fileglob,
    "first_found": first_found,
    "ini": ini,
    "template": template,
    "unvault": unvault,
}
