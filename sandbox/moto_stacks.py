"""The resources of moto's CloudFormation, put right: what stacks drop, and deletions that fail.

Moto is changed in place, in the sandbox's own process: its CloudFormation reaches its EC2 by classes that can
only be corrected there.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from moto.cloudformation import parsing
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_ip_addresses import ElasticAddress
from moto.ec2.models.instances import Instance, MetadataOptions
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import Route, RouteTable
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupIngress
from moto.ec2.models.subnets import SubnetRouteTableAssociation
from moto.ec2.models.vpn_gateway import VPCGatewayAttachment

from .moto_stack_protection import put_protection_right
from .moto_stack_time import StackTime, put_stacks_right
from .moto_stack_tokens import put_tokens_right

if TYPE_CHECKING:
    from collections.abc import Callable


def put_right(time: StackTime, group_in_use: Callable[[str], bool]) -> None:
    """Correct moto. Call it once in a process.

    `group_in_use` tells whether something depends on a security group, which then can't be deleted.
    """
    put_stacks_right(time)
    put_tokens_right()
    put_protection_right()
    _know_own_zones()
    _wrap_class_method(Instance, _instance_made)
    _wrap_class_method(SecurityGroupIngress, _ingress_made)
    _wrap_class_method(RouteTable, _route_table_made)
    _wrap_class_method(SubnetRouteTableAssociation, _association_made)
    deletions: dict[type, Callable[[Any, Any], object]] = {
        RouteTable: lambda ec2, it: ec2.delete_route_table(it.id),
        Route: lambda ec2, it: ec2.delete_route(it.route_table.id, it.destination_cidr_block),
        SubnetRouteTableAssociation: _dissociate,
        NatGateway: lambda ec2, it: ec2.delete_nat_gateway(it.id),
        ElasticAddress: lambda ec2, it: ec2.release_address(allocation_id=it.allocation_id),
        VPCGatewayAttachment: _detach,
        InternetGateway: lambda ec2, it: ec2.delete_internet_gateway(it.id),
        SecurityGroupIngress: _revoke,
    }
    for kind, delete in deletions.items():
        _give_delete(kind, delete)

    def delete_group(self: SecurityGroup, account_id: str, region_name: str) -> None:
        if group_in_use(self.id):
            raise DependencyViolationError(f"resource {self.id} has a dependent object")
        ec2_backends[account_id][region_name].delete_security_group(group_id=self.id)

    SecurityGroup.delete = delete_group  # type: ignore[method-assign]


# What stacks drop


def _know_own_zones() -> None:
    """Fn::GetAZs of "" is the stack's own Region, not us-east-1, and its argument may be a Ref."""
    clean = parsing.clean_json

    @functools.wraps(clean)
    def clean_json(resource_json: Any, resources_map: Any) -> Any:
        if isinstance(resource_json, dict) and "Fn::GetAZs" in resource_json:
            region = clean(resource_json["Fn::GetAZs"], resources_map) or resources_map["AWS::Region"]
            return clean({"Fn::GetAZs": region}, resources_map)
        return clean(resource_json, resources_map)

    parsing.clean_json = clean_json


def _wrap_class_method(kind: Any, after: Callable[[Any, Any, dict[str, Any]], None]) -> None:
    """Let `after` (EC2's books, the new resource, its properties) put right what moto dropped."""
    original = kind.create_from_cloudformation_json.__func__

    @functools.wraps(original)
    def create(
        cls: Any,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> Any:
        made = original(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        after(ec2_backends[account_id][region_name], made, cloudformation_json["Properties"])
        return made

    kind.create_from_cloudformation_json = classmethod(create)  # type: ignore[arg-type]


def _instance_made(ec2: Any, instance: Any, properties: dict[str, Any]) -> None:
    if groups := properties.get("SecurityGroupIds"):
        ec2.modify_instance_security_groups(instance.id, groups)
    if options := properties.get("MetadataOptions"):
        instance.metadata_options = MetadataOptions(options)


def _ingress_made(_: Any, ingress: Any, properties: dict[str, Any]) -> None:
    """Remember which rule the resource stands for, and give it its description."""
    record = ingress.security_group.ingress_rules[-1]
    record.is_egress = False
    ingress.__dict__["_sandbox_rule"] = record
    if text := properties.get("Description"):
        holder = record.source_group or record.ip_range
        holder["Description"] = text


def _route_table_made(_: Any, table: Any, properties: dict[str, Any]) -> None:
    for tag in properties.get("Tags", []):
        table.add_tag(tag["Key"], tag["Value"])


def _association_made(ec2: Any, association: Any, properties: dict[str, Any]) -> None:
    made = ec2.associate_route_table(properties["RouteTableId"], subnet_id=properties["SubnetId"])
    association.__dict__["_sandbox_association"] = made


# Deletions


def _give_delete(kind: Any, delete: Callable[[Any, Any], object]) -> None:
    def run(self: Any, account_id: str, region_name: str) -> None:
        try:
            delete(ec2_backends[account_id][region_name], self)
        except EC2ClientError as error:
            # As in CloudFormation, what went with something else (a route with its table) counts as deleted.
            if not error.code.endswith(".NotFound"):
                raise

    kind.delete = run


def _dissociate(ec2: Any, association: Any) -> None:
    ec2.disassociate_route_table(association.__dict__["_sandbox_association"])


def _detach(ec2: Any, attachment: Any) -> None:
    for gateway in list(ec2.internet_gateways.values()):
        if gateway.vpc and gateway.vpc.id == attachment.vpc_id:
            ec2.detach_internet_gateway(gateway.id, attachment.vpc_id)


def _revoke(_: Any, ingress: Any) -> None:
    doomed = ingress.__dict__["_sandbox_rule"]
    group = ingress.security_group
    group.ingress_rules = [record for record in group.ingress_rules if record.id != doomed.id]
