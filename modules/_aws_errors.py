"""AWS's refusals as our errors, by the code that AWS gives."""

from __future__ import annotations

from runbook.errors import Failed, RunbookError, Stopped

UNKNOWN_THROTTLING = frozenset({"APICallRateForCustomerExceededFault"})
"""Throttling that botocore takes for a plain refusal (fact 25)."""

THROTTLING = UNKNOWN_THROTTLING | {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "EC2ThrottledException",
}
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
UNACCEPTED = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "AuthFailure",
        "InvalidAccessKeyId",
        "MissingAuthenticationToken",
        "OptInRequired",
    }
)
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationErrorException"}
)

READS = ("Describe", "List", "Get", "Head", "Lookup", "Validate")
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


def refusal(service: str, operation: str, code: str, text: str) -> RunbookError:
    """What a refusal with that code means: nothing happened, and what to do about it."""
    if code in THROTTLING:
        return Throttled(service, operation, code)
    if code in EXPIRED:
        return Stopped("The AWS credentials have expired; everything so far is recorded.", hint=RENEW)
    if code in UNACCEPTED:
        return Stopped(f"AWS does not accept the credentials any more ({code}: {text}).", hint=RENEW)
    if code in DENIED:
        hint = f"Allow the IAM action {service}:{operation}, or use another profile or role (`aws:`)."
        return ServiceError(service, operation, code, text, hint=hint)
    return ServiceError(service, operation, code, text)
