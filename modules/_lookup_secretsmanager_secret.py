"""Another name of the lookup `aws_secret`."""

from __future__ import annotations

from ._lookup_aws_secret import Lookup

__all__ = ["Lookup"]
