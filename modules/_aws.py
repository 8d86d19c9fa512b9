"""AWS clients and AWS's errors: the only file that knows the SDK, boto3 and the botocore that it stands on.

Clients raise our own errors, in place of botocore's, so that a module never looks at a response to learn what went
wrong: `ServiceError` when the service refused (nothing happened; `code` is AWS's name of it), `Throttled` when it
asked to slow down for longer than we retry, `Stopped` for credentials, `Unreachable` and `InDoubt` for the network.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from runbook.contract import ClientFactory, Identity, Target
from runbook.errors import CredentialsError, Failed, RunbookError, Stopped, Unreachable

from ._aws_errors import (
    RENEW,
    UNKNOWN_THROTTLING,
    ServiceError,
    Throttled,
    refusal,
    unanswered,
)
from ._aws_identity import checked, ends, not_identified, who
from ._aws_meanings import out_of_reach

if TYPE_CHECKING:
    import boto3.session
    from botocore.loaders import Loader
    from botocore.model import OperationModel
    from botocore.session import Session

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 70.0
"""Seconds. Longer than the slowest call that we make, shorter than an operator's patience."""

STILL_EXPIRED = "refreshed credentials are still expired"
"""botocore has no exception of its own for this."""

ATTEMPTS = 8
"""Tries of one call, with adaptive waits between them."""


def pages(client: Any, operation: str, key: str, **params: Any) -> Iterator[Any]:
    """All items under `key` of a paginated call, such as `pages(ec2, "describe_subnets", "Subnets")`."""
    for page in client.get_paginator(operation).paginate(**params):
        yield from page.get(key) or ()


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS's calls want them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: list[dict[str, str]]) -> dict[str, str]:
    """Tags as people write them."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


# ---------------------------------------------------------------- what an error of the SDK means


def translate(
    error: Exception, service: str = "AWS", operation: str = "", where: str = ""
) -> RunbookError | None:
    """Our error for one of botocore's; None when it is neither botocore's nor ours."""
    import botocore.exceptions as sdk
    from botocore.parsers import ResponseParserError

    if isinstance(error, RunbookError):
        return error
    if isinstance(error, sdk.ClientError):
        reason, told = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        name = operation or error.operation_name
        return refusal(
            service, name, reason.get("Code", ""), reason.get("Message", ""), told.get("HTTPStatusCode", 0)
        )
    if _unsent(error):
        words = repr(getattr(error, "kwargs", {}).get("error", ""))
        return Unreachable(
            f"{service} can't be reached{where}: {error}", hint=out_of_reach(words, str(error))
        )
    if isinstance(error, sdk.HTTPClientError | sdk.SSLError | sdk.IncompleteReadError | ResponseParserError):
        return unanswered(service, operation, f"{where}: {error}")
    return _credentials(error)


def _unsent(error: Exception) -> bool:
    """Whether the network failed before the request can have been sent: no name, no connection, or nobody there
    whom we trust. TLS that breaks later proves nothing."""
    import botocore.exceptions as sdk

    if isinstance(error, sdk.SSLError):
        return any(sign in str(error) for sign in ("CERTIFICATE_VERIFY", "WRONG_VERSION", "HANDSHAKE"))
    return isinstance(error, sdk.EndpointConnectionError | sdk.ConnectTimeoutError | sdk.ProxyConnectionError)


def _credentials(error: Exception) -> RunbookError | None:
    import botocore.exceptions as sdk

    gone = (
        sdk.TokenRetrievalError,
        sdk.SSOError,
        sdk.CredentialRetrievalError,
        sdk.MetadataRetrievalError,
        sdk.RefreshWithMFAUnsupportedError,
        getattr(sdk, "LoginError", sdk.SSOError),  # `aws login`: newer than the oldest SDK that we take
    )
    if isinstance(error, gone) or (isinstance(error, RuntimeError) and STILL_EXPIRED in str(error)):
        return Stopped(f"The AWS credentials have expired and can't be renewed: {error}", hint=RENEW)
    if isinstance(error, sdk.NoCredentialsError | sdk.PartialCredentialsError):
        return Stopped(f"No AWS credentials were found: {error}", hint=RENEW)
    if isinstance(error, sdk.BotoCoreError):
        return Failed(str(error))
    return None


# ---------------------------------------------------------------- clients


class Clients(ClientFactory):
    """Sessions and clients for each target, built under a lock and kept; `pool` connections each."""

    def __init__(self, pool: int = 50) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._sessions: dict[Target, boto3.session.Session] = {}
        self._bases: dict[Target, Session] = {}
        """What the sessions stand on: those that a role is assumed with."""
        self._loader: Loader | None = None
        self._clients: dict[tuple[Target, str, bool], Any] = {}

    def client(self, target: Target, service: str, *, retries: bool = True) -> Any:
        """A client for `target`. Raises CredentialsError when its profile or Region can't be used."""
        key = (target, service, retries)
        found = self._clients.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._clients:
                attempts = ATTEMPTS if retries else 1
                client = self._make(target, service, attempts)
                _speak_plainly(client)
                if retries:
                    client.meta.events.register_first("needs-retry", _retry_unknown_throttling)
                self._clients[key] = client
            return self._clients[key]

    def identify(self, target: Target) -> Identity:
        """Who the calls are made as. Raises CredentialsError in one clear sentence, Stopped when the same will work
        later."""
        try:
            with self._lock:
                sts = self._make(target, "sts", attempts=3)
            answer = sts.get_caller_identity()
        except RunbookError:
            raise
        except Exception as error:
            told = not_identified(error, translate(error, "AWS", "GetCallerIdentity"), target)
            if told is None:
                raise
            raise told from error
        until = ends(self._bases[target])
        return checked(Identity(answer["Account"], answer["Arn"], sts.meta.region_name, until), target)

    def explain(self, error: Exception) -> RunbookError | None:
        """See `ClientFactory.explain`."""
        return translate(error)

    def _make(self, target: Target, service: str, attempts: int) -> Any:
        import boto3.session
        from botocore.config import Config
        from botocore.loaders import create_loader

        session = self._sessions.get(target)
        if session is None:
            if self._loader is None:
                self._loader = create_loader()  # one for all: service models are large
            base = self._bases[target] = _session(target, self._loader)
            made = boto3.session.Session(botocore_session=_assumed(base, target) if target.role_arn else base)
            session = self._sessions[target] = made
        if not session.region_name:
            raise CredentialsError(
                f"No AWS Region is set for {who(target)}: "
                "give `aws: {region: ...}` in the inventory, or AWS_DEFAULT_REGION."
            )
        config = Config(
            max_pool_connections=self._pool,
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"mode": "adaptive" if attempts > 1 else "standard", "total_max_attempts": attempts},
            user_agent_extra="runbook",
        )
        return session.client(service, endpoint_url=target.endpoint_url, config=config)


