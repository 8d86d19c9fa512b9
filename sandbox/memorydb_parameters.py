"""Engine versions, parameter groups and their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import memorydb_catalogue as catalogue
from .memorydb_checks import COMBINATION, INVALID, refuse
from .memorydb_state import ParameterGroup, page, resource_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from .memorydb_state import State


class Parameters:
    """The operations on parameter groups, and DescribeEngineVersions."""

    def __init__(self, state: State) -> None:
        self._state = state
        for name, family in catalogue.DEFAULT_PARAMETER_GROUPS.items():
            text = f"Default parameter group for {family}"
            state.parameter_groups[name] = ParameterGroup(name, family, text)

    def engine_versions(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeEngineVersions."""
        found = [
            {
                "Engine": offered.engine,
                "EngineVersion": offered.version,
                "EnginePatchVersion": offered.patch,
                "ParameterGroupFamily": offered.family,
            }
            for offered in catalogue.ENGINE_VERSIONS
            if params.get("Engine", offered.engine).lower() == offered.engine
            and params.get("EngineVersion", offered.version) in {offered.version, offered.patch}
            and params.get("ParameterGroupFamily", offered.family) == offered.family
            and (
                not params.get("DefaultOnly") or catalogue.DEFAULT_VERSIONS[offered.engine] == offered.version
            )
        ]
        chunk, token = page(found, params, lambda item: f"{item['Engine']} {item['EngineVersion']}")
        return {"EngineVersions": chunk, "NextToken": token}

    def describe_groups(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeParameterGroups."""
        if name := params.get("ParameterGroupName"):
            return {"ParameterGroups": [self._shape(self._find(name))]}
        groups = [self._state.parameter_groups[name] for name in sorted(self._state.parameter_groups)]
        chunk, token = page(groups, params, lambda group: str(group.name))
        return {"ParameterGroups": [self._shape(group) for group in chunk], "NextToken": token}

    def describe_parameters(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeParameters."""
        group = self._find(params["ParameterGroupName"])
        rows = [
            {
                "Name": parameter.name,
                "Value": group.values.get(parameter.name, parameter.value),
                "Description": parameter.description,
                "DataType": parameter.data_type,
                "AllowedValues": parameter.allowed,
                "MinimumEngineVersion": "6.2.4",
            }
            for parameter in sorted(catalogue.PARAMETERS, key=lambda parameter: parameter.name)
        ]
        chunk, token = page(rows, params, lambda row: str(row["Name"]))
        return {"Parameters": chunk, "NextToken": token}

    def create_group(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateParameterGroup."""
        state = self._state
        name = resource_name(params["ParameterGroupName"], "ParameterGroupName", 255)
        families = {offered.family for offered in catalogue.ENGINE_VERSIONS}
        if params["Family"] not in families:
            refuse(
                INVALID, f"There is no family {params['Family']}; there are {', '.join(sorted(families))}."
            )
        if name in state.parameter_groups:
            refuse("ParameterGroupAlreadyExistsFault", f"Parameter group {name} already exists.")
        if len(state.parameter_groups) >= state.assumptions.parameter_groups_per_customer:
            refuse("ParameterGroupQuotaExceededFault", "The quota of parameter groups is used up.")
        state.put_tags(state.arn("parametergroup", name), params.get("Tags", []))
        group = ParameterGroup(name, params["Family"], params.get("Description", ""))
        state.parameter_groups[name] = group
        return {"ParameterGroup": self._shape(group)}

    def update_group(self, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateParameterGroup: at most 20 parameters a call; clusters that use it apply them."""
        group = self._own(params["ParameterGroupName"])
        pairs = params["ParameterNameValues"]
        if not 1 <= len(pairs) <= 20:
            refuse(INVALID, "1 to 20 parameters can be changed in one call.")
        known = {parameter.name for parameter in catalogue.PARAMETERS}
        for pair in pairs:
            if pair.get("ParameterName") not in known:
                refuse(INVALID, f"There is no parameter {pair.get('ParameterName')} in {group.family}.")
        group.values |= {pair["ParameterName"]: pair.get("ParameterValue", "") for pair in pairs}
        self._apply(group)
        return {"ParameterGroup": self._shape(group)}

    def reset_group(self, params: dict[str, Any]) -> dict[str, Any]:
        """ResetParameterGroup: all parameters, or those that are named."""
        group = self._own(params["ParameterGroupName"])
        names = params.get("ParameterNames", [])
        if bool(names) == params.get("AllParameters", False):
            refuse(COMBINATION, "Give either AllParameters or ParameterNames.")
        group.values = {name: value for name, value in group.values.items() if names and name not in names}
        self._apply(group)
        return {"ParameterGroup": self._shape(group)}

    def delete_group(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteParameterGroup: no cluster may use it."""
        group = self._own(params["ParameterGroupName"])
        users = sorted(c.name for c in self._state.clusters.values() if c.parameter_group == group.name)
        if users:
            refuse("InvalidParameterGroupStateFault", f"{group.name} is used by {', '.join(users)}.")
        del self._state.parameter_groups[group.name]
        self._state.tags.pop(self._state.arn("parametergroup", group.name), None)
        return {"ParameterGroup": self._shape(group)}

    def _apply(self, group: ParameterGroup) -> None:
        ready = self._state.clock.monotonic() + self._state.assumptions.parameter_group_seconds
        for cluster in self._state.clusters.values():
            if cluster.parameter_group == group.name and cluster.view is not None:
                cluster.parameters_ready = ready

    def _find(self, name: str) -> ParameterGroup:
        group = self._state.parameter_groups.get(name.lower())
        return group or refuse("ParameterGroupNotFoundFault", f"Parameter group {name} not found.")

    def _own(self, name: str) -> ParameterGroup:
        group = self._find(name)
        if group.name.startswith("default."):
            refuse(INVALID, f"The default parameter group {group.name} can't be changed or deleted.")
        return group

    def _shape(self, group: ParameterGroup) -> dict[str, Any]:
        return {
            "Name": group.name,
            "Family": group.family,
            "Description": group.description,
            "ARN": self._state.arn("parametergroup", group.name),
        }

    @property
    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """By name."""
        return {
            "DescribeEngineVersions": self.engine_versions,
            "DescribeParameterGroups": self.describe_groups,
            "DescribeParameters": self.describe_parameters,
            "CreateParameterGroup": self.create_group,
            "UpdateParameterGroup": self.update_group,
            "ResetParameterGroup": self.reset_group,
            "DeleteParameterGroup": self.delete_group,
        }
