"""The plan file: what `plan -o` writes and `play --plan` holds a run to. JSON, for its owner only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from .errors import UsageError
from .promise import PlannedStep

FORMAT = 1
KIND: Literal["runbook plan"] = "runbook plan"


class PlanFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan file holds. Secrets stand in it as keyed hashes only."""

    kind: Literal["runbook plan"] = KIND
    format: int = FORMAT
    made: datetime
    """UTC."""
    made_by: str
    """Version of runbook."""
    start: tuple[str, ...]
    """A command line that starts the run, secrets left out."""
    folder: str
    """Where it was made: relative paths start there."""
    playbook: str
    playbook_digest: str
    inventory_digest: str
    extra_vars_digest: str
    target: str
    account: str
    region: str
    salt: bytes = b""
    """Of the key for the hashes of secrets; empty: it holds none."""
    steps: tuple[PlannedStep, ...]


class _Head(msgspec.Struct):
    kind: str = ""
    format: int = 0
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan file that was read."""

    path: str
    digest: str
    """Of its bytes: the run keeps it, so that it goes on with the same plan."""
    plan: PlanFile


def write_plan(path: Path, plan: PlanFile) -> None:
    """Put the file in its place at once, or leave what is there. Raises UsageError when it can't be written."""
    body = msgspec.json.format(msgspec.json.encode(plan), indent=1)
    try:
        made, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")  # its mode is 0600
        try:
            with os.fdopen(made, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise UsageError(f"The plan can't be written to {path}: {error.strerror}") from error


def read_plan(path: str) -> SavedPlan:
    """Raises UsageError for what is no plan file, is damaged, or was written by a newer version."""
    try:
        body = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"The plan {path} can't be read: {error.strerror}") from error
    try:
        head = msgspec.json.decode(body, type=_Head)
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is no plan, or it is damaged: {error}", hint=_ANEW) from error
    if head.kind != KIND:
        raise UsageError(f"{path} is no plan", hint=_ANEW)
    if head.format != FORMAT:
        raise UsageError(
            f"{path} was written by runbook {head.made_by}, in format {head.format} of plans; this version reads "
            f"format {FORMAT}",
            hint=_ANEW,
        )
    try:
        plan = msgspec.json.decode(body, type=PlanFile)
    except msgspec.DecodeError as error:
        raise UsageError(f"The plan {path} is damaged: {error}", hint=_ANEW) from error
    return SavedPlan(path, hashlib.blake2b(body, digest_size=16).hexdigest(), plan)


_ANEW = "`runbook plan PLAYBOOK -o FILE` makes one."
