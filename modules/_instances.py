"""EC2 instances as targets of commands: found by id, name or tags, waited for until their agent is online."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from runbook.contract import Context, Ready, Waiting
from runbook.errors import Failed
from runbook.values import Unknown, UnknownValue

from ._aws import pages, tag_map
from ._network import literal
from ._stacks import planned_stack

BATCH = 50
"""Instances in one call (fact 40), and the page size of DescribeInstanceInformation (fact 48)."""

HERE = ("pending", "running", "stopping", "stopped")


class Selector(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which instances; an instance that fits any of `ids`, `names` or all of `tags` is taken."""

    ids: Annotated[
        tuple[str, ...], Meta(description="Instance ids (`i-...`, or `mi-...` of a hybrid node).")
    ] = ()
    names: Annotated[tuple[str, ...], Meta(description="Values of the `Name` tag; each must be there.")] = ()
    tags: Annotated[dict[str, str], Meta(description="Tags that an instance must all have.")] = msgspec.field(
        default_factory=dict
    )

    def __bool__(self) -> bool:
        return bool(self.ids or self.names or self.tags)


class Instance(msgspec.Struct, frozen=True):
    """An instance as EC2 tells it. `state` is empty for one that was only named by its id."""

    id: str
    name: str = ""
    state: str = ""
    profile: bool = True
    """It has an instance profile, without which its agent can't register."""

    def __str__(self) -> str:
        return f"{self.id} ({self.name})" if self.name else self.id


def selector_of(instance: str) -> Selector:
    """One instance by its id or its name."""
    return Selector(ids=(instance,)) if instance.startswith(("i-", "mi-")) else Selector(names=(instance,))


def select(ctx: Context, selector: Selector) -> tuple[Instance, ...]:
    """The instances that a selector means, by id. Terminated ones are not among them. Asks EC2 for names and tags
    only, so ids need no EC2 permission."""
    found = {identity: Instance(identity) for identity in selector.ids}
    for name in selector.names:
        found |= {i.id: i for i in _read(ctx, {"Name": name})}
    if selector.tags:
        found |= {i.id: i for i in _read(ctx, selector.tags)}
    return tuple(found[key] for key in sorted(found))


def missing(selector: Selector, found: Sequence[Instance]) -> str:
    """What a selector asked for and EC2 does not have; empty when all is there."""
    names = {instance.name for instance in found}
    lost = [f"named '{name}'" for name in selector.names if name not in names]
    if selector.tags and not found:
        lost.append("tagged " + ", ".join(f"{key}={value}" for key, value in selector.tags.items()))
    return " or ".join(lost)


def require(ctx: Context, selector: Selector) -> tuple[Instance, ...]:
    """As `select`, and Failed with the names that there are when something asked for is not there."""
    found = select(ctx, selector)
    lost = missing(selector, found)
    if lost:
        if stack := planned_stack(ctx):
            raise UnknownValue(Unknown(f"{stack} instances"))
        there = sorted({i.name for i in _read(ctx, {}) if i.name})
        region = ctx.client("ec2").meta.region_name
        raise Failed(
            f"No instance {lost} in {region}.",
            hint=f"There: {', '.join(there[:20])}." if there else "There is no instance with a name at all.",
        )
    return found


def one(ctx: Context, instance: str) -> Instance:
    """The one instance with this id or name. Raises Failed when there is none, or more than one."""
    found = require(ctx, selector_of(instance))
    if len(found) > 1:
        ids = ", ".join(i.id for i in found)
        raise Failed(
            f"{len(found)} instances are named '{instance}': {ids}.", hint="Name one of them by its id."
        )
    return found[0]


def _read(ctx: Context, tags: Mapping[str, str]) -> tuple[Instance, ...]:
    filters = [{"Name": "instance-state-name", "Values": list(HERE)}]
    # `*` and `?` are wildcards of EC2's filters; what the operator named is meant literally.
    filters += [{"Name": f"tag:{key}", "Values": [literal(value)]} for key, value in sorted(tags.items())]

    def read() -> tuple[Instance, ...]:
        reservations = pages(ctx.client("ec2"), "describe_instances", "Reservations", Filters=filters)
        return tuple(_instance(raw) for reservation in reservations for raw in reservation["Instances"])

    return ctx.observe(f"ec2:instances {sorted(tags.items())}", read)


