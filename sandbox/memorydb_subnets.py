"""Subnet groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .assumptions import SUPPORTED_ZONE_IDS
from .memorydb_checks import INVALID, refuse
from .memorydb_state import SubnetFacts, SubnetGroup, page, resource_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .memorydb_state import State


class SubnetGroups:
    """The operations on subnet groups."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateSubnetGroup."""
        state = self._state
        name = resource_name(params["SubnetGroupName"], "SubnetGroupName", 255)
        if name in state.subnet_groups:
            refuse("SubnetGroupAlreadyExistsFault", f"Subnet group {name} already exists.")
        if len(state.subnet_groups) >= state.assumptions.subnet_groups_per_customer:
            refuse("SubnetGroupQuotaExceededFault", "The quota of subnet groups is used up.")
        subnets = self._checked(params["SubnetIds"])
        state.put_tags(state.arn("subnetgroup", name), params.get("Tags", []))
        group = SubnetGroup(name, params.get("Description", ""), subnets)
        state.subnet_groups[name] = group
        state.note("subnet-group", name, "Subnet group created.")
        return {"SubnetGroup": self._shape(group)}

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeSubnetGroups."""
        if name := params.get("SubnetGroupName"):
            return {"SubnetGroups": [self._shape(self._find(name))]}
        groups = [self._state.subnet_groups[name] for name in sorted(self._state.subnet_groups)]
        chunk, token = page(groups, params, lambda group: str(group.name))
        return {"SubnetGroups": [self._shape(group) for group in chunk], "NextToken": token}

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateSubnetGroup: the subnets given replace the present ones."""
        group = self._find(params["SubnetGroupName"])
        if params.get("SubnetIds"):
            subnets = self._checked(params["SubnetIds"])
            if subnets[0].vpc_id != group.subnets[0].vpc_id:
                refuse("InvalidSubnet", "A subnet group can't move to another VPC.")
            self._refuse_used_zones(group, subnets)
            group.subnets = subnets
        group.description = params.get("Description", group.description)
        return {"SubnetGroup": self._shape(group)}

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteSubnetGroup."""
        group = self._find(params["SubnetGroupName"])
        users = [
            cluster.name for cluster in self._state.clusters.values() if cluster.subnet_group == group.name
        ]
        if users:
            refuse(
                "SubnetGroupInUseFault", f"Subnet group {group.name} is used by {', '.join(sorted(users))}."
            )
        if group.name == "default":
            refuse(INVALID, "The default subnet group can't be deleted.")
        shape = self._shape(group)
        del self._state.subnet_groups[group.name]
        self._state.tags.pop(self._state.arn("subnetgroup", group.name), None)
        return {"SubnetGroup": shape}

    def for_cluster(self, name: str | None) -> SubnetGroup:
        """The group that a new cluster asked for; without a name, one made of the default VPC's subnets."""
        if name:
            return self._find(name)
        if "default" not in self._state.subnet_groups:
            subnets = [s for s in self._state.network.default_subnets() if self._allowed(s)]
            if not subnets:
                refuse("SubnetGroupNotFoundFault", "No subnet group was named, and there is no default VPC.")
            self._state.subnet_groups["default"] = SubnetGroup("default", "default", subnets)
        return self._state.subnet_groups["default"]

    def _find(self, name: str) -> SubnetGroup:
        group = self._state.subnet_groups.get(name.lower())
        return group or refuse("SubnetGroupNotFoundFault", f"Subnet group {name.lower()} not found.")

    def _checked(self, subnet_ids: Sequence[str]) -> list[SubnetFacts]:
        found = []
        if not subnet_ids:
            refuse("InvalidSubnet", "A subnet group needs one subnet at least.")
        for subnet_id in dict.fromkeys(subnet_ids):
            subnet = self._state.network.subnet(subnet_id)
            if subnet is None:
                refuse("InvalidSubnet", f"The subnet {subnet_id} does not exist.")
            if not self._allowed(subnet):
                refuse(
                    "SubnetNotAllowedFault",
                    f"{subnet_id} is in {subnet.zone_id}, which MemoryDB does not serve.",
                )
            found.append(subnet)
        if len({subnet.vpc_id for subnet in found}) > 1:
            refuse("InvalidSubnet", "The subnets of a subnet group must be in one VPC.")
        return found

    def _allowed(self, subnet: SubnetFacts) -> bool:
        zones = SUPPORTED_ZONE_IDS.get(self._state.region)
        return zones is None or subnet.zone_id in zones

    def _refuse_used_zones(self, group: SubnetGroup, subnets: list[SubnetFacts]) -> None:
        remaining = {subnet.zone for subnet in subnets}
        for cluster in self._state.clusters.values():
            used = {placement.zone for placement in cluster.placements.values()}
            if cluster.subnet_group == group.name and not used <= remaining:
                refuse(
                    "SubnetInUse",
                    f"Cluster {cluster.name} has nodes in {', '.join(sorted(used - remaining))}.",
                )

    def _shape(self, group: SubnetGroup) -> dict[str, Any]:
        types = ["ipv4"]
        subnets = [
            {
                "Identifier": subnet.subnet_id,
                "AvailabilityZone": {"Name": subnet.zone},
                "SupportedNetworkTypes": types,
            }
            for subnet in group.subnets
        ]
        return {
            "Name": group.name,
            "Description": group.description,
            "VpcId": group.subnets[0].vpc_id,
            "Subnets": subnets,
            "ARN": self._state.arn("subnetgroup", group.name),
            "SupportedNetworkTypes": types,
        }

    @property
    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """By name."""
        return {
            "CreateSubnetGroup": self.create,
            "DescribeSubnetGroups": self.describe,
            "UpdateSubnetGroup": self.update,
            "DeleteSubnetGroup": self.delete,
        }
