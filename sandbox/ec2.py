"""The part of EC2 that moto gets wrong: security group rules, and deleting groups that are in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models.security_groups import SecurityGroupRule

from .ec2_rules import (
    Rule,
    describe,
    kept_rule,
    make_rule,
    moto_members,
    requested,
    rule_shape,
)
from .service import AwsError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Handler = Callable[[dict[str, Any]], dict[str, Any]]

_RULES_PER_GROUP = 60  # default quota, for each direction


class Ec2:
    """The service `ec2`: security group rules on moto's books, refused as AWS refuses them.

    The identity of a rule is group, direction, protocol, ports and one peer. A call with several rules fails
    as a whole. CIDR blocks are kept in canonical form.
    """

    name = "ec2"

    def __init__(
        self,
        *,
        backend: Callable[[], Any],
        account: str,
        lock: threading.RLock,
        groups_in_use: Callable[[], frozenset[str]],
    ) -> None:
        """`backend` gives moto's for this account and Region; `groups_in_use` are those of other services."""
        self._moto = backend
        self._account = account
        self._lock = lock
        self._groups_in_use = groups_in_use
        handlers: dict[str, Handler] = {
            "AuthorizeSecurityGroupIngress": lambda params: self._authorize(params, egress=False),
            "AuthorizeSecurityGroupEgress": lambda params: self._authorize(params, egress=True),
            "RevokeSecurityGroupIngress": lambda params: self._revoke(params, egress=False),
            "RevokeSecurityGroupEgress": lambda params: self._revoke(params, egress=True),
            "DescribeSecurityGroupRules": self._describe,
            "ModifySecurityGroupRules": self._modify,
            "UpdateSecurityGroupRuleDescriptionsIngress": lambda p: self._redescribe(p, egress=False),
            "UpdateSecurityGroupRuleDescriptionsEgress": lambda p: self._redescribe(p, egress=True),
            "DeleteSecurityGroup": self._delete_group,
        }
        self.operations: Mapping[str, Handler] = {name: self._locked(h) for name, h in handlers.items()}

    @property
    def _backend(self) -> Any:
        """Moto's books, which are other ones after a reset."""
        return self._moto()

    def _locked(self, handler: Handler) -> Handler:
        def run(params: dict[str, Any]) -> dict[str, Any]:
            with self._lock:
                return handler(params)

        return run

    # Rules

    def _authorize(self, params: dict[str, Any], *, egress: bool) -> dict[str, Any]:
        group = self._group(params)
        wanted = list(requested(self._with_ids(params)))
        present = {kept_rule(record) for record in _records(group, egress=egress)}
        for rule, _ in wanted:
            self._check_peer(rule)
            if rule in present:
                raise AwsError("InvalidPermission.Duplicate", f'the specified rule "{rule}" already exists')
            present.add(rule)
        if len(present) > _RULES_PER_GROUP:
            message = f"The maximum number of rules per security group, {_RULES_PER_GROUP}, has been reached."
            raise AwsError("RulesPerSecurityGroupLimitExceeded", message)
        _stop_dry_run(params)
        tags = _rule_tags(params)
        added = [self._record(group, rule, peer.get("Description"), tags, egress) for rule, peer in wanted]
        return {"Return": True, "SecurityGroupRules": [rule_shape(record, self._account) for record in added]}

    def _record(
        self, group: Any, rule: Rule, description: str | None, tags: dict[str, str], egress: bool
    ) -> SecurityGroupRule:
        record = SecurityGroupRule(
            self._backend,
            # Moto wants ports for every protocol but this one.
            "-1" if rule.from_port is None else rule.protocol,
            group.id,
            rule.from_port,  # type: ignore[arg-type]  # moto calls int() on it
            rule.to_port,  # type: ignore[arg-type]
            is_egress=egress,
            tags=tags,
            **moto_members(rule, description, self._account),
        )
        record.ip_protocol = rule.protocol
        _records(group, egress=egress).append(record)
        return record

    def _revoke(self, params: dict[str, Any], *, egress: bool) -> dict[str, Any]:
        group = self._group(params)
        records, unknown = _records(group, egress=egress), []
        if ids := params.get("SecurityGroupRuleIds"):
            doomed = [self._by_id(records, rule_id) for rule_id in ids]
        else:
            doomed = []
            for rule, _ in requested(self._with_ids(params)):
                found = next((record for record in records if kept_rule(record) == rule), None)
                if found is not None:
                    doomed.append(found)
                elif self._in_default_vpc(group):
                    unknown.append(_permission(rule))
                else:
                    message = f'the specified rule "{rule}" does not exist in this security group'
                    raise AwsError("InvalidPermission.NotFound", message)
        _stop_dry_run(params)
        shapes = [rule_shape(record, self._account) for record in doomed]
        gone = {record.id for record in doomed}
        records[:] = [record for record in records if record.id not in gone]
        kept = ("SecurityGroupRuleId", "GroupId", "IsEgress", "IpProtocol", "FromPort", "ToPort")
        revoked = [{name: shape[name] for name in kept} for shape in shapes]
        return {"Return": True, "RevokedSecurityGroupRules": revoked, "UnknownIpPermissions": unknown}

    def _describe(self, params: dict[str, Any]) -> dict[str, Any]:
        everything = [record for group in self._groups() for record in _all_records(group)]
        if ids := params.get("SecurityGroupRuleIds"):
            everything = [self._by_id(everything, rule_id) for rule_id in ids]
        for condition in params.get("Filters", []):
            name, values = condition.get("Name", ""), condition.get("Values", [])
            everything = [record for record in everything if _matches(record, name, values)]
        _stop_dry_run(params)
        start, size = int(params.get("NextToken") or 0), params.get("MaxResults", 1000)
        chunk = [rule_shape(record, self._account) for record in everything[start : start + size]]
        more = str(start + size) if start + size < len(everything) else None
        return {"SecurityGroupRules": chunk, "NextToken": more}

    def _modify(self, params: dict[str, Any]) -> dict[str, Any]:
        group = self._group(params)
        changes = []
        for item in params["SecurityGroupRules"]:
            record = self._by_id(_all_records(group), item["SecurityGroupRuleId"])
            rule, text = self._modified(item.get("SecurityGroupRule", {}))
            peers = _records(group, egress=record.is_egress)
            if any(kept_rule(other) == rule for other in peers if other.id != record.id):
                raise AwsError("InvalidPermission.Duplicate", f'the specified rule "{rule}" already exists')
            changes.append((record, rule, text))
        _stop_dry_run(params)
        for record, rule, text in changes:
            members = moto_members(rule, text, self._account)
            record.ip_protocol, record.from_port, record.to_port = rule.protocol, rule.from_port, rule.to_port
            record.ip_range, record.source_group = members["ip_range"], members["source_group"] or {}
            record.prefix_list_id = rule.peer if rule.kind == "PrefixListId" else None
        return {"Return": True}

    def _modified(self, given: dict[str, Any]) -> tuple[Rule, str | None]:
        names = {"CidrIpv4": "CidrIp", "CidrIpv6": "CidrIpv6", "PrefixListId": "PrefixListId"}
        peers = [(names.get(m, "GroupId"), given[m]) for m in (*names, "ReferencedGroupId") if given.get(m)]
        if len(peers) != 1:
            raise AwsError("InvalidParameterCombination", "A rule has one peer")
        kind, peer = peers[0]
        ports = given.get("FromPort"), given.get("ToPort")
        rule = make_rule(given.get("IpProtocol", "-1"), *ports, kind, peer)
        self._check_peer(rule)
        return rule, given.get("Description")

    def _redescribe(self, params: dict[str, Any], *, egress: bool) -> dict[str, Any]:
        group = self._group(params)
        records = _records(group, egress=egress)
        texts: list[tuple[Any, str | None]] = [
            (self._by_id(records, item["SecurityGroupRuleId"]), item.get("Description"))
            for item in params.get("SecurityGroupRuleDescriptions", [])
        ]
        for rule, peer in requested(self._with_ids(params)) if params.get("IpPermissions") else ():
            found = next((record for record in records if kept_rule(record) == rule), None)
            if found is None:
                message = f'the specified rule "{rule}" does not exist in this security group'
                raise AwsError("InvalidPermission.NotFound", message)
            texts.append((found, peer.get("Description")))
        if not texts:
            raise AwsError(
                "MissingParameter", "Either IpPermissions or SecurityGroupRuleDescriptions is needed"
            )
        _stop_dry_run(params)
        for record, text in texts:
            describe(record, text)
        return {"Return": True}

    # Groups

    def _delete_group(self, params: dict[str, Any]) -> dict[str, Any]:
        group = self._group(params)
        if group.name == "default":
            raise AwsError("CannotDelete", f"the specified group: {group.id} name: default cannot be deleted")
        self.refuse_if_used(group.id)
        _stop_dry_run(params)
        self._backend.delete_security_group(group_id=group.id)
        return {"Return": True, "GroupId": group.id}

    def refuse_if_used(self, group_id: str) -> None:
        """DependencyViolation where a rule of another group, an instance or another service has the group."""
        if self.in_use(group_id):
            raise AwsError("DependencyViolation", f"resource {group_id} has a dependent object")

    def in_use(self, group_id: str) -> bool:
        """Whether something else depends on the group."""
        referenced = any(
            record.source_group.get("GroupId") == group_id
            for group in self._groups()
            if group.id != group_id
            for record in _all_records(group)
        )
        instances = any(
            group_id in {group.id for group in interface.group_set}
            for interface in self._backend.enis.values()
            # Moto keeps the interfaces of instances that are gone.
            if interface.instance is None or interface.instance.state != "terminated"
        )
        return referenced or instances or group_id in self._groups_in_use()

    def _groups(self) -> Iterator[Any]:
        for groups in list(self._backend.groups.values()):
            yield from list(groups.values())

    def _group(self, params: dict[str, Any]) -> Any:
        """The group by id, or by name in the default VPC."""
        if group_id := params.get("GroupId"):
            found = self._backend.get_security_group_from_id(group_id)
        elif name := params.get("GroupName"):
            found = self._backend.get_security_group_from_name(name, self._backend.default_vpc.id)
        else:
            raise AwsError("MissingParameter", "The request must contain the parameter GroupName or GroupId")
        if found is None:
            named = params.get("GroupId") or params.get("GroupName")
            raise AwsError("InvalidGroup.NotFound", f"The security group '{named}' does not exist")
        return found

    def _with_ids(self, params: dict[str, Any]) -> dict[str, Any]:
        """Peers that are named by group name, with the ids of those groups (of the default VPC)."""
        if name := params.get("SourceSecurityGroupName"):
            pair = {"GroupId": self._group({"GroupName": name}).id}
            names = ("IpProtocol", "FromPort", "ToPort")
            single = {key: params[key] for key in names if key in params}
            return params | {"IpPermissions": [{"IpProtocol": "-1", **single, "UserIdGroupPairs": [pair]}]}
        for permission in params.get("IpPermissions", []):
            for pair in permission.get("UserIdGroupPairs", []):
                if "GroupId" not in pair and "GroupName" in pair:
                    pair["GroupId"] = self._group({"GroupName": pair["GroupName"]}).id
        return params

    def _check_peer(self, rule: Rule) -> None:
        if rule.kind == "GroupId" and self._backend.get_security_group_from_id(rule.peer) is None:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{rule.peer}' does not exist")
        if rule.kind == "PrefixListId" and not self._has_prefix_list(rule.peer):
            message = f"The prefix list ID '{rule.peer}' does not exist"
            raise AwsError("InvalidPrefixListID.NotFound", message)

    def _has_prefix_list(self, list_id: str) -> bool:
        return any(found.id == list_id for found in self._backend.managed_prefix_lists.values())

    def _in_default_vpc(self, group: Any) -> bool:
        default = self._backend.default_vpc
        return default is not None and group.vpc_id == default.id

    def _by_id(self, records: Iterable[Any], rule_id: str) -> Any:
        for record in records:
            if record.id == rule_id:
                return record
        message = f"The security group rule ID '{rule_id}' does not exist"
        raise AwsError("InvalidSecurityGroupRuleId.NotFound", message)


