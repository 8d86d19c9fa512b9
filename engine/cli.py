"""The command line: its commands put together, and errors to exit codes."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from . import __version__
from .cli_codes import DONE, STOPPED, WRONG
from .cli_drift import drift
from .cli_inventory import inventory
from .cli_run import plan, play, resume
from .cli_runs import runs, show
from .cli_show import doc, lint, schema
from .cli_undo import undo
from .cli_vault import vault
from .errors import RunbookError, Stopped

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

PATIENCE = 0.3
"""Seconds that threads of a run get to end by themselves."""


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="runbook")
@click.pass_context
def cli(context: click.Context) -> None:
    """Runbooks for AWS that resume, whose plan is true, and that rehearse without an account."""
    if context.invoked_subcommand in _WITH_SETTINGS:
        context.default_map = {context.invoked_subcommand: _settings()}


_WITH_SETTINGS = frozenset({"play", "plan", "inventory"})


def _settings() -> Mapping[str, Any]:
    """Defaults of options, of an `ansible.cfg`; it is looked for first, for most have none."""
    if not (os.environ.get("ANSIBLE_CONFIG") or Path("ansible.cfg").is_file()):
        return {}
    from .cli_settings import read_settings

    settings = read_settings(os.environ, Path.cwd())
    for warning in settings.warnings if settings is not None else ():
        click.echo(f"note: {warning}", err=True)
    return settings.options if settings is not None else {}


@cli.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def sandbox(args: Sequence[str]) -> int:
    """The rehearsal sandbox: up, down, status, reset, calls, fault."""
    import subprocess

    command = [sys.executable, "-m", "runbook.sandbox", *args]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 (our own interpreter and module)
    return code if code >= 0 else STOPPED


for command in (play, plan, resume, undo, drift, runs, show, schema, lint, doc, inventory, vault):
    cli.add_command(command)


# ---------------------------------------------------------------- the process


def main() -> NoReturn:
    """Entry point."""
    _fill_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of another encoding must not end a run
            stream.reconfigure(errors="backslashreplace")
    _leave(_exit_code())


def _fill_closed_streams() -> None:
    """`runbook ... >&-`: without a stream in its place, the next file that is opened would get the output."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the end


def _exit_code() -> int:
    try:
        code: int = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return WRONG
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return STOPPED
    except RunbookError as error:
        click.echo(f"Error: {error}", err=True)
        return STOPPED if isinstance(error, Stopped) else WRONG  # nothing was run, whatever it is
    except BrokenPipeError:
        # Nobody reads on, `| head` for example; the interpreter must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG
    except Exception as error:
        if "-vvv" in sys.argv:
            raise
        click.echo(f"Internal error: {type(error).__name__}: {error}\n  `-vvv` shows where.", err=True)
        return WRONG
    return code or DONE


def _leave(code: int) -> NoReturn:
    """End the process. A step that waits for an answer from afar must not hold that up: its intent is recorded."""
    deadline = time.monotonic() + PATIENCE
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
    sys.exit(code)
