"""How a run ends early: what stopped it, what is in doubt, what is left; for observers and for the journal."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Stop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a run ended early: no task failed, and it goes on from there."""

    message: str
    hint: str = ""
    host: str = ""
    """Where it was noticed; empty: by the run as a whole."""
    task: str = ""
    file: str = ""
    line: int = 0
    column: int = 0


class Left(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run that ended early had not begun, of what stands in the playbook: what tasks would have included,
    handlers and rescue sections are not counted."""

    tasks: int
    names: tuple[str, ...] = ()
    """Of the first of them, in their order."""
    hosts: tuple[str, ...] = ()
    """Those that have something left, the first few."""
    of_hosts: int = 0
    """How many have."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """An effect that was begun, and nobody wrote what came of it."""

    host: str
    task: str
    key: str
    started: datetime
    """UTC."""
    asks: bool
    """Nothing but the operator can tell whether it happened; otherwise a resume finds out."""
