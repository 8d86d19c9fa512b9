"""Plays a case with an engine: a process of its own, in a fresh copy of the case."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import ansible_output, runbook_events
from .case import LANGUAGE, Case
from .normal import normal_step, normal_text
from .played import Played, ending

ROOT = LANGUAGE.parent.parent
HOSTS = LANGUAGE / "hosts"
SECONDS = 120

_COMMON = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"}
_PRINTING = {
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    "ANSIBLE_CALLBACK_FORMAT_PRETTY": "false",
    "ANSIBLE_NOCOLOR": "true",
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
    "ANSIBLE_SYSTEM_WARNINGS": "false",
    "ANSIBLE_PIPELINING": "true",
}


@dataclass(frozen=True, slots=True)
class Engine:
    """How one of the engines is called; `place` is the folder for its copies and its home."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


def runbook() -> Engine:
    """The engine of this checkout."""
    command = (sys.executable, "-m", "runbook", "play", "--output", "json")
    return Engine("runbook", command, {})


def ansible() -> Engine | None:
    """ansible-core as `RUNBOOK_ANSIBLE` names it, else what `make ansible` installed; None: it is missing."""
    told = os.environ.get("RUNBOOK_ANSIBLE")
    program = Path(told) if told else ROOT / ".venv-ansible" / "bin" / "ansible-playbook"
    if not program.exists():
        return None
    python = {"ANSIBLE_PYTHON_INTERPRETER": str(program.parent / "python")}
    return Engine("ansible", (str(program), "-v"), {**_PRINTING, **python})


def play(engine: Engine, case: Case, options: Sequence[str], place: Path) -> Played:
    """Play a case in a fresh copy below `place`, where a script to do it again by hand stays behind."""
    place.mkdir(parents=True, exist_ok=True)
    script = place / f"{engine.name}.sh"
    script.write_text(_script(engine, case, options, place), encoding="utf-8")
    done = subprocess.run(
        ["sh", str(script)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    stdout, stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    (place / f"{engine.name}.out").write_text(stdout + stderr, encoding="utf-8")
    folder = _folder(place)
    if engine.name == "ansible":
        steps = list(ansible_output.read_steps(stdout))
        recap = ansible_output.read_recap(stdout)
    else:
        events = runbook_events.read_events(stdout)
        steps = list(runbook_events.read_steps(events))
        recap = runbook_events.read_recap(events)
    normal = tuple(normal_step(step, str(folder)) for step in steps)
    return Played(normal, recap, ending(done.returncode, bool(steps)), _files(folder), stderr[-1500:])


def _folder(place: Path) -> Path:
    """Where both engines play, one after the other: paths in values are equal then."""
    return place / "case"


def _script(engine: Engine, case: Case, options: Sequence[str], place: Path) -> str:
    folder, home = _folder(place), place / f"{engine.name}-home"
    copied = f"cp -R {shlex.quote(str(case.playbook.parent))} {shlex.quote(str(folder))}"
    if not case.is_folder:
        inside = shlex.quote(str(folder / case.playbook.name))
        copied = f"mkdir {shlex.quote(str(folder))}\ncp {shlex.quote(str(case.playbook))} {inside}"
    inventory = [] if {"-i", "--inventory"} & set(options) else ["-i", str(HOSTS)]
    environment = {
        **_kept(),
        **_COMMON,
        "HOME": str(home),
        "ANSIBLE_ASYNC_DIR": str(home / "async"),  # its wrapper looks in the user's home, its module in HOME
        **engine.environment,
        **case.environment,
    }
    words = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
    command = shlex.join([*words, *engine.command, *inventory, *options, case.playbook.name])
    quoted, home_quoted = shlex.quote(str(folder)), shlex.quote(str(home))
    return f"rm -rf {quoted} {home_quoted}\nmkdir {home_quoted}\n{copied}\ncd {quoted}\nexec {command}\n"


def _kept() -> dict[str, str]:
    """Of the caller's environment, what a process can't be without."""
    return {name: os.environ[name] for name in ("PATH", "TMPDIR", "USER", "LOGNAME") if name in os.environ}


def _files(folder: Path) -> dict[str, str]:
    """The files that a run left, with their mode and their content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(".runbook") or name.endswith((".retry", ".pyc")) or path.is_dir():
            continue
        found[normal_text(name, str(folder))] = _content(path, str(folder))
    return found


def _content(path: Path, folder: str) -> str:
    if path.is_symlink():
        return f"link to {normal_text(str(path.readlink()), folder)}"
    if not path.is_file():
        return "no regular file"
    text = path.read_bytes().decode(errors="backslashreplace")
    return f"{path.stat().st_mode & 0o7777:04o} {normal_text(text, folder)}"


def forget(place: Path) -> None:
    """Remove what an earlier play of a case left."""
    shutil.rmtree(place, ignore_errors=True)
