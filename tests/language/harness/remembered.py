"""Answers of an engine kept in a folder, for whoever plays the same cases again and again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from .case import LANGUAGE, Case
from .played import Played

VARIABLE = "RUNBOOK_ORACLE_CACHE"

_READERS = ("ansible_output", "engines", "normal", "played")
"""The files of the harness that an answer goes through."""


def remembered(case: Case, options: Sequence[str], play: Callable[[], Played]) -> Played:
    """What `play` gives, or what it gave for this very case and harness. Without `VARIABLE` it always plays."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return play()
    kept = Path(folder) / f"{_key(case, options)}.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=Played)
    played = play()
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(msgspec.json.encode(played))
    fresh.replace(kept)
    return played


def _key(case: Case, options: Sequence[str]) -> str:
    """A digest of all that the answer comes from."""
    digest = hashlib.sha256(repr((case.name, options, sorted(case.environment.items()))).encode())
    files = sorted(case.playbook.parent.rglob("*")) if case.is_folder else [case.playbook]
    harness = [LANGUAGE / "harness" / f"{name}.py" for name in _READERS]
    for path in [*files, *harness, LANGUAGE / "hosts"]:
        if path.is_file():
            digest.update(f"{path.name} {path.stat().st_mode}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:32]
