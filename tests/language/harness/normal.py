"""What can't be equal, made equal. This is the only place that forgives; each rule has its reason."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from .played import Step

_NOT_OURS = {
    "invocation",  # how Ansible's module was called on the target
    "exception",  # a traceback of Ansible's
    "failed_when_suppressed_exception",
    "warnings",  # advice in Ansible's own words
    "deprecations",
    "diff",  # a diff is prose; ours tells fields
    "hint",  # what to do next, which ours adds to a failure
}
_OF_THE_MOMENT = {
    "delta",
    "start",
    "end",
    "stop",
    "atime",
    "mtime",
    "ctime",
    "birthtime",
    "inode",
    "dev",
    "version",  # of an inode
    "ansible_job_id",
    "results_file",
    "elapsed",
    "started_at",
    "date",  # of a server's answer
    "last_modified",
}
_MARKS_OF_A_PROCESS = {"rc", "inode", "ansible_job_id", "started", "elapsed", "delta", "cookies_string"}
"""A result with one of these is a command's, a file's, a job's or a server's: its times are of the moment."""

_BACKUP = re.compile(r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~")
_TEMPORARY = re.compile(r"/(?:[\w.-]+/)*(?:ansible-tmp-[\d.-]+|ansible-local-\w+|\.ansible/tmp)/[\w./-]*")
_PAUSED = re.compile(r"^Paused for [\d.]+ (?:seconds|minutes)$")
_MADE = re.compile(r"/tmp/ansible\.[a-z0-9_]{8}")  # noqa: S108 (a name in a text)
"""What `tempfile` made."""
_TEMPORARY_FILE = "<temporary>"
_PREFIX = re.compile(r"^(?:ansible\.(?:builtin|legacy)\.)")

TOLD_BY_STATUS = {
    "changed",
    "failed",
    "skipped",
    "unreachable",
    "skip_reason",
    "failed_when_result",
}
"""Ansible prints these for some modules only; what they say is in the status and the label already."""

_OF_THE_ITEM = {"item", "ansible_loop_var", "ansible_index_var", "ansible_loop"}
"""What an item adds to its result: Ansible prints it for some modules only. What is registered keeps it."""

GATHERING = {"Gathering Facts", "setup", "gather_facts"}
"""Facts of a machine: Ansible's hundreds, our small set. Cases look at the single ones."""


def normal_step(step: Step, folder: str) -> Step:
    """A step without what belongs to one engine, one moment or one folder."""
    task = _PREFIX.sub("", step.task)
    if task in GATHERING and step.status in ("ok", "changed"):
        result: Any = {}
    else:
        result = normal_value(step.result, folder)
        if task == "tempfile":
            result.pop("path", None)  # another one each time
        if step.status == "unreachable":
            result.pop("msg", None)  # no SSH here
        if step.item is not None:
            names = {*_OF_THE_ITEM, result.get("ansible_loop_var"), result.get("ansible_index_var")}
            result = {name: value for name, value in result.items() if name not in names}
    return Step(step.host, step.play, task, step.handler, step.status, normal_item(step.item), result)


def normal_item(label: str | None) -> str | None:
    """Ansible's label is Python's text of a value, ours is JSON's."""
    if label is None or label[:1] not in set("[{("):
        return {"true": "True", "false": "False", "null": "None"}.get(label or "", label)
    for read in (json.loads, ast.literal_eval):
        try:
            return json.dumps(read(label), sort_keys=True, default=str)
        except (ValueError, SyntaxError):
            continue
    return label


def normal_value(value: Any, folder: str) -> Any:
    """Recursively, as in a registered result that is printed."""
    if isinstance(value, str):
        return normal_text(value, folder)
    if isinstance(value, list):
        return [normal_value(one, folder) for one in value]
    if not isinstance(value, Mapping):
        return value
    dropped = _NOT_OURS | (_OF_THE_MOMENT if _MARKS_OF_A_PROCESS & value.keys() else set())
    if "dest" in value and value.get("state") not in ("link", "hard"):
        dropped = dropped | {
            "src"
        }  # of a file: Ansible tells where it put it to push it, we where it came from
    kept = {key: normal_value(one, folder) for key, one in value.items() if key not in dropped}
    return {
        normal_text(key, folder): one
        for key, one in kept.items()
        if not key.startswith("_ansible_") and one != _TEMPORARY_FILE  # where Ansible put a file to push it
    }


def normal_text(text: str, folder: str) -> str:
    """Folders of the run, temporary files and the time in a backup's name."""
    text = text.replace(folder, "<case>")
    text = _PAUSED.sub("Paused for a while", text)
    text = _MADE.sub("/tmp/ansible.<any>", text)  # noqa: S108 (a name in a text)
    return _TEMPORARY.sub(_TEMPORARY_FILE, _BACKUP.sub(".<backup>~", text))
