"""Checks what SendCommand was asked, as the API refuses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .service import AwsError
from .ssm_commands import DOCUMENT, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TIMEOUT = 3600
_LONGEST_DELIVERY = 2_592_000
_EXECUTION_RANGE = range(5, 172_801)
_MOST_INSTANCES = 50
_MOST_TARGETS = 5
_LONGEST_COMMENT = 100
_INSTANCE_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}")
_CONCURRENCY = re.compile(r"[1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%")
_ERRORS = re.compile(r"[1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%")
_WINDOWS_ONLY = {"AWS-RunPowerShellScript", "AWS-InstallWindowsUpdates", "AWS-ConfigureWindowsUpdate"}
_PARAMETERS = {"commands", "workingDirectory", "executionTimeout"}


def check_limits(params: Mapping[str, Any]) -> None:
    """Refuse what is longer, or spelled otherwise, than the API's model allows. Raises AwsError."""
    problems: list[str] = []
    ids = params.get("InstanceIds", [])
    if len(ids) > _MOST_INSTANCES:
        problems.append(_constraint(ids, "instanceIds", f"length less than or equal to {_MOST_INSTANCES}"))
    problems += [
        _constraint(item, "instanceIds", f"satisfy regular expression pattern: {_INSTANCE_ID.pattern}")
        for item in ids
        if not _INSTANCE_ID.fullmatch(item)
    ]
    if len(params.get("Targets", [])) > _MOST_TARGETS:
        problems.append(
            _constraint(params["Targets"], "targets", f"length less than or equal to {_MOST_TARGETS}")
        )
    if len(params.get("Comment", "")) > _LONGEST_COMMENT:
        problems.append(
            _constraint(params["Comment"], "comment", f"length less than or equal to {_LONGEST_COMMENT}")
        )
    timeout = params.get("TimeoutSeconds", DEFAULT_TIMEOUT)
    if timeout > _LONGEST_DELIVERY:
        problems.append(
            _constraint(timeout, "timeoutSeconds", f"value less than or equal to {_LONGEST_DELIVERY}")
        )
    for member, pattern in (("MaxConcurrency", _CONCURRENCY), ("MaxErrors", _ERRORS)):
        value = params.get(member)
        if value is not None and not pattern.fullmatch(value):
            name = member[0].lower() + member[1:]
            problems.append(
                _constraint(value, name, f"satisfy regular expression pattern: {pattern.pattern}")
            )
    if problems:
        count = len(problems)
        noun = "error" if count == 1 else "errors"
        raise AwsError("ValidationException", f"{count} validation {noun} detected: {'; '.join(problems)}")


def _constraint(value: object, name: str, rule: str) -> str:
    return f"Value '{value}' at '{name}' failed to satisfy constraint: Member must {_verb(rule)}{rule}"


def _verb(rule: str) -> str:
    return "" if rule.startswith("satisfy") else "have "


def read_request(params: Mapping[str, Any], *, targets: int) -> Request:
    """The checked request for so many `targets` (percentages are of them). Raises AwsError."""
    _check_document(params)
    parameters: Mapping[str, list[str]] = params.get("Parameters", {})
    if unknown := sorted(set(parameters) - _PARAMETERS):
        raise AwsError("InvalidParameters", f"Document {DOCUMENT} has no parameter {', '.join(unknown)}")
    if not parameters.get("commands"):
        raise AwsError("InvalidParameters", f"Document {DOCUMENT} requires the parameter commands")
    for name in ("workingDirectory", "executionTimeout"):
        if len(parameters.get(name, [""])) != 1:
            raise AwsError("InvalidParameters", f"Parameter {name} of {DOCUMENT} is a single string")
    return Request(
        lines=tuple(parameters["commands"]),
        working_directory=parameters.get("workingDirectory", [""])[0],
        execution_timeout=execution_timeout(parameters.get("executionTimeout", [str(DEFAULT_TIMEOUT)])[0]),
        delivery_timeout=int(params.get("TimeoutSeconds", DEFAULT_TIMEOUT)),
        max_concurrency=max(1, share(params.get("MaxConcurrency", "50"), targets)),
        max_errors=share(params.get("MaxErrors", "0"), targets),
        bucket=params.get("OutputS3BucketName", ""),
        key_prefix=params.get("OutputS3KeyPrefix", ""),
        given=dict(params),
    )


def _check_document(params: Mapping[str, Any]) -> None:
    name = str(params["DocumentName"]).rpartition(":document/")[2] or str(params["DocumentName"])
    if name in _WINDOWS_ONLY:
        raise AwsError("UnsupportedPlatformType", f"{name} does not run on the platform of the instances")
    if name != DOCUMENT:
        raise AwsError(
            "InvalidDocument", f"document {name} does not exist in your account (the sandbox has {DOCUMENT})"
        )
    if params.get("DocumentVersion", "$DEFAULT") not in {"$DEFAULT", "$LATEST", "1"}:
        raise AwsError("InvalidDocumentVersion", f"{name} has no version {params['DocumentVersion']}")


def execution_timeout(text: str) -> int:
    """Seconds that a script may run: what is out of range or no number silently becomes 3600, as the agent
    does it."""
    try:
        seconds = int(text)
    except ValueError:
        return DEFAULT_TIMEOUT
    return seconds if seconds in _EXECUTION_RANGE else DEFAULT_TIMEOUT


def share(text: str, targets: int) -> int:
    """A number of instances, or a percentage of `targets` rounded up (at least 1 of any but 0%)."""
    if text.endswith("%"):
        return -(-targets * int(text[:-1]) // 100)
    return int(text)
