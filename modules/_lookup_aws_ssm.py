"""Another name of the lookup `aws_ssm_parameter`."""

from __future__ import annotations

from ._lookup_aws_ssm_parameter import Lookup

__all__ = ["Lookup"]
