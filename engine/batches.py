"""In which order and in which batches a play comes to its hosts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from .errors import UsageError


def ordered(hosts: Sequence[str], order: str, run: str) -> list[str]:
    """The hosts as `order` says. A shuffled order is one of its run, so that a resume finds the same batches."""
    found = sorted(hosts) if "sorted" in order else list(hosts)
    if order == "shuffle":
        random.Random(run).shuffle(found)  # noqa: S311 (no secret)
    return found[::-1] if order.startswith("reverse") else found


def batches(hosts: Sequence[str], serial: Sequence[Any]) -> list[list[str]]:
    """Ansible's `serial`: numbers or percentages of all hosts; the last one repeats, 0 means all."""
    if not serial:
        return [list(hosts)]
    left = list(hosts)
    cut: list[list[str]] = []
    while left:
        size = _size(serial[min(len(cut), len(serial) - 1)], len(hosts))
        cut.append(left[:size])
        left = left[size:]
    return cut


def sizes(rendered: Sequence[Any]) -> list[Any]:
    """`serial` as it was rendered, a list from one template included."""
    return [size for one in rendered for size in (one if isinstance(one, list | tuple) else (one,))]


def _size(written: Any, total: int) -> int:
    text = str(written).strip()
    try:
        if text.endswith("%"):
            return max(1, int(float(text[:-1]) / 100 * total))
        return int(text) if int(text) > 0 else total
    except ValueError:
        raise UsageError(
            f"'serial' came to '{text}'", hint="It takes numbers of hosts, or percentages such as '25%'."
        ) from None
