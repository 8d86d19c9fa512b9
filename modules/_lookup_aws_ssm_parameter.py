"""The lookup `aws_ssm_parameter`: parameters of Systems Manager. Their values stay secret wherever they go.

    {{ lookup('aws_ssm_parameter', '/lab/db/password') }}
    {{ lookup('aws_ssm_parameter', '/lab', bypath=true, recursive=true, shortnames=true) }}

Options: region, decrypt (true), bypath (a mapping of all parameters below a path), recursive, shortnames (without
the path), droppath (without the path that was asked for), and on_missing, on_denied: error, warn or skip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runbook.contract import LookupContext
from runbook.errors import Failed

from ._lookups import Refusals, flags


class Lookup:
    permissions = ("ssm:GetParameter", "ssm:GetParametersByPath")
    options = (
        "region", "decrypt", "bypath", "recursive", "shortnames", "droppath", "on_missing", "on_denied"
    )  # fmt: skip

    def run(self, ctx: LookupContext, terms: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
        client = ctx.client("ssm", region=options.get("region"))
        refusals = Refusals(ctx, options)
        (decrypt,) = flags({"decrypt": True, **options}, "decrypt")
        (bypath,) = flags(options, "bypath")
        look = _below if bypath else _one
        return [look(client, str(term), refusals, options, decrypt=decrypt) for term in terms]


def _one(client: Any, name: str, refusals: Refusals, _options: Mapping[str, Any], *, decrypt: bool) -> Any:
    answer = refusals.ask(name, lambda: client.get_parameter(Name=name, WithDecryption=decrypt))
    return None if answer is None else answer["Parameter"]["Value"]


def _below(
    client: Any, path: str, refusals: Refusals, options: Mapping[str, Any], *, decrypt: bool
) -> dict[str, Any]:
    recursive, shortnames, droppath = flags(options, "recursive", "shortnames", "droppath")
    if shortnames and droppath:
        raise Failed("Give either shortnames or droppath")
    found: dict[str, Any] = {}
    asked: dict[str, Any] = {"Path": path, "Recursive": recursive, "WithDecryption": decrypt}
    while True:
        page = refusals.ask(path, lambda: client.get_parameters_by_path(**asked))
        for parameter in (page or {}).get("Parameters", ()):
            name = parameter["Name"]
            if shortnames:
                name = name.rsplit("/", 1)[-1]
            elif droppath:
                name = name.removeprefix(path.rstrip("/") + "/")
            found[name] = parameter["Value"]
        if not page or not page.get("NextToken"):
            break
        asked["NextToken"] = page["NextToken"]
    if not found:
        refusals.missing(f"There is no parameter below '{path}'")
    return found
