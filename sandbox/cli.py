"""The command line of the sandbox: `runbook sandbox ...`, `python -m runbook.sandbox ...`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .faults import FaultKind
from .folder import Sandbox, SandboxError, default_folder

_TEMPLATE = Path("playbooks", "files", "prerequisites.template.yml")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The sandbox's folder. [default: RUNBOOK_SANDBOX, or .runbook/sandbox here]",
)
@click.pass_context
def main(context: click.Context, folder: Path | None) -> None:
    """A rehearsal stand-in for AWS on this machine: no account, no cost, a real Valkey."""
    context.obj = Sandbox((folder or default_folder()).absolute())


def run() -> None:
    """Run the command line; wrong use and errors of the sandbox are one message and exit code 1."""
    try:
        main(prog_name="runbook sandbox", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        raise SystemExit(1) from None
    except (SandboxError, click.Abort) as error:
        raise SystemExit(f"runbook sandbox: {error or 'stopped'}") from None


_speed_option = click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=100.0,
    show_default=True,
    envvar="RUNBOOK_SANDBOX_SPEED",
    show_envvar=True,
    help="Seconds of AWS time that pass in one second.",
)


@main.command()
@_speed_option
@click.option("--region", default="eu-west-2", show_default=True, help="The AWS Region that it plays.")
@click.option(
    "--template",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"CloudFormation template of the world at start. [default: {_TEMPLATE.as_posix()}, if it is here]",
)
@click.option("--empty", is_flag=True, help="Start with an empty account.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
@click.pass_obj
def up(
    sandbox: Sandbox, speed: float, region: str, template: Path | None, empty: bool, as_json: bool
) -> None:
    """Start it, unless it runs already."""
    if template and empty:
        raise click.UsageError("--template and --empty exclude each other")
    if not template and not empty and _TEMPLATE.is_file():
        template = _TEMPLATE
    arguments = ["--speed", str(speed), "--region", region]
    if template:
        arguments += ["--template", str(template.absolute())]
    contact, started = sandbox.up(arguments)
    if as_json:
        click.echo(json.dumps({**contact, "started": started}))
    elif started:
        world = f"with the stack of {template}" if template else "with an empty account"
        click.echo(f"The sandbox is up, a fresh world {world}: {contact['endpoint_url']}")
    else:
        click.echo(f"The sandbox was up already: {contact['endpoint_url']}")


@main.command(hidden=True)
@_speed_option
@click.option("--region", default="eu-west-2")
@click.option("--template", type=click.Path(path_type=Path))
@click.option("--idle", type=float, default=7200.0)
@click.pass_obj
def serve(sandbox: Sandbox, speed: float, region: str, template: Path | None, idle: float) -> None:
    """Be the sandbox's process."""
    # Imported here: moto takes seconds, and no other command needs it.
    from .daemon import serve as serve_world
    from .settings import settings_for

    text = template.read_text(encoding="utf-8") if template else None
    serve_world(settings_for(sandbox.folder, region, speed, text), idle_seconds=idle)


@main.command()
@click.pass_obj
def down(sandbox: Sandbox) -> None:
    """End it; its world is gone."""
    pid = sandbox.down()
    click.echo("No sandbox was up." if pid is None else f"The sandbox (process {pid}) has ended.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
@click.pass_obj
def status(sandbox: Sandbox, as_json: bool) -> None:
    """Tell what runs. Exit code 1 if nothing does."""
    data = json.loads(sandbox.ask("GET", "status"))
    if as_json:
        click.echo(json.dumps(data))
        return
    for name, value in data.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items()) or "none"
        click.echo(f"{name.replace('_', ' ')}: {value}")


@main.command()
@click.pass_obj
def reset(sandbox: Sandbox) -> None:
    """Give back the world as it was at the start."""
    sandbox.ask("POST", "reset")
    click.echo("The sandbox's world is as at the start.")


@main.command()
@click.pass_obj
def calls(sandbox: Sandbox) -> None:
    """Print what was asked of it, one JSON line a call: time, service, action, resource, outcome."""
    click.echo(sandbox.ask("GET", "calls").decode(), nl=False)


@main.group()
def fault() -> None:
    """Order trouble: throttling, lost responses, refusals and more, by service, call and count."""


@fault.command("add")
@click.option("--kind", type=click.Choice([kind.value for kind in FaultKind]), required=True)
@click.option("--service", default="", help="Such as memorydb, ssm, ec2, sts; any if left out.")
@click.option("--call", default="", help="Such as UpdateCluster; any if left out.")
@click.option("--resource", default="", help="Only calls about this; for kill-node CLUSTER/NODE.")
@click.option("--count", default=1, type=click.IntRange(min=0), show_default=True, help="0 means always.")
@click.option(
    "--code", default="", help="For refuse: AWS's error code, such as InsufficientClusterCapacityFault."
)
@click.option("--message", default="", help="For refuse and throttle: the message.")
@click.option("--seconds", default=1.0, type=click.FloatRange(min=0), help="For delay: real seconds.")
@click.pass_obj
def add_fault(sandbox: Sandbox, /, **order: Any) -> None:
    """Order a fault. kill-node and agent-offline without --service and --call strike at once."""
    click.echo(sandbox.ask("POST", "faults", order).decode(), nl=False)


@fault.command("list")
@click.pass_obj
def list_faults(sandbox: Sandbox) -> None:
    """Print the faults in force, one JSON line each."""
    for order in json.loads(sandbox.ask("GET", "faults"))["faults"]:
        click.echo(json.dumps(order))


@fault.command("clear")
@click.pass_obj
def clear_faults(sandbox: Sandbox) -> None:
    """Take back all faults."""
    sandbox.ask("DELETE", "faults")
    click.echo("No faults are in force.")
