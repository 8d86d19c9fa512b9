"""Clients against a real HTTP server: how often they call, and what its answers become."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import botocore.exceptions as sdk
import botocore.session
import pytest
from botocore.parsers import ResponseParserError
from runbook.contract import Target
from runbook.errors import CredentialsError, Failed, InDoubt, RunbookError, Stopped, Unreachable
from runbook.modules import _aws, _aws_errors, _aws_identity

LOST = "lost"
ASSUMED = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLE</AccessKeyId>"
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
REFUSED = "<ErrorResponse><Error><Code>{}</Code><Message>told so</Message></Error></ErrorResponse>"
WHO = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account>"
    "<Arn>arn:aws:iam::111122223333:user/me</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@dataclass
class Service:
    """Answers with what is told, in order: an error's code (and HTTP's number), `LOST`, or None for success."""

    target: Target
    told: list[str | tuple[str, int] | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Action, and the access key that it was signed with."""
    forms: list[dict[str, list[str]]] = field(default_factory=list)


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service(Target())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = parse_qs(body)
            action = self.headers.get("X-Amz-Target", "").rpartition(".")[2] or form["Action"][0]
            key = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
            made.asked.append(f"{action} {key}")
            made.forms.append(form)
            code = made.told.pop(0) if made.told else None
            if code == LOST:
                self.close_connection = True
                return
            code, status = code if isinstance(code, tuple) else (code, 400 if code else 200)
            self._answer(action, code, status)

        def _answer(self, action: str, code: str | None, status: int) -> None:
            if "X-Amz-Target" in self.headers:
                text = json.dumps({"__type": code, "message": "told so"} if code else {})
            elif code:
                text = REFUSED.format(code)
            else:
                text = ASSUMED if action == "AssumeRole" else WHO
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.target = Target(
        region="eu-west-2",
        access_key_id="ME",
        secret_access_key="s",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
    )
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials but those of the test; no long waits between tries."""
    for name in (
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def test_throttling_is_waited_out(service: Service) -> None:
    service.told = ["ThrottlingException", "ThrottlingException"]
    _aws.Clients().client(service.target, "memorydb").describe_clusters()
    assert len(service.asked) == 3


def test_throttling_that_the_sdk_does_not_know_is_waited_out_too(service: Service) -> None:
    service.told = ["APICallRateForCustomerExceededFault"] * 2
    _aws.Clients().client(service.target, "memorydb").failover_shard(ClusterName="c", ShardName="0001")
    assert len(service.asked) == 3


def test_throttling_without_end_stops_the_run(service: Service) -> None:
    service.told = ["APICallRateForCustomerExceededFault"] * 20
    client = _aws.Clients().client(service.target, "memorydb")
    with pytest.raises(_aws.Throttled, match="called too often"):
        client.failover_shard(ClusterName="c", ShardName="0001")
    assert len(service.asked) == _aws.ATTEMPTS


@pytest.mark.parametrize("told", [LOST, "ThrottlingException", ("InternalFailure", 500), ("SlowDown", 503)])
def test_without_retries_a_call_is_made_once(service: Service, told: str | tuple[str, int]) -> None:
    service.told = [told]
    client = _aws.Clients().client(service.target, "ssm", retries=False)
    with pytest.raises(RunbookError):
        client.send_command(DocumentName="x")
    assert len(service.asked) == 1


THROTTLED = """BandwidthLimitExceeded EC2ThrottledException PriorRequestNotComplete RequestLimitExceeded
RequestThrottled RequestThrottledException SlowDown ThrottledException Throttling ThrottlingException
TooManyRequestsException ProvisionedThroughputExceededException APICallRateForCustomerExceededFault"""
REFUSED_CREDENTIALS = """ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired InvalidClientTokenId
UnrecognizedClientException InvalidSignatureException SignatureDoesNotMatch AuthFailure InvalidAccessKeyId
MissingAuthenticationToken IncompleteSignature InvalidToken RequestTimeTooSkewed OptInRequired"""
DOUBTFUL = """InternalFailure InternalError InternalServerError InternalServerException ServiceUnavailable
Unavailable ServiceUnavailableException RequestTimeout RequestTimeoutException"""


def cases(codes: str, kind: type[RunbookError], *statuses: int) -> list[tuple[str, int, type[RunbookError]]]:
    return [(code, status, kind) for code in codes.split() for status in statuses]


ANSWERS = [
    *cases(THROTTLED, _aws.Throttled, 400, 503),
    ("", 429, _aws.Throttled),
    *cases(REFUSED_CREDENTIALS, Stopped, 400, 403),
    *cases(DOUBTFUL, InDoubt, 400, 500),
    ("", 502, InDoubt),
    ("NobodyKnowsWhat", 500, InDoubt),
    ("InsufficientInstanceCapacity", 500, _aws.ServiceError),
    *cases("ValidationException InvalidClusterStateFault AccessDenied", _aws.ServiceError, 400, 403),
]


def test_what_an_answer_to_an_effect_proves(service: Service) -> None:
    client = _aws.Clients().client(service.target, "ssm", retries=False)
    found = []
    for code, status, _ in ANSWERS:
        service.told = [(code, status)]
        with pytest.raises(RunbookError) as error:
            client.send_command(DocumentName="x")
        found.append((code, status, type(error.value)))
    assert found == ANSWERS
    assert len(service.asked) == len(ANSWERS), "none was asked twice"


def test_a_service_that_breaks_off_a_read_leaves_no_doubt(service: Service) -> None:
    service.told = [("InternalFailure", 500)]
    with pytest.raises(Unreachable, match="got no answer: InternalFailure"):
        _aws.Clients().client(service.target, "ssm", retries=False).list_commands()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (sdk.EndpointConnectionError(endpoint_url="u"), Unreachable),  # refused, or no such name
        (sdk.ConnectTimeoutError(endpoint_url="u"), Unreachable),
        (sdk.ProxyConnectionError(proxy_url="u"), Unreachable),
        (sdk.SSLError(endpoint_url="u", error="[SSL: CERTIFICATE_VERIFY_FAILED]"), Unreachable),
        (sdk.SSLError(endpoint_url="u", error="EOF occurred in violation of protocol"), InDoubt),
        (sdk.ReadTimeoutError(endpoint_url="u"), InDoubt),
        (sdk.ConnectionClosedError(endpoint_url="u"), InDoubt),
        (sdk.HTTPClientError(error="reset by peer"), InDoubt),
        (sdk.IncompleteReadError(actual_bytes=1, expected_bytes=2), InDoubt),
        (ResponseParserError("not JSON"), InDoubt),
        (sdk.NoCredentialsError(), Stopped),
        (sdk.MetadataRetrievalError(error_msg="no role"), Stopped),
        (sdk.SSOTokenLoadError(error_msg="gone"), Stopped),
        (
            RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
            Stopped,
        ),
        (sdk.ParamValidationError(report="no name"), Failed),
        (RuntimeError("something else"), None),
    ],
    ids=repr,
)
def test_what_a_failure_on_the_way_proves(error: Exception, kind: type[RunbookError] | None) -> None:
    meaning = _aws.translate(error, "ssm", "SendCommand")
    assert (meaning and type(meaning)) is kind
    if kind is InDoubt:
        assert type(_aws.translate(error, "ssm", "ListCommands")) is Unreachable


def test_a_lost_answer_of_an_effect_leaves_doubt(service: Service) -> None:
    service.told = [LOST]
    client = _aws.Clients().client(service.target, "ssm", retries=False)
    with pytest.raises(InDoubt, match=r"ssm SendCommand got no answer.* may have been carried out"):
        client.send_command(DocumentName="x")


def test_a_lost_answer_of_a_read_leaves_none(service: Service) -> None:
    service.told = [LOST] * 20
    client = _aws.Clients().client(service.target, "memorydb")
    with pytest.raises(Unreachable, match="memorydb DescribeClusters got no answer"):
        client.describe_clusters()


def test_nobody_there_is_no_doubt() -> None:
    target = Target(
        region="eu-west-2", access_key_id="a", secret_access_key="b", endpoint_url="http://127.0.0.1:1"
    )
    with pytest.raises(Unreachable, match=r"ssm can't be reached at http://127\.0\.0\.1:1"):
        _aws.Clients().client(target, "ssm", retries=False).send_command(DocumentName="x")


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        ("ExpiredTokenException", Stopped, "The AWS credentials have expired"),
        ("UnrecognizedClientException", Stopped, "AWS does not accept the credentials any more"),
        ("AccessDeniedException", Failed, "Allow the IAM action memorydb:CreateCluster"),
        ("ClusterQuotaForCustomerExceededFault", Failed, "ClusterQuotaForCustomerExceededFault: told so"),
    ],
)
def test_a_refusal_says_what_to_do(service: Service, code: str, kind: type[RunbookError], text: str) -> None:
    service.told = [code]
    client = _aws.Clients().client(service.target, "memorydb")
    with pytest.raises(kind) as error:
        client.create_cluster(ClusterName="c", NodeType="n", ACLName="a")
    assert text in str(error.value)


def test_pages_are_read_to_the_end(service: Service) -> None:
    client = _aws.Clients().client(service.target, "memorydb")
    assert list(_aws.pages(client, "describe_clusters", "Clusters")) == []


def test_clients_are_kept_by_the_whole_target(service: Service) -> None:
    clients = _aws.Clients()
    one = clients.client(service.target, "memorydb")
    assert clients.client(replace(service.target), "memorydb") is one
    assert clients.client(service.target, "memorydb", retries=False) is not one
    assert clients.client(replace(service.target, region="eu-west-1"), "memorydb") is not one


def test_identity(service: Service) -> None:
    identity = _aws.Clients().identify(service.target)
    assert (identity.account, identity.region) == ("111122223333", "eu-west-2")
    assert identity.arn == "arn:aws:iam::111122223333:user/me"


def test_the_wrong_account_is_refused(service: Service) -> None:
    target = replace(service.target, allowed_account_ids=("222",))
    with pytest.raises(CredentialsError, match=r"credentials of account 111122223333 .* names only 222"):
        _aws.Clients().identify(target)
    assert _aws.Clients().identify(replace(target, allowed_account_ids=("1", "111122223333")))


def test_a_role_is_assumed_with_its_external_id(service: Service) -> None:
    target = replace(service.target, role_arn="arn:aws:iam::9:role/lab", external_id="x-1")
    clients = _aws.Clients()
    clients.identify(target)
    clients.client(target, "memorydb").describe_clusters()
    assert service.asked == ["AssumeRole ME", "GetCallerIdentity ROLE", "DescribeClusters ROLE"]
    assert service.forms[0]["ExternalId"] == ["x-1"]
    assert service.forms[0]["RoleArn"] == ["arn:aws:iam::9:role/lab"]


@pytest.mark.parametrize(
    ("told", "change", "text"),
    [
        (["InvalidClientTokenId"], {}, "AWS does not accept the credentials of the sandbox"),
        (
            ["AccessDenied"],
            {"role_arn": "arn:aws:iam::9:role/lab"},
            "The role arn:aws:iam::9:role/lab can't be assumed",
        ),
    ],
)
def test_unusable_credentials_are_told_plainly(
    service: Service, told: list[str | None], change: dict[str, Any], text: str
) -> None:
    service.told = told
    with pytest.raises(CredentialsError) as error:
        _aws.Clients().identify(replace(service.target, **change))
    assert text in error.value.message
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (["ExpiredToken"], "The AWS credentials of the sandbox have expired: run `aws sso login`"),
        ([LOST] * 9, "GetCallerIdentity got no answer"),
        (["Throttling"] * 9, "called too often"),
    ],
)
def test_what_will_work_later_is_a_pause(service: Service, told: list[str | None], text: str) -> None:
    service.told = told
    with pytest.raises(Stopped) as stopped:
        _aws.Clients().identify(service.target)
    assert text in stopped.value.message
    assert "Nothing was done yet. The same command goes on from here." in str(stopped.value)
    service.told.clear()
    assert _aws.Clients().identify(service.target)


def test_credentials_of_the_environment_that_have_ended_are_a_pause(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z")
    target = replace(service.target, access_key_id=None, secret_access_key=None)
    with pytest.raises(Stopped, match="expired and can't be renewed"):
        _aws.Clients().identify(target)


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        ("http://127.0.0.1:1", "Is the sandbox running?"),
        ("http://memorydb.eu-nowhere-9.invalid", "Its name is not found"),
    ],
)
def test_out_of_reach_is_told_with_what_to_look_at(service: Service, endpoint: str, text: str) -> None:
    target = replace(service.target, endpoint_url=endpoint)
    with pytest.raises(Unreachable) as caught:
        _aws.Clients().client(target, "memorydb", retries=False).describe_clusters()
    assert text in (caught.value.hint or "")
    with pytest.raises(Stopped, match="can't be reached"):
        _aws.Clients().identify(target)


DENIED = (
    "User: arn:aws:sts::1:assumed-role/lab/me is not authorized to perform: iam:PassRole on resource: "
    "arn:aws:iam::1:role/x because no identity-based policy allows the iam:PassRole action"
)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (DENIED, "Allow the IAM action iam:PassRole on arn:aws:iam::1:role/x, or use"),
        (
            DENIED.partition(" because")[0] + " with an explicit deny in a service control policy",
            "Somebody forbade iam:PassRole on arn:aws:iam::1:role/x on purpose, in a service control policy",
        ),
        ("no", "Allow the IAM action ec2:RunInstances, or use"),
        (
            "You are not authorized. Encoded authorization failure message: AbC",
            "decode-authorization-message",
        ),
    ],
)
def test_a_denied_call_names_the_action_that_is_missing(text: str, hint: str) -> None:
    error = _aws_errors.refusal("ec2", "RunInstances", "UnauthorizedOperation", text)
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("InsufficientClusterCapacityFault", "no such capacity there right now"),
        ("InsufficientInstanceCapacity", "no such capacity there right now"),
        ("ClusterQuotaForCustomerExceededFault", "quota for this is used up"),
        ("RulesPerSecurityGroupLimitExceeded", "quota for this is used up"),
        ("DependencyViolation", "Something still uses it"),
        ("InvalidPermission.Duplicate", "is there already"),
        ("ClusterNotFoundFault", "nothing of that name in this account and Region"),
        ("InvalidGroup.NotFound", "nothing of that name in this account and Region"),
        ("ClusterAlreadyExistsFault", "Take another name"),
        ("InvalidClusterStateFault", "Go on when it is available again"),
        ("InvalidParameterCombinationException", "its message says which one"),
        ("InvalidInstanceId", "Systems Manager does not know this instance"),
    ],
)
def test_a_refusal_has_a_plain_meaning(code: str, hint: str) -> None:
    error = _aws_errors.refusal("memorydb", "CreateCluster", code, "told so")
    assert hint in (error.hint or "")
    assert f"{code}: told so" in error.message, "AWS's own words stay"


def test_what_nobody_can_explain_stays_in_its_own_words() -> None:
    assert _aws_errors.refusal("ec2", "RunInstances", "Odd", "told so").hint is None


def test_no_credentials() -> None:
    with pytest.raises(
        CredentialsError, match=r"No AWS credentials found for the default profile: run `aws configure`"
    ):
        _aws.Clients().identify(Target(region="eu-west-2"))


def test_no_credentials_to_assume_a_role_with() -> None:
    with pytest.raises(CredentialsError, match="No AWS credentials found"):
        _aws.Clients().identify(Target(region="eu-west-2", role_arn="arn:aws:iam::9:role/lab"))


def test_no_region() -> None:
    with pytest.raises(CredentialsError, match="No AWS Region is set for the default profile"):
        _aws.Clients().identify(Target())


def test_an_unknown_profile_is_told_with_those_there(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile lab]\nregion = eu-west-2\n")
    with pytest.raises(CredentialsError, match="There is no AWS profile 'lob'; there are: lab"):
        _aws.Clients().identify(Target(profile="lob"))


def test_what_is_not_the_sdks_is_not_explained() -> None:
    assert _aws.Clients().explain(ValueError("x")) is None


# ---------------------------------------------------------------- when credentials end

SOON = "2099-01-01T12:00:00+00:00"


def ends(target: Target) -> str:
    at = _aws.Clients().identify(target).expires
    return at.isoformat() if at else ""


def bare(service: Service, **change: Any) -> Target:
    """A target that brings no keys of its own."""
    return replace(service.target, access_key_id=None, secret_access_key=None, **change)


def of_the_environment(monkeypatch: pytest.MonkeyPatch, end: str = "") -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    if end:
        monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end)


def test_keys_of_the_environment_say_when_they_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    of_the_environment(monkeypatch)
    assert ends(bare(service)) == ""
    of_the_environment(monkeypatch, "2099-01-01T13:00:00+01:00")
    assert ends(bare(service)) == SOON


def test_a_role_ends_with_the_keys_that_it_is_assumed_with(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_the_environment(monkeypatch, "2099-01-01T12:00:00Z")
    assert ends(bare(service, role_arn="arn:aws:iam::9:role/lab")) == SOON


def test_the_sandbox_has_no_end(service: Service) -> None:
    assert ends(service.target) == ""


def test_keys_of_a_file_may_say_when_they_end(service: Service, tmp_path: Path) -> None:
    lines = "[saml]\naws_access_key_id=A\naws_secret_access_key=s\nx_security_token_expires=2099-01-01T12:00:00Z\n"
    (tmp_path / "credentials").write_text(lines)
    assert ends(bare(service, profile="saml")) == SOON


@pytest.mark.parametrize(("more", "end"), [({}, SOON), ({"refreshToken": "r"}, "")])
def test_a_login_ends_unless_it_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, str], end: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config").write_text(
        "[profile sso]\nsso_session=work\nsso_account_id=1\nsso_role_name=lab\nregion=eu-west-2\n"
        "[sso-session work]\nsso_start_url=https://x.invalid/start\nsso_region=eu-west-2\n"
    )
    cache = tmp_path / ".aws/sso/cache"
    cache.mkdir(parents=True)
    token = {"accessToken": "t", "expiresAt": "2099-01-01T12:00:00Z", **more}
    name = hashlib.sha1(b"work", usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(token))
    found = _aws_identity.ends(botocore.session.Session(profile="sso"))
    assert (found.isoformat() if found else "") == end
