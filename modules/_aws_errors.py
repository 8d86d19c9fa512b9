"""AWS's refusals as our errors, by the code that AWS gives."""

from __future__ import annotations

from runbook.errors import Failed, InDoubt, RunbookError, Stopped, Unreachable

from ._aws_meanings import denied, meaning

UNKNOWN_THROTTLING = frozenset({"APICallRateForCustomerExceededFault"})
"""Throttling that botocore takes for a plain refusal (fact 25)."""

THROTTLING = UNKNOWN_THROTTLING | {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
TOO_MANY_REQUESTS = 429
"""HTTP's own word for it."""

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
UNACCEPTED = frozenset(
    {
        "AuthFailure",
        "AuthorizationHeaderMalformed",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "OptInRequired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
BROKEN = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceError",
        "InternalServiceException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Unavailable",
    }
)
"""The service broke off. As with any answer of 500 and above, what was asked for may have been done."""

NO_CAPACITY = "Insufficient"
"""How EC2's codes begin of refusals with 500 that are meant: there is nothing to give."""

DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationErrorException"}
)

READS = ("Describe", "List", "Get", "Head", "Lookup", "Validate", "Assume")
"""How the names of calls begin that change nothing: an unanswered one leaves no doubt."""

RENEW = "Renew them (`aws sso login`, or a new pair of keys), then run `runbook resume`."


class ServiceError(Failed):
    """The service refused a call: nothing happened. `code` is AWS's name of the reason, `text` its words."""

    def __init__(
        self, service: str, operation: str, code: str, text: str, *, hint: str | None = None
    ) -> None:
        super().__init__(f"{service} {operation} was refused: {code}: {text}", hint=hint)
        self.service = service
        self.operation = operation
        self.code = code
        self.text = text


class Throttled(Stopped):
    """The service asked to slow down for longer than we retry: nothing happened."""

    def __init__(self, service: str, operation: str, code: str) -> None:
        super().__init__(
            f"{service} {operation} is called too often by this account ({code}), and waiting did not help.",
            hint="Run `runbook resume` later, or with fewer `--forks`.",
        )
        self.code = code


def refusal(service: str, operation: str, code: str, text: str, status: int = 0) -> RunbookError:
    """What an error that the service answered means, and what to do about it. `status`: HTTP's number of it.

    A refusal proves that nothing happened; a service that broke off proves nothing.
    """
    if code in THROTTLING or status == TOO_MANY_REQUESTS:
        return Throttled(service, operation, code)
    if code in EXPIRED:
        return Stopped("The AWS credentials have expired; everything so far is recorded.", hint=RENEW)
    if code in UNACCEPTED:
        hint = " ".join(filter(None, (meaning(code), RENEW)))
        return Stopped(f"AWS does not accept the credentials any more ({code}: {text}).", hint=hint)
    if code in BROKEN or (status >= 500 and not code.startswith(NO_CAPACITY)):
        return unanswered(service, operation, f": {code}: {text}")
    if code in DENIED:
        return ServiceError(service, operation, code, text, hint=denied(service, operation, text))
    return ServiceError(service, operation, code, text, hint=meaning(code))


def unanswered(service: str, operation: str, why: str) -> RunbookError:
    """What it means that a call was sent and nobody knows what came of it."""
    if operation.startswith(READS):
        return Unreachable(f"{service} {operation} got no answer{why}", hint="`runbook resume` goes on.")
    return InDoubt(f"{service} {operation} got no answer, and may have been carried out{why}")
