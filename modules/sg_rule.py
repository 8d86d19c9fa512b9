"""One rule of a security group: there, or not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import (
    CONTRACT_VERSION,
    Absent,
    Context,
    Finding,
    Intent,
    Landed,
    Permissions,
    Ready,
    Undo,
    UndoAnswer,
    Unsure,
    Waiting,
)
from runbook.model import Action, Change
from runbook.values import Unknown

from . import _sg_rules as rules
from ._aws import tag_list
from ._aws_errors import ServiceError
from ._effects import once, settled, shows
from ._memorydb_states import RUN_TAG, STEP_TAG
from ._sg_arguments import Arguments, identity_of, ports_text, traffic
from ._sg_rules import Identity, Stored

SETTLE = 20.0
"""Seconds after which a change of a rule shows in what EC2 describes (inferred: "a small delay is possible")."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, in the operator's words."""

    id: Annotated[Any, Meta(description="Its id (`sgr-...`).")]
    group: Annotated[str, Meta(description="The group that has it.")]
    direction: Annotated[str, Meta(description="ingress or egress.")]
    protocol: Annotated[str, Meta(description="tcp, udp, icmp, icmpv6, a number, or -1 for all.")]
    ports: Annotated[str, Meta(description="Such as `6379`, `8000-8080`, or `all`.")]
    peer: Annotated[str, Meta(description="The other end.")]
    description: Annotated[str, Meta(description="Its description.")] = ""
    tags: Annotated[dict[str, str], Meta(description="Its tags.")] = msgspec.field(default_factory=dict)


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The rule as it is now."""

    rule: Annotated[Rule | None, Meta(description="The rule; null when it is absent.")] = None
    adopted: Annotated[bool, Meta(description="It was there already, made by someone else.")] = False


class SgRule:
    """One rule of an EC2 security group, ingress or egress.

    Only this one rule is looked at and touched: an equal rule that is there already is adopted, all others stay.

    Example::

        - name: The instance lets the cluster in
          sg_rule:
            group: EC2SecurityGroup
            direction: ingress
            protocol: tcp
            port: 6379
            peer: {security_group: MemoryDBSecurityGroup}
            description: Valkey from the cluster

    Notes:

    * A rule is the same rule when group, direction, protocol, ports and peer agree. Description and tags are not
      part of that: another description changes the rule that is there.
    * EC2 keeps CIDR blocks in their canonical form: 100.68.0.18/18 is 100.68.0.0/18.
    * Protocol -1, and any but tcp, udp, icmp and icmpv6, opens all ports, so ports with it are refused.
    * A dry run asks EC2 whether the call would be allowed (its own DryRun).
    * A rule that this run added carries the run and the step as tags: a run that was killed knows it again.
    * EC2 allows 60 rules in each direction of a group by default.
    """

    contract_version: ClassVar[int] = CONTRACT_VERSION
    Params: ClassVar[type[Arguments]] = Arguments
    Result: ClassVar[type[Output]] = Output
    permissions: ClassVar[Permissions] = Permissions(
        read=(
            "ec2:DescribeManagedPrefixLists",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeVpcs",
        ),
        write=(
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateTags",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
            "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
        ),
    )

    def resource(self, params: Arguments) -> str | None:
        """The rule by its identity, as the operator names it."""
        protocol, first, last = traffic(params)
        peer = (
            params.peer.security_group or params.peer.prefix_list or rules.canonical(params.peer.cidr or "")
        )
        within = f"{params.vpc}/" if params.vpc else ""
        return (
            f"ec2:rule/{within}{params.group}/{params.direction}/{protocol}/{ports_text(first, last)}/{peer}"
        )

    def observe(self, ctx: Context, params: Arguments) -> Rule | None:
        """The rule, or None. Raises Failed for a group or peer that is not there, and when EC2 says that what would
        have to be called is not allowed."""
        identity = identity_of(ctx, params)
        stored = rules.find(ctx, identity)
        _ask_permission(ctx, params, identity, stored)
        return None if stored is None else _told(params, stored)

    def plan(self, params: Arguments, observed: Rule | None) -> Change:
        """What differs."""
        resource = self.resource(params)
        if params.state == "absent":
            if observed is None:
                return Change(
                    action=Action.NONE, resource=resource, result=Output(), reason="there is no such rule"
                )
            return Change(
                action=Action.DELETE,
                resource=resource,
                before=observed,
                result=Output(),
                reason="it is to be absent",
            )
        if observed is None:
            after = _wanted(params, Unknown(f"{resource} id"))
            return Change(
                action=Action.CREATE,
                resource=resource,
                after=after,
                result=Output(rule=after),
                reason="there is no such rule",
            )
        differing = _differing(params, observed)
        after = _wanted(params, observed.id, observed)
        return Change(
            action=Action.UPDATE if differing else Action.NONE,
            resource=resource,
            before=observed,
            after=after,
            result=Output(rule=after),
            reason=f"other {' and '.join(differing)} asked for" if differing else "",
        )

    def apply(self, ctx: Context, params: Arguments, change: Change) -> Output:
        """Add, change or remove the rule, and read it back."""
        identity = identity_of(ctx, params)
        if change.action is Action.DELETE:
            _remove(ctx, identity)
            return Output()
        adopted = False
        if change.action is Action.CREATE:
            adopted = not _add(ctx, params, identity)
        stored = _wait(ctx, identity)
        differing = _differing(params, _told(params, stored))
        if differing:
            _change(ctx, params, stored, differing)
            stored = _wait(ctx, identity, lambda rule: not _differing(params, _told(params, rule)))
        return Output(rule=_told(params, stored), adopted=adopted)

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        """Remove the rule that was added, add the one that was removed, put description and tags back."""
        about = {name: value for name, value in arguments.items() if name not in _NOT_IDENTITY}
        before = change.before
        if before is None:
            return Undo(arguments={**about, "state": "absent"})
        described = {"description": before["description"], "tags": before["tags"]}
        if change.after is None:
            return Undo(arguments={**about, **described}, left="the rule gets another id")
        more = [name for name in change.after["tags"] if name not in before["tags"]]
        return Undo(arguments={**about, **described}, left=f"tags stay: {', '.join(more)}" if more else "")


_NOT_IDENTITY = frozenset({"description", "tags", "state"})

# ---------------------------------------------------------------- what is there


def _told(params: Arguments, stored: Stored) -> Rule:
    """A stored rule in the operator's words."""
    tags = {key: value for key, value in stored.tags.items() if key not in (RUN_TAG, STEP_TAG)}
    return msgspec.structs.replace(_wanted(params, stored.id), description=stored.description, tags=tags)