def _session(target: Target, loader: Loader) -> Session:
    import botocore.session
    from botocore.exceptions import ProfileNotFound

    session = botocore.session.Session(profile=target.profile)
    session.register_component("data_loader", loader)
    try:
        session.get_scoped_config()
    except ProfileNotFound as error:
        known = ", ".join(sorted(session.available_profiles)) or "none at all"
        name = session.get_config_variable("profile")
        raise CredentialsError(f"There is no AWS profile '{name}'; there are: {known}.") from error
    if target.region:
        session.set_config_variable("region", target.region)
    if target.access_key_id and target.secret_access_key:
        session.set_credentials(target.access_key_id, target.secret_access_key)
    return session


def _assumed(base: Session, target: Target) -> Session:
    """A session in the role of `target`, renewed by itself while the base credentials last."""
    import botocore.session
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        CredentialProvider,
        CredentialResolver,
        DeferredRefreshableCredentials,
    )
    from botocore.exceptions import NoCredentialsError

    source = base.get_credentials()
    if source is None:
        raise NoCredentialsError
    extra = {"RoleSessionName": "runbook"}
    if target.external_id:
        extra["ExternalId"] = target.external_id
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(base.create_client, endpoint_url=target.endpoint_url),
        source_credentials=source,
        role_arn=target.role_arn or "",
        extra_args=extra,
    )

    class Role(CredentialProvider):
        METHOD = "assume-role"

        def load(self) -> DeferredRefreshableCredentials:
            return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    session = botocore.session.Session(profile=target.profile)
    session.register_component("data_loader", base.get_component("data_loader"))
    session.register_component("credential_provider", CredentialResolver([Role()]))
    session.set_config_variable("region", base.get_config_variable("region"))
    return session


def _speak_plainly(client: Any) -> None:
    """Let every error of `client` reach its caller as one of ours."""
    service = client.meta.service_model.signing_name
    where = f" at {client.meta.endpoint_url}"

    def refused(parsed: Mapping[str, Any], model: OperationModel, http_response: Any, **_: Any) -> None:
        if http_response.status_code >= 300:
            reason = parsed.get("Error", {})
            code = reason.get("Code", "") or str(http_response.status_code)
            raise refusal(service, model.name, code, reason.get("Message", ""), http_response.status_code)

    def lost(exception: Exception, event_name: str, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        meaning = translate(exception, service, operation, where)
        if meaning is not None:
            raise meaning from exception

    client.meta.events.register_last("after-call", refused)
    client.meta.events.register_last("after-call-error", lost)


def _retry_unknown_throttling(
    attempts: int, response: tuple[Any, Mapping[str, Any]] | None, **_: Any
) -> float | None:
    """Seconds to wait before the next try, for throttling that botocore does not know."""
    if response is None or attempts >= ATTEMPTS:
        return None
    code = response[1].get("Error", {}).get("Code")
    if code not in UNKNOWN_THROTTLING:
        return None
    return random.uniform(0.5, 1.0) * min(20.0, 2.0**attempts)  # noqa: S311 (spreads load, keeps no secret)


__all__ = ["ATTEMPTS", "Clients", "ServiceError", "Throttled", "pages", "tag_list", "tag_map", "translate"]
