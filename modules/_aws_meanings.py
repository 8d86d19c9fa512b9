"""What AWS's words mean in plain ones, and what to do: a table of the codes that people really meet."""

from __future__ import annotations

import re

_ACTION = re.compile(r"not authorized to perform:? ?([A-Za-z0-9-]+:[A-Za-z0-9]+)")
_RESOURCE = re.compile(r"on resource: (\S+)")
_POLICY = re.compile(r"explicit deny in (?:an? |the )?([a-z][a-z -]*?(?:policy|boundary))", re.IGNORECASE)
_ENCODED = "Encoded authorization failure message"

_QUOTA = (
    "The account's quota for this is used up. Delete what is not needed, or ask for more (Service Quotas in the "
    "console), then go on."
)
_CAPACITY = (
    "AWS has no such capacity there right now; it is no fault of the account. Go on later, or take another type or "
    "other Availability Zones."
)
_GONE = (
    "There is nothing of that name in this account and Region. Look at the name, the profile and the Region."
)
_THERE = "Something of that name is there already. Take another name, or find out whose it is."
_BUSY = "It is being changed at the moment, and takes no other change meanwhile. Go on when it is available again."
_ARGUMENT = "AWS does not take an argument as it is; its message says which one."
_UNKNOWN_KEY = (
    "AWS does not know this access key: it was deleted, belongs to another partition, or its session token is "
    "missing."
)
_WRONG_SECRET = "The secret key is not that of the access key, or the clock of this machine is wrong."  # noqa: S105 (words)

_CODES: dict[str, str] = {
    "DependencyViolation": "Something still uses it: an instance, a network interface, a rule of another group, a "
    "route table. Remove that first, or wait until it is gone, then go on.",
    "InvalidPermission.Duplicate": "A rule with the same protocol, ports and peer is there already; its "
    "description does not tell rules apart.",
    "InvalidPermission.NotFound": "There is no such rule any more.",
    "InvalidGroup.InUse": "Something still uses this group. Remove that first, then go on.",
    "SubnetNotAllowedFault": "One of the subnets lies in an Availability Zone that MemoryDB does not offer. Take "
    "subnets of other zones.",
    "SubnetInUse": "A cluster still has nodes there. Go on when it is gone.",
    "SubnetGroupInUseFault": "A cluster still uses it; one that is being deleted does, too. Go on when it is gone.",
    "ServiceLinkedRoleNotFoundFault": "MemoryDB is used for the first time in this account, and may not make its "
    "role. Allow iam:CreateServiceLinkedRole, or create the role once: aws iam create-service-linked-role "
    "--aws-service-name memorydb.amazonaws.com",
    "InvalidInstanceId": "Systems Manager does not know this instance as one that runs: it is stopped, in another "
    "Region, or its agent has not registered (instance role, route to the service). A new one needs some minutes.",
    "TargetNotConnected": "The instance's agent is not ready for sessions yet. Go on in a minute or two.",
    "InvocationDoesNotExist": "Systems Manager has not heard of this command on this instance yet.",
    "InvalidDocument": "There is no document of that name in this Region.",
    "NoSuchBucket": _GONE,
    "ResourceNotFoundException": _GONE,
    "ParameterNotFound": _GONE,
    "ResourceInUseException": "Something still uses it. Remove that first, then go on.",
    "LimitExceededException": _QUOTA,
    "ServiceQuotaExceededException": _QUOTA,
    "NoOperationFault": "There is nothing to change: it is so already.",
    "InsufficientCapabilitiesException": "The stack makes IAM resources: the template needs `capabilities`.",
    "ValidationError": _ARGUMENT,
    "ValidationException": _ARGUMENT,
    "MalformedPolicyDocument": "The policy is no valid JSON policy document.",
    # credentials that AWS does not take
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidAccessKeyId": "AWS does not know this access key: it was deleted, or belongs to another partition.",
    "SignatureDoesNotMatch": _WRONG_SECRET,
    "InvalidSignatureException": _WRONG_SECRET,
    "RequestTimeTooSkewed": "The clock of this machine is wrong: set it, then go on.",
    "OptInRequired": "The account is not signed up for this service, or the Region is not enabled for it.",
}
_ENDINGS: tuple[tuple[str, str], ...] = (
    ("QuotaForCustomerExceededFault", _QUOTA),
    ("QuotaForClusterExceededFault", _QUOTA),
    ("QuotaExceededFault", _QUOTA),
    ("QuotaExceeded", _QUOTA),
    ("LimitExceeded", _QUOTA),
    ("LimitExceededFault", _QUOTA),
    ("AlreadyExistsFault", _THERE),
    ("AlreadyExistsException", _THERE),
    ("AlreadyExists", _THERE),
    ("NotFoundFault", _GONE),
    (".NotFound", _GONE),
    ("StateFault", _BUSY),
    ("IncorrectState", _BUSY),
    ("IncorrectInstanceState", _BUSY),
)


def meaning(code: str) -> str | None:
    """What a refusal with that code means and what to do; None: its own words must do."""
    if code in _CODES:
        return _CODES[code]
    if code.startswith("Insufficient") and "Capacity" in code:
        return _CAPACITY
    if code.startswith("InvalidParameter"):
        return _ARGUMENT
    return next((told for ending, told in _ENDINGS if code.endswith(ending)), None)


def denied(service: str, operation: str, text: str) -> str:
    """What to do about a call that IAM does not allow. The action is taken from AWS's own words: a call may need
    another one than its own (`iam:PassRole`)."""
    found = _ACTION.search(text)
    action = found[1] if found else f"{service}:{operation}"
    resource = _RESOURCE.search(text)
    where = f" on {resource[1].rstrip('.,')}" if resource else ""
    policy = _POLICY.search(text)
    if policy:
        return (
            f"Somebody forbade {action}{where} on purpose, in a {policy[1].lower()}: no other policy can allow it. "
            "Ask whoever runs the account, or use another profile or role (`aws:`)."
        )
    told = f"Allow the IAM action {action}{where}, or use another profile or role (`aws:`)."
    if not found and _ENCODED in text:
        told += " `aws sts decode-authorization-message --encoded-message ...` tells what was missing."
    return told


def out_of_reach(reason: str, endpoint: str) -> str:
    """What to do when a service can't be reached. `reason`: the network's own words."""
    if any(sign in endpoint for sign in ("//127.", "//localhost", "//[::1]")):
        return "Nothing answers on this machine. Is the sandbox running? `runbook sandbox status`."
    if any(
        sign in reason for sign in ("getaddrinfo", "NameResolution", "resolve", "Name or service not known")
    ):
        return (
            "Its name is not found: no network, no VPN, or a Region that is misspelled or lacks the service. Put "
            "it right, then run `runbook resume`."
        )
    return "Check the network, the VPN and the proxy (HTTPS_PROXY), then run `runbook resume`."
