"""Reads the events of `runbook play --output json` (docs/events.md) as steps."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .plain_json import plain
from .played import COUNTS, ITEMS_FAILED, Step

Event = Mapping[str, Any]

_INCLUDES = {"include_tasks", "include_role"}
_SILENT = {"meta"}
"""Ansible prints nothing of these."""


def read_events(stdout: str) -> list[Event]:
    """One event a line; a line that is none, of a traceback say, is passed over."""
    return [json.loads(line) for line in stdout.splitlines() if line.startswith('{"event"')]


def read_steps(events: list[Event]) -> Iterator[Step]:
    """The results in the order in which they were told.

    Ansible tells the items of a loop, and of the loop itself only that all was skipped, or that it could not be
    gone through: so does this.
    """
    play = ""
    handlers: dict[str, bool] = {}
    items: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        kind = event["event"]
        if kind == "play_started":
            play = event["name"]
        elif kind == "task_started":
            handlers[_place(event)] = event["handler"]
        elif kind == "item_finished":
            items[event["host"]].append(event)
        elif kind == "step_finished":
            told = items.pop(event["host"], [])
            module = _base(event["module"])
            if module not in _SILENT:
                handler = handlers.get(_place(event), False)
                yield from _in_order(_step(item, play, handler, module) for item in told)
                if not told:
                    yield _step(event, play, handler, module)
                elif (whole := _step(event, play, handler, module)).status == "skipped":
                    yield replace(whole, result={})
                elif whole.status == "failed" and whole.result.get("msg") != ITEMS_FAILED:
                    yield whole


def _in_order(items: Iterable[Step]) -> list[Step]:
    """Ansible tells what a loop includes when it has gone through the whole loop."""
    return sorted(items, key=lambda item: item.status == "included")


def read_recap(events: list[Event]) -> dict[str, Mapping[str, int]]:
    """The counts of each host that did something: Ansible tells no others."""
    finished = [event for event in events if event["event"] == "run_finished"]
    if not finished:
        return {}
    hosts = finished[-1]["hosts"]
    counts = {host: {name: tally[name] for name in COUNTS} for host, tally in hosts.items()}
    return {host: told for host, told in counts.items() if any(told.values())}


def _step(event: Event, play: str, handler: bool, module: str) -> Step:
    outcome = event["outcome"]
    status = outcome["status"]
    result = plain(outcome["result"])
    if module in _INCLUDES and status in ("ok", "changed"):
        status, result = "included", {}
    if status == "skipped" and isinstance(result, dict):
        result.pop("results", None)  # Ansible's report tells them item by item only
    if module == "debug" and status != "skipped" and isinstance(result, dict) and "msg" in result:
        result = {"msg": result["msg"]}  # Ansible's report tells nothing else of it
    return Step(event["host"], play, event["task"], handler, status, event.get("label"), result)


def _place(event: Event) -> str:
    return f"{event['name'] if 'name' in event else event['task']} {event['position']}"


def _base(module: str) -> str:
    return module.rpartition(".")[2]
