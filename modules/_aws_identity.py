"""Who the calls are made as, in sentences for a person: whose credentials, and why they can't be used."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.contract import Identity, Target
from runbook.errors import CredentialsError, RunbookError, Stopped, Unreachable

from ._aws_errors import EXPIRED, UNACCEPTED, Throttled
from ._aws_meanings import meaning

if TYPE_CHECKING:
    from botocore.session import Session

LATER = "Nothing was done yet. The same command goes on from here."


def who(target: Target) -> str:
    """Whose credentials a target uses."""
    if target.profile:
        return f"profile '{target.profile}'"
    return "the sandbox" if target.access_key_id else "the default profile"


def ends(session: Session) -> datetime | None:
    """When the credentials of a session end that nothing renews: keys that say so, and an `aws sso login` without a
    refresh token."""
    credentials = session.get_credentials()
    method = getattr(credentials, "method", "")
    if method == "env":
        return _moment(os.environ.get("AWS_CREDENTIAL_EXPIRATION", ""))
    if method == "sso":
        return _end_of_login(session)
    if method == "shared-credentials-file":  # saml2aws and its like write it there
        return _moment(str(session.get_scoped_config().get("x_security_token_expires", "")))
    return None


def _end_of_login(session: Session) -> datetime | None:
    """Of the token that `aws sso login` left behind."""
    from botocore.exceptions import SSOTokenLoadError
    from botocore.utils import JSONFileCache, SSOTokenLoader

    config = session.get_scoped_config()
    name = config.get("sso_session")
    known = session.full_config.get("sso_sessions", {}).get(name, {}) if name else config
    folder = Path.home() / ".aws" / "sso" / "cache"
    try:
        token = SSOTokenLoader(cache=JSONFileCache(str(folder)))(
            known.get("sso_start_url", ""), session_name=name
        )
    except SSOTokenLoadError:
        return None
    return None if token.get("refreshToken") else _moment(str(token.get("expiresAt", "")))


def _moment(text: str) -> datetime | None:
    """A time as the tools write it; one that nobody can read is none."""
    try:
        at = datetime.fromisoformat(text.removesuffix("UTC").strip())
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def checked(identity: Identity, target: Target) -> Identity:
    """The identity. Raises CredentialsError when it is of an account that is not allowed."""
    if target.allowed_account_ids and identity.account not in target.allowed_account_ids:
        allowed = ", ".join(target.allowed_account_ids)
        raise CredentialsError(
            f"These are credentials of account {identity.account} ({identity.arn}), "
            f"and allowed_account_ids names only {allowed}."
        )
    return identity


def not_identified(error: Exception, general: RunbookError | None, target: Target) -> RunbookError | None:
    """Why it can't be told who we are: Stopped when the same will work later, CredentialsError when it will not.

    `general`: what the error means elsewhere; None, and no error of the SDK: None.
    """
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
        return CredentialsError(
            f"No AWS credentials found for {who(target)}: run `aws configure` or `aws sso login`, set AWS_PROFILE "
            "or AWS_ACCESS_KEY_ID, or rehearse in the sandbox."
        )
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        if isinstance(general, Stopped | Unreachable):
            return Stopped(general.message, hint=f"{_first(general.hint)}{LATER}")
        return None if general is None else CredentialsError(general.message)
    code, text = response.get("Error", {}).get("Code", ""), response.get("Error", {}).get("Message", "")
    return _refused(code, text, getattr(error, "operation_name", ""), general, target)


def _refused(
    code: str, text: str, operation: str, general: RunbookError | None, target: Target
) -> RunbookError:
    if code in EXPIRED:
        return Stopped(
            f"The AWS credentials of {who(target)} have expired: run `aws sso login`, or fetch a new pair of keys.",
            hint=LATER,
        )
    if isinstance(general, Throttled | Unreachable):
        return Stopped(general.message, hint=LATER)
    if code in UNACCEPTED:
        advice = meaning(code) or "Check the keys and the clock of this machine."
        return CredentialsError(f"AWS does not accept the credentials of {who(target)} ({code}). {advice}")
    if operation == "AssumeRole":
        return CredentialsError(
            f"The role {target.role_arn} can't be assumed with the credentials of {who(target)} ({code}): {text}"
        )
    return CredentialsError(
        f"AWS does not say who the credentials of {who(target)} belong to ({code}): {text}"
    )


def _first(hint: str | None) -> str:
    """What a hint says before it comes to how to go on."""
    told = (
        (hint or "").removesuffix(", then run `runbook resume`.").removesuffix(" `runbook resume` goes on.")
    )
    return f"{told.rstrip('.')}. " if told and "resume" not in told else ""
