"""CloudFormation as moto has it, put right: what stacks drop, deletions that fail, and the time they take.

Moto is changed in place, in the sandbox's own process: its CloudFormation reaches its EC2 by classes that can
only be corrected there.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_ip_addresses import ElasticAddress
from moto.ec2.models.instances import Instance, MetadataOptions
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import Route, RouteTable
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupIngress
from moto.ec2.models.subnets import SubnetRouteTableAssociation
from moto.ec2.models.vpn_gateway import VPCGatewayAttachment

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock

log = logging.getLogger(__name__)

#: Seconds of AWS time that a stack takes; a guess of the right size for the lab's stack.
STACK_SECONDS = {"CREATE_COMPLETE": 240.0, "UPDATE_COMPLETE": 90.0, "DELETE_COMPLETE": 240.0}


class StackTime:
    """How long stacks take, on the clock in force. Without a clock they are done at once."""

    def __init__(self) -> None:
        self.clock: Clock | None = None

    def over(self, status: str) -> float:
        """When a change that ends in this status is over, on the clock."""
        return self.clock.monotonic() + STACK_SECONDS.get(status, 0.0) if self.clock else 0.0

    def busy(self, over: float) -> bool:
        """Whether that time is still to come."""
        return self.clock is not None and self.clock.monotonic() < over


def put_right(time: StackTime, group_in_use: Callable[[str], bool]) -> None:
    """Correct moto. Call it once in a process.

    `group_in_use` tells whether something depends on a security group, which then can't be deleted.
    """
    _let_stacks_take_time(time)
    _keep_stacks_that_fail_to_go()
    _refuse_updates_of_nothing()
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


# Time


def _let_stacks_take_time(time: StackTime) -> None:
    def get_status(stack: Any) -> str:
        status: str = stack.__dict__["_sandbox_status"]
        busy = time.busy(stack.__dict__.get("_sandbox_over", 0.0))
        return status.replace("_COMPLETE", "_IN_PROGRESS") if busy else status

    def set_status(stack: Any, status: str) -> None:
        stack.__dict__["_sandbox_status"] = status
        if status in STACK_SECONDS:
            stack.__dict__["_sandbox_over"] = time.over(status)

    def get_events(stack: Any) -> list[Any]:
        events: list[Any] = stack.__dict__["_sandbox_events"]
        if not time.busy(stack.__dict__.get("_sandbox_over", 0.0)):
            return events
        last = next((e for e in reversed(events) if e.resource_status.endswith("_COMPLETE")), None)
        return [event for event in events if event is not last]

    def set_events(stack: Any, events: list[Any]) -> None:
        stack.__dict__["_sandbox_events"] = events

    def add_event(stack: Any, *args: Any, **kwargs: Any) -> None:
        shown, stack.__dict__["_sandbox_over"] = stack.__dict__.get("_sandbox_over", 0.0), 0.0
        original_add(stack, *args, **kwargs)
        stack.__dict__["_sandbox_over"] = shown

    original_add = Stack._add_stack_event  # noqa: SLF001 - the one place where moto appends events
    Stack.status = property(get_status, set_status)  # type: ignore[assignment]
    Stack.events = property(get_events, set_events)  # type: ignore[assignment]
    Stack._add_stack_event = add_event  # type: ignore[method-assign, assignment]  # noqa: SLF001

    describe = CloudFormationBackend.describe_stacks

    @functools.wraps(describe)
    def describe_stacks(self: Any, name_or_stack_id: str) -> list[Stack]:
        """A stack on its way out is still found by its name."""
        leaving = [stack for stack in self.deleted_stacks.values() if stack.status == "DELETE_IN_PROGRESS"]
        if not name_or_stack_id:
            return [*describe(self, name_or_stack_id), *leaving]
        named = [stack for stack in leaving if stack.name == name_or_stack_id]
        return named[-1:] or describe(self, name_or_stack_id)

    CloudFormationBackend.describe_stacks = describe_stacks  # type: ignore[method-assign]


def _keep_stacks_that_fail_to_go() -> None:
    delete = CloudFormationBackend.delete_stack

    @functools.wraps(delete)
    def delete_stack(self: Any, name_or_stack_id: str) -> None:
        found = [s for s in self.stacks.values() if name_or_stack_id in {s.name, s.stack_id}]
        try:
            delete(self, name_or_stack_id)
        except Exception as error:
            if not found:
                raise
            log.exception("stack %s could not be deleted", name_or_stack_id)
            stack = found[0]
            self.stacks[stack.stack_id] = stack
            reason = str(getattr(error, "message", "") or error)
            stack._add_stack_event("DELETE_FAILED", resource_status_reason=reason)  # noqa: SLF001
            stack.status = "DELETE_FAILED"

    CloudFormationBackend.delete_stack = delete_stack  # type: ignore[method-assign]


def _refuse_updates_of_nothing() -> None:
    update = CloudFormationBackend.update_stack

    @functools.wraps(update)
    def update_stack(self: Any, name: str, template: str, *args: Any, **kwargs: Any) -> Stack:
        stack = self.get_stack(name)
        if stack.status.endswith("_IN_PROGRESS"):
            message = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            raise ValidationError(stack.stack_id, message=message)
        given = {p["ParameterKey"]: p.get("ParameterValue") for p in kwargs["parameters"]}
        kept = {key for key, value in given.items() if value is None}
        wanted = {key: stack.parameters.get(key) if key in kept else given[key] for key in given}
        tags = kwargs.get("tags")
        if (
            _same_template(stack, template)
            and _with_defaults(stack, wanted) == _with_defaults(stack, stack.parameters)
            and (tags is None or tags == stack.tags)
        ):
            raise ValidationError(stack.stack_id, message="No updates are to be performed.")
        return update(self, name, template, *args, **kwargs)

    CloudFormationBackend.update_stack = update_stack  # type: ignore[method-assign]


def _same_template(stack: Any, template: str) -> bool:
    return bool(stack.template.strip() == template.strip())


def _with_defaults(stack: Any, given: dict[str, Any]) -> dict[str, str]:
    declared = stack.template_dict.get("Parameters") or {}
    return {name: str(given.get(name, declared[name].get("Default"))) for name in declared}


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
        delete(ec2_backends[account_id][region_name], self)

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
