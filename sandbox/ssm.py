"""Systems Manager's Run Command, as the API answers it; the commands really run (see `instance_host`)."""

from __future__ import annotations

import base64
import binascii
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .service import AwsError
from .ssm_assumptions import SsmAssumptions
from .ssm_commands import DOCUMENT, PLUGIN, Command, Invocation
from .ssm_instances import ManagedInstances, Ping
from .ssm_requests import check_limits, read_request
from .ssm_runner import Runner
from .ssm_wording import Wording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .clock import Clock
    from .instance_host import InstanceHost
    from .ssm_instances import InstanceFacts

_PLUGIN_NAMES = {"", PLUGIN, "aws:runShellScript", "0.awsrunShellScript"}


class SsmService:
    """The service `ssm` of the sandbox: what belongs to Run Command; the rest of SSM is moto's."""

    name = "ssm"

    def __init__(
        self,
        *,
        instances: Callable[[], Sequence[InstanceFacts]],
        clock: Clock,
        host: InstanceHost,
        s3_put: Callable[[str, str, bytes], None],
        region: str = "eu-west-2",
        account_id: str = "123456789012",
        assumptions: SsmAssumptions | None = None,
    ) -> None:
        """`instances` lists what EC2 has now; `s3_put` stores (bucket, key, content), and
        raises AwsError where it can't."""
        self._assumed = assumptions or SsmAssumptions()
        self._clock = clock
        self._wording = Wording(region, self._assumed)
        self._account_id = account_id
        self._managed = ManagedInstances(instances, clock, region, self._assumed)
        self._runner = Runner(
            managed=self._managed, clock=clock, host=host, s3_put=s3_put, assumptions=self._assumed
        )
        self._commands: dict[str, Command] = {}
        self.operations: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "SendCommand": self.send_command,
            "ListCommands": self.list_commands,
            "ListCommandInvocations": self.list_command_invocations,
            "GetCommandInvocation": self.get_command_invocation,
            "DescribeInstanceInformation": self.describe_instance_information,
            "CancelCommand": self.cancel_command,
        }

    def close(self) -> None:
        """Stop driving commands. The host is its owner's to close."""
        self._runner.stop()

    def agent_offline(self, instance_id: str = "", seconds: float = 600.0) -> None:
        """The fault: an instance's agent loses its connection for so many seconds of AWS time.

        Without an id, the first instance there is.
        """
        chosen = instance_id or next(iter(sorted(self._managed.all())), "")
        if chosen:
            self._managed.cut_off(chosen, seconds)

    def send_command(self, params: dict[str, Any]) -> dict[str, Any]:
        """SendCommand."""
        check_limits(params)
        ids = self._targets(params)
        request = read_request(params, targets=len(ids))
        managed = self._managed.all()
        command = Command(str(uuid.uuid4()), request, self._clock.now())
        for instance_id in ids:
            name = self._managed.hostname(managed[instance_id])
            command.invocations[instance_id] = Invocation(command.command_id, instance_id, name)
        with self._runner.lock:
            self._commands[command.command_id] = command
            answer = {"Command": self._wording.command(command)}
        self._runner.add(command)
        return answer

    def _targets(self, params: Mapping[str, Any]) -> list[str]:
        ids: list[str] = params.get("InstanceIds", [])
        targets = params.get("Targets", [])
        if bool(ids) == bool(targets):
            raise AwsError("ValidationException", "Specify either InstanceIds or Targets, and not both")
        if targets:
            return self._managed.chosen_by(targets)
        if len(set(ids)) < len(ids):
            raise AwsError(
                "DuplicateInstanceId", "You can't specify a managed node ID in more than one association"
            )
        managed = self._managed.all()
        wrong = [name for name in ids if name not in managed]
        if self._assumed.refuse_unconnected:
            wrong += [name for name in ids if name in managed and self._managed.ping(name) is not Ping.ONLINE]
        if wrong:
            listed = ", ".join(wrong)
            raise AwsError(
                "InvalidInstanceId",
                f"Instances [[{listed}]] not in a valid state for account {self._account_id}",
            )
        return ids

    def list_commands(self, params: dict[str, Any]) -> dict[str, Any]:
        """ListCommands."""
        with self._runner.lock:
            rows = [
                self._wording.command(command)
                for command in self._chosen(params)
                if _passes(params, command, *self._wording.status(command))
            ]
        return _page(rows, params, "Commands")

    def list_command_invocations(self, params: dict[str, Any]) -> dict[str, Any]:
        """ListCommandInvocations."""
        wanted = params.get("InstanceId", "")
        with self._runner.lock:
            rows = [
                self._wording.listed(command, invocation, details=params.get("Details", False))
                for command in self._chosen(params)
                for invocation in command.invocations.values()
                if wanted in {"", invocation.instance_id}
                and _passes(params, command, invocation.state.status, self._wording.details(invocation.state))
            ]
        return _page(rows, params, "CommandInvocations")

    def get_command_invocation(self, params: dict[str, Any]) -> dict[str, Any]:
        """GetCommandInvocation."""
        if params.get("PluginName", "") not in _PLUGIN_NAMES:
            raise AwsError("InvalidPluginName", f"{DOCUMENT} has no plugin {params['PluginName']}")
        with self._runner.lock:
            command = self._kept().get(params["CommandId"])
            if (
                command is None
                or not self._visible(command)
                or params["InstanceId"] not in command.invocations
            ):
                raise AwsError("InvocationDoesNotExist", "")
            return self._wording.invocation(command, command.invocations[params["InstanceId"]])

    def describe_instance_information(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeInstanceInformation."""
        size = params.get("MaxResults", 10)
        if not 5 <= size <= 50:
            raise AwsError("ValidationException", f"MaxResults must be from 5 to 50, not {size}")
        return _page(
            self._managed.describe(params), {"MaxResults": size, **params}, "InstanceInformationList"
        )

    def cancel_command(self, params: dict[str, Any]) -> dict[str, Any]:
        """CancelCommand: best effort, as in AWS. What has ended stays as it is."""
        with self._runner.lock:
            command = self._kept().get(params["CommandId"])
            if command is None:
                raise AwsError("InvalidCommandId", "")
            ids = params.get("InstanceIds", [])
            if wrong := [name for name in ids if name not in command.invocations]:
                raise AwsError(
                    "InvalidInstanceId", f"Instances [[{', '.join(wrong)}]] are not of this command"
                )
        self._runner.cancel(command, ids)
        return {}

    def _chosen(self, params: Mapping[str, Any]) -> list[Command]:
        """The commands that the parameters name and that can be seen already, newest first."""
        kept = self._kept()
        if wanted := params.get("CommandId"):
            if wanted not in kept:
                raise AwsError(self._assumed.unknown_id_code, "")
            kept = {wanted: kept[wanted]}
        on = params.get("InstanceId", "")
        return [
            command
            for command in sorted(kept.values(), key=lambda command: command.requested_at, reverse=True)
            if self._visible(command) and (not on or on in command.invocations)
        ]

    def _kept(self) -> dict[str, Command]:
        oldest = self._clock.now() - timedelta(days=self._assumed.keep_days)
        self._commands = {
            name: command for name, command in self._commands.items() if command.requested_at > oldest
        }
        return self._commands

    def _visible(self, command: Command) -> bool:
        return self._clock.now() >= command.requested_at + timedelta(
            seconds=self._assumed.visible_after_seconds
        )


def _passes(params: Mapping[str, Any], command: Command, status: str, details: str) -> bool:
    return all(
        _fits(item["key"], item["value"], command, status, details) for item in params.get("Filters", ())
    )


def _fits(key: str, value: str, command: Command, status: str, details: str) -> bool:
    if key in {"InvokedAfter", "InvokedBefore"}:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise AwsError(
                "InvalidFilterKey", f"{key} must be a time like 2021-07-07T00:00:00Z, not {value}"
            ) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return command.requested_at > moment if key == "InvokedAfter" else command.requested_at < moment
    if key == "Status":
        return value.replace(" ", "") in {status, details.replace(" ", "")}
    if key == "ExecutionStage":
        executing = status in {"Pending", "InProgress", "Delayed", "Cancelling"}
        return value == ("Executing" if executing else "Complete")
    return value == DOCUMENT


def _page(rows: list[dict[str, Any]], params: Mapping[str, Any], member: str) -> dict[str, Any]:
    """One page of `rows`, and the token of the next one. Raises AwsError for a token that we never gave."""
    size = params.get("MaxResults", 50)
    start = 0
    if token := params.get("NextToken"):
        try:
            start = int(base64.urlsafe_b64decode(token).decode().removeprefix("from:"))
        except (binascii.Error, ValueError):
            raise AwsError("InvalidNextToken", "The specified token isn't valid.") from None
    page: dict[str, Any] = {member: rows[start : start + size]}
    if start + size < len(rows):
        page["NextToken"] = base64.urlsafe_b64encode(f"from:{start + size}".encode()).decode()
    return page
