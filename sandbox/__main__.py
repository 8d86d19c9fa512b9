"""`python -m runbook.sandbox`."""

from .cli import run

run()