def _instance(raw: Mapping[str, Any]) -> Instance:
    name = tag_map(raw.get("Tags") or []).get("Name", "")
    return Instance(raw["InstanceId"], name, raw["State"]["Name"], "IamInstanceProfile" in raw)


# ---------------------------------------------------------------- are their agents there


class Ping(msgspec.Struct, frozen=True):
    """What Systems Manager knows of an agent."""

    status: str
    last: str = ""
    """When it was last heard of."""
    version: str = ""


def pings(ctx: Context, instances: Sequence[str]) -> dict[str, Ping]:
    """The agents that are registered, by instance id. Stopped and terminated instances are not listed (fact 48)."""
    found: dict[str, Ping] = {}
    client = ctx.client("ssm")
    for batch in batches(instances):
        asked = [{"Key": "InstanceIds", "Values": list(batch)}]
        for raw in pages(
            client,
            "describe_instance_information",
            "InstanceInformationList",
            Filters=asked,
            PaginationConfig={"PageSize": BATCH},
        ):
            last = raw.get("LastPingDateTime")
            found[raw["InstanceId"]] = Ping(
                raw.get("PingStatus", ""),
                f"{last:%Y-%m-%d %H:%M:%S}" if last else "",
                raw.get("AgentVersion", ""),
            )
    return found


def online(ctx: Context, instances: Sequence[str]) -> frozenset[str]:
    """Which of the instances have an agent that answers now."""
    return frozenset(identity for identity, ping in pings(ctx, instances).items() if ping.status == "Online")


def wait_online(ctx: Context, instances: Sequence[Instance], timeout: float) -> None:
    """Wait until every agent is online, `timeout` seconds at most. Raises Failed with a diagnosis for each that
    is not; an instance that can't come online by itself is not waited for."""
    ids = [instance.id for instance in instances]
    seen: dict[str, Ping] = {}

    def look() -> Waiting | Ready[None]:
        seen.clear()
        seen.update(pings(ctx, ids))
        absent = [i for i in instances if i.id not in seen or seen[i.id].status != "Online"]
        hopeless = [i for i in absent if i.state in ("stopped", "stopping") or not i.profile]
        if hopeless:
            raise _offline(absent, seen)
        if not absent:
            return Ready(None)
        done = len(instances) - len(absent)
        return Waiting(f"{done} of {len(instances)} agents online", 100 * done / len(instances))

    try:
        ctx.poll("Systems Manager agent", look, timeout=timeout, interval=5, longest=20)
    except Failed as error:
        absent = [i for i in instances if i.id not in seen or seen[i.id].status != "Online"]
        raise (_offline(absent, seen) if absent else error) from error


def _offline(absent: Sequence[Instance], seen: Mapping[str, Ping]) -> Failed:
    told = "; ".join(f"{instance}: {diagnosis(instance, seen.get(instance.id))}" for instance in absent[:10])
    more = f"; and {len(absent) - 10} more" if len(absent) > 10 else ""
    return Failed(f"The Systems Manager agent is not online on {told}{more}.")


def diagnosis(instance: Instance, ping: Ping | None) -> str:
    """Why an agent can't be reached, as far as can be told from outside."""
    if instance.state in ("stopped", "stopping"):
        return f"the instance is {instance.state}; start it"
    if ping is not None:
        return (
            f"its agent was last heard of at {ping.last or 'an unknown time'} ({ping.status}); check that the "
            "instance runs, that `amazon-ssm-agent` is active, and its route to the ssm and ssmmessages endpoints"
        )
    if not instance.profile:
        return "it has no instance profile; attach a role with the policy AmazonSSMManagedInstanceCore"
    return (
        "it never registered with Systems Manager; check that the agent is installed, that its role has the policy "
        "AmazonSSMManagedInstanceCore, and that it has a route to the ssm, ssmmessages and ec2messages endpoints "
        "(NAT or VPC endpoints)"
    )


def batches(instances: Sequence[str]) -> Iterator[Sequence[str]]:
    """Instances in groups that one call takes."""
    for start in range(0, len(instances), BATCH):
        yield instances[start : start + BATCH]
