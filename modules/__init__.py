"""The modules that come with runbook, one module a file."""
