"""Filters on text: regular expressions, comments, quoting, URLs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

# ---------------------------------------------------------------- regular expressions


def _flags(ignorecase: bool, multiline: bool) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def regex_replace(
    value: Any = "",
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    """Raises ValueError when fewer than `mandatory_count` places match."""
    text, found = re.subn(
        pattern, replacement, as_text(value), count=count, flags=_flags(ignorecase, multiline)
    )
    if mandatory_count and found != mandatory_count:
        raise ValueError(
            f"'{pattern}' should match {mandatory_count} times, but matches {found} times in {as_text(value)!r}"
        )
    return text


def regex_search(
    value: Any, regex: str, *groups: str, ignorecase: bool = False, multiline: bool = False
) -> Any:
    r"""The text that matched, or a list of the named groups (`\\g<name>`, `\\1`); null when nothing matched."""
    wanted = [_group(name) for name in groups]
    found = re.search(regex, as_text(value), _flags(ignorecase, multiline))
    if found is None:
        return None
    if not groups:
        return found.group()
    return [found.group(name) for name in wanted]


def _group(name: str) -> str | int:
    match = re.match(r"\\g<(\S+)>|\\(\d+)", name)
    if match is None:
        raise ValueError(rf"Unknown argument: '{name}' does not name a group; write '\g<name>' or '\1'")
    return match[1] or int(match[2])


def regex_findall(value: Any, regex: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    return re.findall(regex, as_text(value), _flags(ignorecase, multiline))


def regex_escape(value: Any, re_type: str = "python") -> str:
    text = as_text(value)
    if re_type == "python":
        return re.escape(text)
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", text)
    if re_type == "posix_extended":
        raise ValueError("Regex type (posix_extended) not yet implemented; there are python and posix_basic")
    raise ValueError(f"Invalid regex type ({re_type}); there are python and posix_basic")


def as_text(value: Any) -> str:
    """Text for a text filter: bytes are read, null is empty."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


# ---------------------------------------------------------------- comments

_STYLES: Mapping[str, Mapping[str, str]] = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}


def comment(text: str, style: str = "plain", **changes: Any) -> str:
    """The text as a comment. changes: decoration, beginning, end, newline, prefix, postfix and their counts."""
    if style not in _STYLES:
        raise ValueError(f"Invalid style '{style}'. There are: {', '.join(_STYLES)}")
    how: dict[str, Any] = {
        "newline": "\n",
        "prefix_count": 1,
        "postfix_count": 1,
        **_STYLES[style],
        **changes,
    }
    newline, decoration = how["newline"], how["decoration"]
    prefix, postfix = how.get("prefix", decoration.rstrip()), how.get("postfix", decoration.rstrip())
    body = decoration + text.replace(newline, newline + decoration)
    body = body.replace(decoration + newline, decoration.rstrip() + newline)
    parts = [
        how["beginning"] + newline if how.get("beginning") else "",
        f"{prefix}{newline}" * how["prefix_count"] if prefix else "",
        body,
        f"{newline}{postfix}" * how["postfix_count"],
        newline + how["end"] if how.get("end") else "",
    ]
    return "".join(parts)


# ---------------------------------------------------------------- the rest


def quote(text: Any) -> str:
    return shlex.quote("" if text is None else str(text))


_URL_PARTS = ("fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username")


def url_split(url: str, query: str = "") -> Any:
    pieces = urlsplit(url)
    if query and query not in _URL_PARTS:
        raise ValueError(f"urlsplit: unknown URL component: {query}; there are {', '.join(_URL_PARTS)}")
    return getattr(pieces, query) if query else {name: getattr(pieces, name) for name in _URL_PARTS}


def split(text: str, separator: str | None = None, maximum: int = -1) -> list[str]:
    if not isinstance(text, str):
        raise ValueError(f"split takes text, not {type(text).__name__}")  # noqa: TRY004 (the operator's mistake)
    return text.split(separator, maximum)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "comment": comment,
    "quote": quote,
    "regex_escape": regex_escape,
    "regex_findall": regex_findall,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "split": split,
    "urldecode": unquote_plus,
    "urlsplit": url_split,
    "urlunquote": unquote,
}
