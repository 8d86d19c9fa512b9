"""Hosts from EC2, for inventory files that say `plugin: amazon.aws.aws_ec2`.

Settings and variables are those of Ansible's plugin: attributes of the instance in snake_case, `tags` as a mapping,
`placement` with its Region. Beside its names for credentials it takes ours: `aws: {profile, region, ...}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from runbook.contract import ClientFactory, FoundHost, Target
from runbook.errors import Failed

from ._aws import ServiceError, pages, tag_map

SETTINGS = frozenset(
    {
        "regions", "filters", "include_filters", "exclude_filters", "hostnames", "hostvars_prefix",
        "hostvars_suffix",
        "strict_permissions", "allow_duplicated_hosts", "use_contrib_script_compatible_sanitization",
        "use_contrib_script_compatible_ec2_tag_keys", "cache", "include_extra_api_calls", "use_ssm_inventory",
    }
)  # fmt: skip
"""What a file may say beside `aws`, the names of credentials and what is constructed."""

CREDENTIALS: Mapping[str, str] = {
    "profile": "profile", "aws_profile": "profile", "boto_profile": "profile",
    "assume_role_arn": "role_arn", "iam_role_arn": "role_arn", "endpoint_url": "endpoint_url",
    "endpoint": "endpoint_url",
}  # fmt: skip
"""Ansible's names of settings that `aws` holds here."""

GROUP = "aws_ec2"
"""The group of all hosts that come from here."""

STATES = ("pending", "running", "stopping", "stopped")
_DEFAULT_NAMES = ("dns-name", "private-dns-name")
_ATTRIBUTES: Mapping[str, str] = {
    "dns-name": "PublicDnsName", "ip-address": "PublicIpAddress", "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress", "instance-id": "InstanceId", "image-id": "ImageId",
    "instance-type": "InstanceType", "vpc-id": "VpcId", "subnet-id": "SubnetId", "key-name": "KeyName",
    "architecture": "Architecture",
}  # fmt: skip
"""Names of filters that name an attribute of an instance."""

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def hosts(settings: Mapping[str, Any], clients: ClientFactory, target: Target) -> Iterator[FoundHost]:
    """The instances that the settings name, each once. Raises Failed for settings that can't be used, and what
    `ClientFactory` raises."""
    seen: set[str] = set()
    regions = _listed(settings.get("regions"))
    for place in [replace(target, region=region) for region in regions] or [target]:
        for instance in _instances(settings, clients, place):
            names = _names(instance, settings.get("hostnames") or _DEFAULT_NAMES)
            known = names if settings.get("allow_duplicated_hosts") else names[:1]
            for name in known:
                if name not in seen:
                    seen.add(name)
                    yield FoundHost(name, _variables(instance, settings), (GROUP,))


# ---------------------------------------------------------------- which instances


def _instances(
    settings: Mapping[str, Any], clients: ClientFactory, target: Target
) -> list[Mapping[str, Any]]:
    client = clients.client(target, "ec2")
    wanted = [settings.get("filters") or {}, *(settings.get("include_filters") or ())]
    if settings.get("include_filters") and not settings.get("filters"):
        wanted = wanted[1:]
    found: dict[str, Mapping[str, Any]] = {}
    try:
        for filters in wanted:
            found.update((one["InstanceId"], one) for one in _described(client, filters))
        for filters in settings.get("exclude_filters") or ():
            for one in _described(client, filters):
                found.pop(one["InstanceId"], None)
    except ServiceError as error:
        if error.code == "UnauthorizedOperation" and settings.get("strict_permissions") is False:
            return []
        raise
    return sorted(found.values(), key=lambda one: str(one["InstanceId"]))


def _described(client: Any, filters: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(filters, Mapping):
        raise Failed(f"Filters are a mapping of names and values, and this is {type(filters).__name__}")
    given = {"instance-state-name": STATES, **filters}
    asked = [{"Name": name, "Values": _listed(value)} for name, value in given.items()]
    for reservation in pages(client, "describe_instances", "Reservations", Filters=asked):
        owner = {"OwnerId": reservation.get("OwnerId"), "ReservationId": reservation.get("ReservationId")}
        for instance in reservation["Instances"]:
            yield {**instance, **owner, "RequesterId": reservation.get("RequesterId", "")}


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    items = value if isinstance(value, list | tuple) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in items]


# ---------------------------------------------------------------- what they are called


def _names(instance: Mapping[str, Any], wanted: Sequence[Any]) -> list[str]:
    """Names in the order of the preferences; those that the instance lacks are left out."""
    found: list[str] = []
    for preference in [wanted] if isinstance(wanted, str | Mapping) else wanted:
        if not isinstance(preference, Mapping):
            found += _named(instance, str(preference))
            continue
        prefixes = _named(instance, str(preference.get("prefix", ""))) if preference.get("prefix") else []
        separator = preference.get("separator", "_")
        for name in _named(instance, str(preference.get("name", ""))):
            found.append(f"{prefixes[0]}{separator}{name}" if prefixes else name)
    return list(dict.fromkeys(found))


def _named(instance: Mapping[str, Any], preference: str) -> list[str]:
    if not preference.startswith("tag:"):
        value = instance.get(_ATTRIBUTES.get(preference, ""))
        if value is None and preference not in _ATTRIBUTES:
            value = _dotted(instance, preference)
        return [str(value)] if value else []
    tags = tag_map(instance.get("Tags") or [])
    found = []
    for wanted in preference.removeprefix("tag:").split(","):
        name, sign, value = wanted.partition("=")
        if sign and tags.get(name) == value:
            found.append(f"{name}_{value}")
        elif not sign and tags.get(name):
            found.append(tags[name])
    return found


def _dotted(instance: Mapping[str, Any], name: str) -> Any:
    """`placement.availability_zone` and its like: by the names that the variables have."""
    value: Any = _snake(instance)
    for part in name.replace("-", "_").split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, str | int) else None


# ---------------------------------------------------------------- what is known of them


def _variables(instance: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _snake({key: value for key, value in instance.items() if key != "Tags"})
    found["tags"] = tag_map(instance.get("Tags") or [])
    place = found.setdefault("placement", {})
    place["region"] = str(place.get("availability_zone", ""))[:-1]
    before, after = settings.get("hostvars_prefix") or "", settings.get("hostvars_suffix") or ""
    return {f"{before}{name}{after}": value for name, value in found.items()}


def _snake(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_WORDS.sub("_", name).lower(): _snake(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_snake(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


__all__ = ["CREDENTIALS", "SETTINGS", "hosts"]
