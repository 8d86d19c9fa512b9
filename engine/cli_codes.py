"""What the process ends with."""

DONE, WRONG, WOULD_CHANGE, STOPPED = 0, 1, 3, 4
"""Exit codes beside those that a run ends with (docs/cli.md)."""
