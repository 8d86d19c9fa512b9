"""The last lines about a run that ended early: what is done, in doubt and not started, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence

from .ending import Doubt, Left
from .prose import counted, duration, some, visible
from .style import Style


def ended(exit_code: int, seconds: float, style: Style) -> str:
    """In one line."""
    word = "Stopped" if exit_code == 4 else "Failed"
    return style(f"{word} after {duration(seconds)} (exit code {exit_code}).", "failed")


def state_of_affairs(done: int, changed: int, doubts: Sequence[Doubt], left: Left | None) -> list[str]:
    """What is done, in doubt, and not started."""
    lines = [f"Done: {counted(done, 'step')}" + (f", {changed} changed." if changed else ".")]
    if doubts:
        tasks = dict.fromkeys(visible(f"{doubt.task} [{doubt.host}]") for doubt in doubts)
        lines.append(f"In doubt: {counted(len(doubts), 'effect')}, of {some(list(tasks))}.")
    if left is not None:
        names = some([f"'{visible(name)}'" for name in left.names], of=left.tasks)
        hosts = some([visible(host) for host in left.hosts], of=left.of_hosts)
        lines.append(f"Not started: {counted(left.tasks, 'task')} on {hosts}: {names}.")
    return lines


def how_to_go_on(resume: str, doubts: Sequence[Doubt], style: Style) -> list[str]:
    """The command, as it is to be typed; with a question open, the two that answer it."""
    resume = visible(resume)
    if not any(doubt.asks for doubt in doubts):
        return ["Go on from here with:", f"    {resume}"]
    return [
        "Look whether it happened, then go on from here with one of:",
        f"    {resume} --assume done" + style("      it did: go on behind it", "quiet"),
        f"    {resume} --assume not-done" + style("  it did not: do it now", "quiet"),
    ]
