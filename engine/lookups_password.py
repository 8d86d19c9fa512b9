"""The lookup `password`: a random password, made once and kept in a file for its owner only."""

from __future__ import annotations

import contextlib
import os
import random
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .lookups_base import Lookup, Site, number

_NOWHERE = Path("/dev/null")
_OPTIONS = ("length", "chars", "encrypt", "seed", "ident")
_SALTS = {"md5": 8, "sha256": 16, "sha512": 16, "blowfish": 22, "bcrypt": 22}
_SALT_LETTERS = string.ascii_letters + string.digits + "./"


def password(site: Site, *terms: Any, **options: Any) -> list[Any]:
    return [_password(site, term, options) for term in terms]


def _password(site: Site, term: Any, options: Mapping[str, Any]) -> Any:
    name, how = _told(term, options)
    path = site.base / Path(name).expanduser()
    kept = _read(path)
    if kept is None:
        if site.dry and how.get("seed") is None:
            return site.not_run(f"the password in {path}")
        kept = (_made(how), None)
        kept = _keep(path, kept) if not site.dry else kept
    text, salt = kept
    kind = how.get("encrypt")
    if not kind:
        return text
    short = str(kind).removesuffix("_crypt")
    if short not in _SALTS:
        raise ValueError(f"encrypt must be one of {', '.join(_SALTS)}, not '{kind}'")
    if salt is None:
        if site.dry:
            return site.not_run(f"the salt of the password in {path}")
        salt = "".join(random.SystemRandom().choice(_SALT_LETTERS) for _ in range(_SALTS[short]))
        _write(path, text, salt)
    from .passwords import encrypt

    return encrypt(text, short, salt=salt, ident=how.get("ident"))


def _told(term: Any, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The file's name and the options. Raises ValueError."""
    if not isinstance(term, str):
        raise ValueError(f"the name of a file must be text, not {type(term).__name__}")  # noqa: TRY004
    how = dict(options)
    name: list[str] = []
    for word in term.split(" "):
        key, equals, value = word.partition("=")
        if equals and not key.startswith(("/", ".", "~")) and "/" not in key:
            how[key] = value
        elif not how.keys() - options.keys():
            name.append(word)
    for key in how:
        if key not in _OPTIONS:
            raise ValueError(
                f"Unrecognized parameter(s) given to password lookup: {key}; there are {', '.join(_OPTIONS)}"
            )
    return " ".join(name), how


def _made(how: Mapping[str, Any]) -> str:
    seed = how.get("seed")
    chance = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 (the operator's seed)
    letters = _letters(how.get("chars", ("ascii_letters", "digits", ".,:-_")))
    return "".join(chance.choice(letters) for _ in range(number("length", how.get("length", 20))))


def _letters(chars: str | Sequence[str]) -> str:
    """`ascii_letters,digits,!?`: names of Python's `string`, or letters themselves; two commas are a comma."""
    if isinstance(chars, str):
        names = [*([","] if ",," in chars else []), *(c for c in chars.replace(",,", ",").split(",") if c)]
    else:
        names = list(chars)
    return "".join(str(getattr(string, name, name)) for name in names)


# ---------------------------------------------------------------- the file


def _read(path: Path) -> tuple[str, str | None] | None:
    """The password and its salt; None: it is not there."""
    if path == _NOWHERE:
        return None
    try:
        line = path.read_text(encoding="utf-8").rstrip("\n")
    except FileNotFoundError:
        return None
    text, mark, salt = line.partition(" salt=")
    return text, salt.split(" ident=")[0] if mark else None


def _keep(path: Path, made: tuple[str, str | None]) -> tuple[str, str | None]:
    """Write it unless someone else has just done so: what stands there then is the password."""
    if path == _NOWHERE:
        return made
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _draft(path, made[0] + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        return _read(path) or made
    finally:
        draft.unlink()
    return made


def _write(path: Path, text: str, salt: str) -> None:
    if path != _NOWHERE:
        _draft(path, f"{text} salt={salt}\n").replace(path)


def _draft(path: Path, text: str) -> Path:
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for its owner only
    with contextlib.closing(os.fdopen(handle, "w", encoding="utf-8")) as file:
        file.write(text)
    return Path(name)


LOOKUPS: Mapping[str, Lookup] = {"password": password}
