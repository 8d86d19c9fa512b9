"""How the API words commands and invocations: the members of its answers."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from .ssm_commands import COUNTED_AS_ERRORS, DOCUMENT, PLUGIN, State
from .ssm_output import key_folder

if TYPE_CHECKING:
    from datetime import datetime

    from .ssm_assumptions import SsmAssumptions
    from .ssm_commands import Command, Invocation


class Wording:
    """Makes the members of answers, spelled as the assumptions say."""

    def __init__(self, region: str, assumptions: SsmAssumptions) -> None:
        self._region = region
        self._assumed = assumptions

    def details(self, state: State) -> str:
        """StatusDetails of an invocation."""
        return state.details(spaces=self._assumed.spaces_in_details)

    def status(self, command: Command) -> tuple[str, str]:
        """Status and StatusDetails of a command."""
        return command.status(
            no_target=self._assumed.no_target_status,
            incomplete=self._assumed.incomplete_status,
            spaces=self._assumed.spaces_in_details,
        )

    def command(self, command: Command) -> dict[str, Any]:
        """A Command, as SendCommand and ListCommands give it."""
        given = command.request.given
        status, details = self.status(command)
        finals = [state for state in State if state.final]
        return {
            "CommandId": command.command_id,
            "DocumentName": DOCUMENT,
            "DocumentVersion": given.get("DocumentVersion", "$DEFAULT"),
            "Comment": given.get("Comment", ""),
            "ExpiresAfter": command.expires_at,
            "Parameters": given.get("Parameters", {}),
            "InstanceIds": given.get("InstanceIds", []),
            "Targets": given.get("Targets", []),
            "RequestedDateTime": command.requested_at,
            "Status": status,
            "StatusDetails": details,
            "OutputS3Region": given.get("OutputS3Region", self._region),
            "OutputS3BucketName": command.request.bucket,
            "OutputS3KeyPrefix": command.request.key_prefix,
            "MaxConcurrency": given.get("MaxConcurrency", "50"),
            "MaxErrors": given.get("MaxErrors", "0"),
            "TargetCount": len(command.invocations),
            "CompletedCount": command.count(*finals),
            "ErrorCount": command.count(*COUNTED_AS_ERRORS),
            "DeliveryTimedOutCount": command.count(State.DELIVERY_TIMED_OUT),
            "TimeoutSeconds": command.request.delivery_timeout,
        }

    def listed(self, command: Command, invocation: Invocation, *, details: bool) -> dict[str, Any]:
        """A CommandInvocation, as ListCommandInvocations gives it."""
        given = command.request.given
        return {
            "CommandId": command.command_id,
            "InstanceId": invocation.instance_id,
            "InstanceName": invocation.instance_name,
            "Comment": given.get("Comment", ""),
            "DocumentName": DOCUMENT,
            "DocumentVersion": given.get("DocumentVersion", "$DEFAULT"),
            "RequestedDateTime": command.requested_at,
            "Status": invocation.state.status,
            "StatusDetails": self.details(invocation.state),
            **self._urls(command, invocation),
            "CommandPlugins": [self._plugin(command, invocation)] if details else [],
        }

    def _plugin(self, command: Command, invocation: Invocation) -> dict[str, Any]:
        # A plugin has no Delayed and no Cancelling: it has not started, or still runs.
        state = {State.DELAYED: State.PENDING, State.CANCELLING: State.IN_PROGRESS}.get(
            invocation.state, invocation.state
        )
        row: dict[str, Any] = {
            "Name": PLUGIN,
            "Status": state.status,
            "StatusDetails": self.details(state),
            "ResponseCode": invocation.code,
            "Output": invocation.output.listed() if invocation.output else "",
            **self._urls(command, invocation),
            "OutputS3Region": command.request.given.get("OutputS3Region", self._region),
            "OutputS3BucketName": command.request.bucket,
            "OutputS3KeyPrefix": command.request.key_prefix,
        }
        if invocation.started_at:
            row["ResponseStartDateTime"] = invocation.started_at
        if invocation.started_at and invocation.ended_at:
            row["ResponseFinishDateTime"] = invocation.ended_at
        return row

    def invocation(self, command: Command, invocation: Invocation) -> dict[str, Any]:
        """The answer of GetCommandInvocation."""
        given = command.request.given
        output = invocation.output
        ended = invocation.ended_at if invocation.started_at else None
        return {
            "CommandId": command.command_id,
            "InstanceId": invocation.instance_id,
            "Comment": given.get("Comment", ""),
            "DocumentName": DOCUMENT,
            "DocumentVersion": given.get("DocumentVersion", "$DEFAULT"),
            "PluginName": PLUGIN,
            "ResponseCode": invocation.code,
            "ExecutionStartDateTime": _iso(invocation.started_at),
            # What the script took in real time; start and end are times of the sandbox's clock.
            "ExecutionElapsedTime": f"PT{invocation.seconds:.3f}S" if ended else "",
            "ExecutionEndDateTime": _iso(ended),
            "Status": invocation.state.status,
            "StatusDetails": self.details(invocation.state),
            "StandardOutputContent": output.standard_output() if output else "",
            "StandardErrorContent": output.standard_error() if output else "",
            **self._urls(command, invocation),
        }

    def _urls(self, command: Command, invocation: Invocation) -> dict[str, str]:
        bucket = command.request.bucket
        if not bucket:
            return {"StandardOutputUrl": "", "StandardErrorUrl": ""}
        folder = key_folder(command.request.key_prefix, command.command_id, invocation.instance_id)
        region = command.request.given.get("OutputS3Region", self._region)
        base = f"https://s3.{region}.amazonaws.com/{bucket}/{folder}"
        return {"StandardOutputUrl": f"{base}/stdout", "StandardErrorUrl": f"{base}/stderr"}


def _iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else ""
