"""Find out about this machine, as `setup` does.

- gather_facts:
    gather_subset: min
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta
from runbook.contract import Params, no_effect

from ._setup import Setup, SetupParams


class GatherFactsParams(SetupParams, frozen=True, kw_only=True):
    parallel: Annotated[
        bool | None, no_effect("There is one module to run."), Meta(description="Run modules side by side.")
    ] = None


class GatherFacts(Setup):
    __doc__ = __doc__
    Params: ClassVar[type[Params]] = GatherFactsParams
