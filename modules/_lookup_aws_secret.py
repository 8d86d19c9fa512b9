"""The lookup `aws_secret`: secrets of Secrets Manager. Their values stay secret wherever they go.

    {{ lookup('aws_secret', 'lab/db') }}
    {{ lookup('aws_secret', 'lab/db.password', nested=true) }}
    {{ lookup('aws_secret', '/lab', bypath=true) }}

Options: region, version_id, version_stage, nested (what follows the first dot is a key of the secret's JSON),
bypath (a mapping of all secrets whose name begins so), join (several values as one text), and on_missing,
on_denied, on_deleted: error, warn or skip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from runbook.contract import LookupContext
from runbook.errors import Failed

from ._lookups import Refusals, flags


class Lookup:
    permissions = ("secretsmanager:GetSecretValue", "secretsmanager:ListSecrets")
    options = (
        "region", "version_id", "version_stage", "nested", "bypath", "join", "on_missing", "on_denied", "on_deleted"
    )  # fmt: skip

    def run(self, ctx: LookupContext, terms: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
        client = ctx.client("secretsmanager", region=options.get("region"))
        refusals = Refusals(ctx, options)
        nested, bypath, join = flags(options, "nested", "bypath", "join")
        if bypath:
            return [_all(client, str(term), refusals, options) for term in terms]
        values = [_one(client, str(term), refusals, options, nested=nested) for term in terms]
        return ["".join(str(value) for value in values if value is not None)] if join else values


def _one(client: Any, term: str, refusals: Refusals, options: Mapping[str, Any], *, nested: bool) -> Any:
    name, *keys = term.split(".") if nested else [term]
    if nested and not keys:
        raise Failed(f"The nested secret '{term}' names no key", hint="Write: SECRET.KEY")
    asked = {
        "SecretId": name,
        "VersionId": options.get("version_id"),
        "VersionStage": options.get("version_stage"),
    }
    answer = refusals.ask(name, lambda: client.get_secret_value(**{k: v for k, v in asked.items() if v}))
    if answer is None:
        return None
    text = answer["SecretString"] if "SecretString" in answer else answer["SecretBinary"]
    return _inner(name, text, keys, refusals) if nested else text


def _inner(name: str, text: Any, keys: Sequence[str], refusals: Refusals) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        raise Failed(f"The secret '{name}' is not JSON, so that nothing is nested in it") from None
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            return refusals.missing(f"The secret '{name}' has no key '{'.'.join(keys)}'")
        value = value[key]
    return (
        value
        if isinstance(value, str)
        else json.dumps(value)
        if isinstance(value, dict | list)
        else str(value)
    )


def _all(client: Any, prefix: str, refusals: Refusals, options: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    asked: dict[str, Any] = {"Filters": [{"Key": "name", "Values": [prefix]}]}
    while True:
        page = refusals.ask(prefix, lambda: client.list_secrets(**asked))
        for secret in (page or {}).get("SecretList", ()):
            found[secret["Name"]] = _one(client, secret["Name"], refusals, options, nested=False)
        if not page or not page.get("NextToken"):
            break
        asked["NextToken"] = page["NextToken"]
    if not found:
        refusals.missing(f"There is no secret whose name begins with '{prefix}'")
    return found