def _records(group: Any, *, egress: bool) -> list[Any]:
    records: list[Any] = group.egress_rules if egress else group.ingress_rules
    return records


def _all_records(group: Any) -> list[Any]:
    for record in group.ingress_rules:
        # Moto's own rules, and those that its CloudFormation makes, say egress by default.
        record.is_egress = False
    return [*group.ingress_rules, *group.egress_rules]


def _matches(record: Any, name: str, values: list[str]) -> bool:
    if name == "group-id":
        return record.group_id in values
    if name == "security-group-rule-id":
        return record.id in values
    tags = {tag["key"]: tag["value"] for tag in record.get_tags()}
    if name == "tag-key":
        return any(value in tags for value in values)
    if name.startswith("tag:"):
        return tags.get(name.removeprefix("tag:")) in values
    raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")


def _permission(rule: Rule) -> dict[str, Any]:
    members = {"CidrIp": "IpRanges", "CidrIpv6": "Ipv6Ranges", "GroupId": "UserIdGroupPairs"}
    permission: dict[str, Any] = {"IpProtocol": rule.protocol}
    if rule.from_port is not None:
        permission |= {"FromPort": rule.from_port, "ToPort": rule.to_port}
    return permission | {members.get(rule.kind, "PrefixListIds"): [{rule.kind: rule.peer}]}


def _rule_tags(params: dict[str, Any]) -> dict[str, str]:
    return {
        tag["Key"]: tag.get("Value", "")
        for specification in params.get("TagSpecifications", [])
        if specification.get("ResourceType") == "security-group-rule"
        for tag in specification.get("Tags", [])
    }


def _stop_dry_run(params: dict[str, Any]) -> None:
    if params.get("DryRun"):
        message = "Request would have succeeded, but DryRun flag is set."
        raise AwsError("DryRunOperation", message, 412)
