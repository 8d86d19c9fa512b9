"""Options that a person who comes from `ansible-playbook` may type: some need nothing here, others are
refused with what to use instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from .errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

_NO_LOGIN = (
    "runbook does not log in to hosts. Commands act on this machine, or with `connection: ssm` on an instance, "
    "through AWS Systems Manager."
)
_NO_BECOME = "runbook does not change its user. With `connection: ssm` commands run as root."

REFUSED_VALUES: Mapping[tuple[str, ...], str] = {
    ("-u", "--user"): _NO_LOGIN,
    ("--private-key", "--key-file"): _NO_LOGIN,
    ("--ssh-common-args",): _NO_LOGIN,
    ("--ssh-extra-args",): _NO_LOGIN,
    ("--scp-extra-args",): _NO_LOGIN,
    ("--sftp-extra-args",): _NO_LOGIN,
    ("--connection-password-file", "--conn-pass-file"): _NO_LOGIN,
    ("--become-method",): _NO_BECOME,
    ("--become-user",): _NO_BECOME,
    ("--become-password-file", "--become-pass-file"): _NO_BECOME,
}

REFUSED_FLAGS: Mapping[tuple[str, ...], str] = {
    ("-k", "--ask-pass"): _NO_LOGIN,
    ("-b", "--become"): _NO_BECOME,
    ("-K", "--ask-become-pass"): _NO_BECOME,
}


def ansible_options(function: F) -> F:
    """Take the options of `ansible-playbook` that change nothing here, and refuse the others by name."""
    for names, why in REFUSED_VALUES.items():
        function = _hidden(*names, callback=_refusal(names, why))(function)
    for names, why in REFUSED_FLAGS.items():
        function = _hidden(*names, is_flag=True, callback=_refusal(names, why))(function)
    function = _hidden("--flush-cache", is_flag=True)(function)  # no facts are kept between runs
    return _hidden("-T", "--timeout", type=click.IntRange(0))(function)  # of a login


def _hidden(*names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, hidden=True, expose_value=False, **settings)


def _refusal(names: tuple[str, ...], why: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def refuse(_context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value:
            raise UsageError(f"There is no {'/'.join(names)} here", hint=why)

    return refuse
