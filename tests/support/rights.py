"""Commands as somebody without root's rights over files: CI is root, for whom no mode forbids anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

import pytest

_SETPRIV = shutil.which("setpriv")

needs_modes = pytest.mark.skipif(
    not hasattr(os, "geteuid") or (os.geteuid() == 0 and _SETPRIV is None),
    reason="nothing here can take root's right to write everywhere away (setpriv, of util-linux)",
)


def held_to_modes(words: Sequence[str]) -> list[str]:
    """The command, held to the modes of files whoever calls it."""
    if os.geteuid() != 0 or _SETPRIV is None:
        return list(words)
    return [_SETPRIV, "--bounding-set", "-dac_override,-dac_read_search", "--", *words]
