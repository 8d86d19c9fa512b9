"""Facts that the machine's owner put into `/etc/ansible/facts.d`, as Ansible reads them."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
from pathlib import Path
from typing import Any

FACT_PATH = "/etc/ansible/facts.d"

TIMEOUT = 10
"""Seconds that a fact script has."""


def local_facts(folder: Path, warnings: list[str]) -> dict[str, Any]:
    """Each `*.fact` file by its name: JSON or INI, or what an executable one prints. What can't be read stands in
    the place of the facts, and among the warnings."""
    found = {}
    for path in sorted(folder.glob("*.fact")) if folder.is_dir() else ():
        try:
            found[path.stem] = _parsed(_text(path), path)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            found[path.stem] = str(error)
            warnings.append(str(error))
    return found


def _text(path: Path) -> str:
    if not os.access(path, os.X_OK):
        return path.read_text(encoding="utf-8")
    try:
        ran = subprocess.run(  # noqa: S603 (a fact script of the machine's owner)
            [str(path)], capture_output=True, check=False, timeout=TIMEOUT, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise ValueError(f"Could not execute fact script ({path}): {error}") from error
    if ran.returncode != 0:
        said = ran.stderr.decode("utf-8", "backslashreplace")
        raise ValueError(f"Failure executing fact script ({path}), rc: {ran.returncode}, err: {said}")
    return ran.stdout.decode("utf-8", "backslashreplace")


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(f"error loading facts as JSON or ini - please check content: {path}") from error
    return {section: dict(parser.items(section)) for section in parser.sections()}
