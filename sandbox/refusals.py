"""The errors that faults answer with, in each service's own spelling."""

from __future__ import annotations

from .faults import Fault, FaultKind
from .service import AwsError
from .wire import Protocol

BROKEN = frozenset({"InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable"})
"""No refusals: the service itself broke."""


def refusal(fault: Fault, protocol: Protocol, service: str) -> AwsError | None:
    """The error that a fault answers with, spelled as this service spells it; None if it has no error.

    Throttling: `ThrottlingException` (JSON), `RequestLimitExceeded` (EC2), `SlowDown` (S3), `Throttling`
    (query). Expired credentials: `ExpiredTokenException` (JSON), `RequestExpired` (EC2), `ExpiredToken`.
    """
    if fault.kind is FaultKind.THROTTLE:
        code, status = {
            Protocol.EC2: ("RequestLimitExceeded", 503),
            Protocol.QUERY: ("Throttling", 400),
            Protocol.REST: ("SlowDown" if service == "s3" else "ThrottlingException", 503),
        }.get(protocol, ("ThrottlingException", 400))
        return AwsError(code, fault.message or "Rate exceeded", status)
    if fault.kind is FaultKind.EXPIRE_CREDENTIALS:
        code, status = {
            Protocol.EC2: ("RequestExpired", 400),
            Protocol.QUERY: ("ExpiredToken", 403),
            Protocol.REST: ("ExpiredToken", 400),
        }.get(protocol, ("ExpiredTokenException", 400))
        return AwsError(code, "The security token included in the request is expired", status)
    if fault.kind is FaultKind.REFUSE:
        status = 500 if fault.code in BROKEN else 400
        return AwsError(fault.code, fault.message or f"refused on request by fault {fault.number}", status)
    return None
