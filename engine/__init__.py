"""runbook: declarative runbooks for AWS that resume, whose plan is true, and that rehearse."""

__version__ = "0.1.0"
