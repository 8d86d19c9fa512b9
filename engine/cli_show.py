"""The commands that tell and run nothing: `schema`, `lint`, `doc`."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_codes import DONE, WRONG

_SCHEMAS = ["playbook", "tasks", "inventory", "vars", "runs", "run", "plan"]
_LIBRARIES = (Path("library"), Path("playbooks", "library"))
"""Where a person's own modules are looked for when no playbook is named."""


@click.command()
@click.argument("what", type=click.Choice(_SCHEMAS), default="playbook")
def schema(what: str) -> int:
    """Print the JSON Schema of a playbook, a file of tasks, an inventory or a file of variables, for editors; or of
    what `runbook runs`, `runbook show` and `runbook plan` tell programs."""
    import json

    from .registry import Registry
    from .schema import SCHEMAS

    click.echo(json.dumps(SCHEMAS[what](Registry(_LIBRARIES)), indent=2))
    return DONE


@click.command()
@click.argument("paths", type=click.Path(), nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github", "json"]),
    default="text",
    help="For people, for pull requests, for programs.",
)
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Default: .runbook-lint.yml.")
@click.option("--rules", is_flag=True, help="List the rules.")
def lint(paths: tuple[str, ...], form: str, config: Path | None, rules: bool) -> int:
    """Tell what is wrong with playbooks and what should be written otherwise; exit with 1 if there is anything."""
    from . import cli_lint

    if rules:
        click.echo(cli_lint.rules())
        return DONE
    text, clean = cli_lint.run(paths or (".",), form, config)
    click.echo(text, nl=bool(text))
    return DONE if clean else WRONG


@click.command()
@click.argument("name", metavar="[MODULE]", required=False)
@click.option(
    "-t",
    "--type",
    "kind",
    type=click.Choice(["module", "filter", "test", "lookup"]),
    default="module",
    help="What NAME is, or what to list.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; a module's arguments as JSON Schema.")
def doc(name: str | None, kind: str, as_json: bool) -> int:
    """Show a module's manual page, or list the modules: ours and those in `library` and `playbooks/library`."""
    from .module_list import told
    from .registry import Registry

    click.echo(told(Registry(_LIBRARIES), kind, name, as_json=as_json))
    return DONE
