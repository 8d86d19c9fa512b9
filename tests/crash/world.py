"""What a sandbox holds and was asked for, so that two runs can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from runbook.sandbox.folder import Sandbox
from valkey.cluster import ValkeyCluster

from tests.crash.state import differences, read, without_clocks

READS = ("Describe", "Get", "List")
WRITES = ("cmdstat_set", "cmdstat_del", "cmdstat_xadd")
"""Of the primary's own counts. A JSON document is a stream of the sandbox's: `xadd` counts its writes."""


@dataclass(frozen=True)
class Ended:
    """What is left of a run that came to its end."""

    world: Mapping[str, Any]
    """Clusters, subnet groups, rules, records."""
    calls: Mapping[str, int]
    """Calls that changed it, by the sandbox's own record, and how often each came."""
    results: Mapping[str, Any]
    """What each step came to, as later steps see it."""


def look(sandbox: Sandbox, state: Path) -> Ended:
    """How things are now, and what the run in `state` came to."""
    told = read(state)
    assert told.repeated == ()
    clients = Clients(sandbox)
    calls = plain({**_calls(sandbox), **_sent(clients), **_written(clients)})
    return Ended(
        world=plain(without_clocks(_world(clients))),
        calls=calls,
        results=plain(without_clocks(read(state).results())),
    )


def compare(undisturbed: Ended, disturbed: Ended) -> list[str]:
    """What is not as if nothing had happened, a line each."""
    return [
        line
        for name in ("world", "calls", "results")
        for line in differences(getattr(undisturbed, name), getattr(disturbed, name), name)
    ]


# ---------------------------------------------------------------- the sandbox


class Clients:
    """Who looks at a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        contact = sandbox.contact()
        assert contact is not None
        self._contact = contact
        self._session = boto3.session.Session(
            aws_access_key_id=contact["access_key_id"],
            aws_secret_access_key=contact["secret_access_key"],
            region_name=contact["region"],
        )

    def ask(self, service: str, operation: str, **arguments: Any) -> Any:
        client = self._session.client(service, endpoint_url=self._contact["endpoint_url"])
        return getattr(client, operation)(**arguments)

    def valkey(self) -> Any:
        """A client of the lab's cluster."""
        (cluster,) = self.ask("memorydb", "describe_clusters")["Clusters"]
        endpoint = cluster["ClusterEndpoint"]
        return ValkeyCluster(
            host=endpoint["Address"],
            port=endpoint["Port"],
            ssl=True,
            ssl_ca_certs=self._contact["ca_file"],
            ssl_check_hostname=False,
        )


def _world(clients: Clients) -> Mapping[str, Any]:
    ask = clients.ask
    clusters = ask("memorydb", "describe_clusters", ShowShardDetails=True)["Clusters"]
    for cluster in clusters:
        cluster["Tags"] = ask("memorydb", "list_tags", ResourceArn=cluster["ARN"])["TagList"]
    return {
        "clusters": clusters,
        "subnet groups": ask("memorydb", "describe_subnet_groups")["SubnetGroups"],
        "rules": ask("ec2", "describe_security_group_rules")["SecurityGroupRules"],
        "records": _records(clients),
    }


def _records(clients: Clients) -> Mapping[str, Any]:
    client = clients.valkey()
    try:
        keys = sorted(client.keys("*", target_nodes=client.get_primaries()[0]))
        read = {key: "GET" if client.type(key) == b"string" else "JSON.GET" for key in keys}
        return {key.decode(): client.execute_command(command, key) for key, command in read.items()}
    finally:
        client.close()


def _calls(sandbox: Sandbox) -> Mapping[str, int]:
    """By action and resource; commands to instances are told by `_sent`."""
    counts: dict[str, int] = {}
    for line in sandbox.ask("GET", "calls").splitlines():
        call = json.loads(line)
        if call["outcome"] == "ok" and not call["action"].startswith((*READS, "SendCommand")):
            name = f"{call['action']} {call['resource']}"
            counts[name] = counts.get(name, 0) + 1
    return counts


def _sent(clients: Clients) -> Mapping[str, int]:
    """Commands that instances ran; those that only read say so in their comment."""
    counts: dict[str, int] = {}
    for command in clients.ask("ssm", "list_commands")["Commands"]:
        if not command["Comment"].startswith("runbook reads"):
            name = f"SendCommand {_script(command['Parameters']['commands'])}"
            counts[name] = counts.get(name, 0) + 1
    return counts


def _script(lines: Sequence[str]) -> str:
    """What tells a script from another one: the commands that it hands to valkey-cli."""
    return " ".join(line for line in lines if line.startswith("v ")) or lines[0]


def _written(clients: Clients) -> Mapping[str, int]:
    client = clients.valkey()
    try:
        stats = client.info("commandstats", target_nodes=client.get_primaries()[0])
        return {name: found["calls"] for name, found in stats.items() if name in WRITES}
    finally:
        client.close()


# ---------------------------------------------------------------- what differs between any two runs


_NAMES: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\b(vpc|subnet|sg|sgr|i|igw|rtb|eni)-[0-9a-f]{8,17}\b"), r"\1-*"),
    (re.compile(r"\brunbook \d{4}-\d{4}-\w{4} (\w+) \d+"), r"runbook RUN \1 TRY"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{4}-\d{4}-[0-9a-f]{4}\b"), "RUN"),
    (re.compile(r"(?<=InstanceProfile-)[0-9A-Z]{12}\b"), "*"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "NODE"),
    (re.compile(r"\b127(\.\d+){3}\b"), "ADDRESS"),
    (re.compile(r"\b(ADDRESS:\d+@)\d+"), r"\1BUS"),
    (re.compile(r"^(NODE ADDRESS.*? (?:-|NODE) )\d+ \d+ \d+ ", re.MULTILINE), r"\1CLOCKS "),
)
"""Names that a world gives anew, addresses and clocks."""

_BESIDES = ("free_addresses", "CreateTime", "NodeCreateTime")
_IN_ANY_ORDER = re.compile(r"(person|product):|NODE ADDRESS")
"""KEYS and CLUSTER NODES answer in any order, and so does EC2 of rules."""


def plain(value: Any) -> Any:
    """Without what differs between any two runs; what has no order is sorted."""
    if isinstance(value, Mapping):
        return {plain(str(name)): plain(item) for name, item in value.items() if name not in _BESIDES}
    if isinstance(value, list | tuple):
        items = [plain(item) for item in value]
        return sorted(items, key=repr) if _unordered(items) else items
    if value is None or isinstance(value, bool | int | float):
        return value
    return _text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def _text(text: str) -> str:
    for pattern, name in _NAMES:
        text = pattern.sub(name, text)
    lines = text.splitlines()
    return "\n".join(sorted(lines)) if lines and all(map(_IN_ANY_ORDER.match, lines)) else text


def _unordered(items: Sequence[Any]) -> bool:
    texts = all(isinstance(item, str) and _IN_ANY_ORDER.match(item) for item in items)
    return texts or all(isinstance(item, dict) and "SecurityGroupRuleId" in item for item in items)
