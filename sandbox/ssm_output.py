"""What the API and S3 keep of a command's output, and how it is cut. The lengths are the agent's constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STDOUT_LENGTH = 24_000
STDERR_LENGTH = 8_000
LIST_LENGTH = 2_500
SUFFIX = "--output truncated--"

_ERROR_TITLE = "\n----------ERROR-------\n"
_CUT_OUTPUT = "\n---Output truncated---"
_CUT_ERROR = "\n---Error truncated----"


@dataclass(frozen=True, slots=True)
class Output:
    """The files with the whole output, and what the agent added to the standard error."""

    stdout: Path
    stderr: Path
    added: str = ""

    def standard_output(self) -> str:
        """StandardOutputContent."""
        return _prefix(_read(self.stdout, STDOUT_LENGTH), STDOUT_LENGTH)

    def standard_error(self) -> str:
        """StandardErrorContent."""
        return _prefix(_read(self.stderr, STDERR_LENGTH) + self.added, STDERR_LENGTH)

    def listed(self) -> str:
        """The Output of a plugin in ListCommandInvocations: both streams, in 2,500 characters."""
        return combine(_read(self.stdout, LIST_LENGTH), _read(self.stderr, LIST_LENGTH) + self.added)

    def whole(self) -> dict[str, bytes]:
        """What goes to S3: `stdout` and `stderr`, each only if it is not empty."""
        streams = {
            "stdout": self.stdout.read_bytes(),
            "stderr": self.stderr.read_bytes() + self.added.encode(),
        }
        return {name: content for name, content in streams.items() if content}


def _read(path: Path, characters: int) -> str:
    """The beginning of a file, with at least one character more than `characters` if it has them."""
    with path.open("rb") as file:
        return file.read(4 * (characters + 1)).decode("utf-8", "replace")


def _prefix(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - len(SUFFIX)] + SUFFIX


def combine(stdout: str, stderr: str, length: int = LIST_LENGTH) -> str:
    """Both streams in `length` characters; the one that takes more than its half is cut."""
    title = _ERROR_TITLE if stderr else ""
    room = length - len(title)
    if len(stdout) + len(stderr) <= room:
        return stdout + title + stderr
    half = room // 2
    if len(stderr) <= half:
        return stdout[: room - len(stderr) - len(_CUT_OUTPUT)] + _CUT_OUTPUT + title + stderr
    if len(stdout) <= half:
        return stdout + title + stderr[: room - len(stdout) - len(_CUT_ERROR)] + _CUT_ERROR
    return (
        stdout[: half - len(_CUT_OUTPUT)]
        + _CUT_OUTPUT
        + title
        + stderr[: half - len(_CUT_ERROR)]
        + _CUT_ERROR
    )


def key_folder(prefix: str, command_id: str, instance_id: str) -> str:
    """Where the output of AWS-RunShellScript lies in the bucket."""
    folder = f"{command_id}/{instance_id}/awsrunShellScript/0.awsrunShellScript"
    return f"{prefix.strip('/')}/{folder}" if prefix.strip("/") else folder