def _wanted(params: Arguments, identity: Any, there: Rule | None = None) -> Rule:
    """The rule as it is to be; what is not declared stays as it is."""
    protocol, first, last = traffic(params)
    peer = params.peer.security_group or params.peer.prefix_list or rules.canonical(params.peer.cidr or "")
    kept_text, kept_tags = (there.description, there.tags) if there else ("", {})
    return Rule(
        id=identity,
        group=params.group,
        direction=params.direction,
        protocol=protocol,
        ports=ports_text(first, last),
        peer=peer,
        description=kept_text if params.description is None else params.description,
        tags={**kept_tags, **(params.tags or {})},
    )


def _differing(params: Arguments, there: Rule) -> list[str]:
    differing = []
    if params.description is not None and params.description != there.description:
        differing.append("description")
    if any(there.tags.get(key) != value for key, value in (params.tags or {}).items()):
        differing.append("tags")
    return differing


def _ask_permission(ctx: Context, params: Arguments, identity: Identity, stored: Stored | None) -> None:
    """Let EC2 say in the plan already when the change would not be allowed."""
    ec2 = ctx.client("ec2")
    if params.state == "absent":
        if stored is not None:
            rules.may(lambda **dry: rules.revoke(ec2, stored, **dry))
    elif stored is None:
        asked = [rules.permission(identity, params.description)]
        rules.may(lambda **dry: rules.authorize(ec2, identity, IpPermissions=asked, **dry))
    elif "description" in _differing(params, _told(params, stored)):
        rules.may(lambda **dry: rules.describe(ec2, stored, params.description or "", **dry))


