"""Instances become hosts with the names, variables and groups that Ansible's aws_ec2 gives them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from runbook.contract import ClientFactory, Target
from runbook.inventory import load_inventory
from runbook.model import Inventory


def instance(number: int, **more: Any) -> dict[str, Any]:
    return {
        "InstanceId": f"i-{number}",
        "PrivateIpAddress": f"10.0.0.{number}",
        "PrivateDnsName": f"ip-10-0-0-{number}.ec2.internal",
        "PublicDnsName": "",
        "LaunchTime": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        "Placement": {"AvailabilityZone": "eu-west-2a"},
        "SecurityGroups": [{"GroupName": "lab", "GroupId": "sg-1"}],
        "Tags": [{"Key": "Name", "Value": f"n{number}"}, {"Key": "Role", "Value": "{{ web }}"}],
        **more,
    }


class Ec2:
    """Pages of answers, and what was asked."""

    def __init__(self, asked: list[Any]) -> None:
        self.asked = asked

    def get_paginator(self, _operation: str) -> Ec2:
        return self

    def paginate(self, **params: Any) -> list[Mapping[str, Any]]:
        self.asked.append(params["Filters"])
        excluded = any(one["Name"] == "tag:Gone" for one in params["Filters"])
        pages = [[instance(2)]] if excluded else [[instance(1, Tags=None)], [instance(2), instance(3)]]
        return [{"Reservations": [{"OwnerId": "111122223333", "Instances": page}]} for page in pages]


class Clients(ClientFactory):
    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.regions: list[str | None] = []

    def client(self, target: Target, service: str, *, retries: bool = True) -> Any:
        assert service == "ec2"
        self.regions.append(target.region)
        return Ec2(self.asked)


@pytest.fixture
def clients() -> Clients:
    return Clients()


def load(folder: Path, clients: Clients, text: str) -> Inventory:
    (folder / "aws_ec2.yml").write_text(f"plugin: amazon.aws.aws_ec2\n{text}")
    seen: list[Mapping[str, Any]] = []

    def reach(settings: Mapping[str, Any]) -> tuple[ClientFactory, Target]:
        seen.append(settings)
        return clients, Target(region=settings.get("region", "us-east-1"), profile=settings.get("profile"))

    return load_inventory([str(folder / "aws_ec2.yml")], reach=reach)


def test_names_variables_and_groups(tmp_path: Path, clients: Clients) -> None:
    found = load(
        tmp_path,
        clients,
        "aws: {region: eu-west-2}\nhostnames: ['tag:Name', instance-id]\n"
        "keyed_groups: [{key: tags.Role, prefix: role}, {key: placement.region, separator: ''}]\n"
        "groups: {lab: \"'lab' in (security_groups | map(attribute='group_name'))\"}\n"
        "compose: {ansible_host: private_ip_address}\n",
    )
    assert found.groups["aws_ec2"] == ("i-1", "n2", "n3")
    assert found.groups["lab"] == found.groups["eu_west_2"] == ("i-1", "n2", "n3")
    assert found.groups["role____web___"] == ("n2", "n3")
    host = found.hosts["n2"].vars
    assert (host["ansible_host"], host["instance_id"]) == ("10.0.0.2", "i-2")
    assert host["placement"] == {"availability_zone": "eu-west-2a", "region": "eu-west-2"}
    assert host["tags"] == {"Name": "n2", "Role": "{{ web }}"}
    assert host["security_groups"] == [{"group_name": "lab", "group_id": "sg-1"}]
    assert (host["launch_time"], host["owner_id"]) == ("2026-01-02T00:00:00+00:00", "111122223333")


def test_filters_and_regions(tmp_path: Path, clients: Clients) -> None:
    found = load(
        tmp_path,
        clients,
        "regions: [eu-west-1, eu-west-2]\nfilters: {'tag:Env': [a, b], instance-state-name: running}\n"
        "exclude_filters: [{'tag:Gone': true}]\n",
    )
    assert clients.regions == ["eu-west-1", "eu-west-2"]
    assert clients.asked[0] == [
        {"Name": "instance-state-name", "Values": ["running"]},
        {"Name": "tag:Env", "Values": ["a", "b"]},
    ]
    assert clients.asked[1][1] == {"Name": "tag:Gone", "Values": ["true"]}
    assert found.groups["all"] == ("ip-10-0-0-1.ec2.internal", "ip-10-0-0-3.ec2.internal")


def test_names_with_a_prefix(tmp_path: Path, clients: Clients) -> None:
    text = (
        "hostnames: [{name: private-ip-address, prefix: 'tag:Name', separator: '-'}]\nhostvars_prefix: aws_\n"
    )
    found = load(tmp_path, clients, text)
    assert found.groups["all"] == ("10.0.0.1", "n2-10.0.0.2", "n3-10.0.0.3")
    assert found.hosts["n2-10.0.0.2"].vars["aws_instance_id"] == "i-2"
