"""Who may ask the sandbox: programs of its operator, and neither web pages nor other users of the machine.

The port is on loopback, but a browser on this machine reaches it for any page (also under a name that the page's
owner lets point to 127.0.0.1), and so does every other user. What Systems Manager runs sees all that the operator
sees, so each sandbox has credentials of its own, in a file that its operator alone may read.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from .service import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKEN_HEADER = "X-Runbook-Sandbox"  # noqa: S105 - a header's name
"""Carries the secret key on the control path."""

_WEB = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_SEC_FETCH_MODE")
_HERE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials of one sandbox. Signatures are not checked: who knows the id is let in."""

    access_key_id: str
    secret_access_key: str


def new_keys() -> Keys:
    """Credentials that nobody can guess."""
    return Keys(f"SANDBOX{secrets.token_hex(16).upper()}", secrets.token_hex(20))


def stranger(environ: Mapping[str, Any]) -> str:
    """Why a request is not from a program that means the sandbox; empty if it may be."""
    if any(name in environ for name in _WEB):
        return "the sandbox serves programs, not web pages"
    host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
    if host not in _HERE and not host.endswith(".localhost"):
        return f"the sandbox is reached as 127.0.0.1, not as {host!r}"
    return ""


def holds_token(environ: Mapping[str, Any], keys: Keys) -> bool:
    """Whether a request on the control path comes from who can read the sandbox's contact file."""
    given: str = environ.get("HTTP_" + TOKEN_HEADER.upper().replace("-", "_"), "")
    return secrets.compare_digest(given.encode(), keys.secret_access_key.encode())


def check_caller(environ: Mapping[str, Any], keys: Keys, issued: Callable[[str], bool]) -> None:
    """Raise AwsError, as AWS refuses, for a call that is signed by nobody or by someone else.

    `issued` tells whether the sandbox gave out another key id: for a role that was assumed, for a user.
    """
    given = _key_id(environ)
    if not given:
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    known = secrets.compare_digest(given.encode(), keys.access_key_id.encode())
    if not known and not issued(given):
        message = (
            "The security token included in the request is invalid: the credentials of this sandbox are told by "
            "`runbook sandbox status`"
        )
        raise AwsError("UnrecognizedClientException", message, 403)


def _key_id(environ: Mapping[str, Any]) -> str:
    """Who signed: in the header, or in the query of a presigned address."""
    header: str = environ.get("HTTP_AUTHORIZATION", "")
    _, signed, scope = header.partition("Credential=")
    if not signed:
        scope = dict(parse_qsl(environ.get("QUERY_STRING", ""))).get("X-Amz-Credential", "")
    return scope.split("/")[0].strip()