# ---------------------------------------------------------------- changing it


def _add(ctx: Context, params: Arguments, identity: Identity) -> bool:
    """Add the rule; False when an equal one is there already, which is adopted (fact 32)."""

    def call(intent: Intent) -> bool:
        tags = {**(params.tags or {}), RUN_TAG: ctx.run, STEP_TAG: intent.token}
        specification = [{"ResourceType": "security-group-rule", "Tags": tag_list(tags)}]
        asked = {
            "IpPermissions": [rules.permission(identity, params.description)],
            "TagSpecifications": specification,
        }
        try:
            once(ctx, "ec2", lambda ec2: rules.authorize(ec2, identity, **asked))
        except ServiceError as error:
            if error.code != rules.DUPLICATE:
                raise
            made = _fresh(ctx, identity)
            return made is not None and _is_ours(made, intent)
        return True

    def find(intent: Intent) -> Finding[bool]:
        made = _fresh(ctx, identity)
        if made is not None:
            return Landed(_is_ours(made, intent))
        return Absent() if settled(ctx, intent, SETTLE) else Unsure("a rule just added may not show yet")

    return ctx.effect("authorize", call, find=find)


def _is_ours(rule: Stored, intent: Intent) -> bool:
    """Whether this step added it, with whichever of its tries."""
    return rule.tags.get(STEP_TAG, "").rpartition(" ")[0] == intent.token.rpartition(" ")[0]


def _change(ctx: Context, params: Arguments, stored: Stored, differing: list[str]) -> None:
    def describe(_intent: Intent) -> None:
        once(ctx, "ec2", lambda ec2: rules.describe(ec2, stored, params.description or ""))

    def tag(_intent: Intent) -> None:
        tags = tag_list(params.tags or {})
        once(ctx, "ec2", lambda ec2: ec2.create_tags(Resources=[stored.id], Tags=tags))

    def find(what: str) -> Callable[[Intent], Finding[None]]:
        def look(intent: Intent) -> Finding[None]:
            there = _fresh(ctx, stored.identity)
            landed = there is not None and what not in _differing(params, _told(params, there))
            return shows(landed, ctx, intent, SETTLE)

        return look

    if "description" in differing:
        ctx.effect("describe", describe, find=find("description"))
    if "tags" in differing:
        ctx.effect("tag", tag, find=find("tags"))


def _remove(ctx: Context, identity: Identity) -> None:
    stored = _fresh(ctx, identity)
    if stored is None:
        return

    def call(_intent: Intent) -> None:
        try:
            once(ctx, "ec2", lambda ec2: rules.revoke(ec2, stored))
        except ServiceError as error:
            if error.code not in rules.GONE:
                raise

    def find(intent: Intent) -> Finding[None]:
        return shows(_fresh(ctx, identity) is None, ctx, intent, SETTLE)

    ctx.effect("revoke", call, find=find)

    def look() -> Waiting | Ready[None]:
        return Waiting("still there") if _fresh(ctx, identity) else Ready(None)

    ctx.poll("security group rule", look, timeout=60, interval=1, longest=10)


def _wait(ctx: Context, identity: Identity, ready: Callable[[Stored], bool] = lambda _: True) -> Stored:
    """The rule, once EC2 tells of it as it is to be (a small delay is possible: fact 35)."""

    def look() -> Waiting | Ready[Stored]:
        found = _fresh(ctx, identity)
        if found is None:
            return Waiting("not there yet")
        return Ready(found) if ready(found) else Waiting("not as asked for yet")

    return ctx.poll("security group rule", look, timeout=60, interval=1, longest=10)


def _fresh(ctx: Context, identity: Identity) -> Stored | None:
    return next((rule for rule in rules.fetch(ctx, identity.group) if rule.identity == identity), None)
