"""What is not documented about Run Command, or was never seen on a live account: one switch each.

A finding on a live account changes one line here. Durations are seconds of AWS time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SsmAssumptions:
    """The sandbox's beliefs about Run Command that stand on inference or common knowledge."""

    visible_after_seconds: float = 2.0
    """So long after SendCommand its lists are empty and GetCommandInvocation answers InvocationDoesNotExist."""
    register_seconds: float = 120.0
    """A new or restarted instance is Online so long after its launch."""
    deliver_seconds: float = 1.0
    """From SendCommand to the start on an agent that is Online."""
    retry_seconds: float = 30.0
    """How often the delivery to an agent that does not answer is tried again."""
    reboot_seconds: float = 60.0
    """From exit code 194 until the step runs again."""
    keep_days: float = 30.0
    """So long command records are kept."""
    spaces_in_details: bool = False
    """Whether StatusDetails is spelled `Delivery Timed Out`, as the user guide prints it."""
    refuse_unconnected: bool = False
    """Whether SendCommand to a named instance whose agent has lost its connection is refused."""
    unknown_id_code: str = "InvalidCommandId"
    """The refusal of ListCommands and ListCommandInvocations for a command that never was."""
    no_target_status: str = "Failed"
    """The status of a command whose targets match no instance; its details are NoInstancesInTag."""
    incomplete_status: str = "Failed"
    """The status of a command whose details are Incomplete."""
    failed_line: bool = True
    """Whether the agent adds `failed to run commands: exit status N` to the standard error."""
