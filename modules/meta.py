"""A word to the engine.

- meta: flush_handlers

`flush_handlers` runs notified handlers now; `end_host` ends the play for this host, `end_play` for all of them;
`end_batch` ends the batch of `serial`; `clear_host_errors` forgets what failed; `clear_facts` keeps what `set_fact`
set, as in Ansible; `noop` does nothing.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from runbook.contract import FREE_FORM, Decision, Params, Scope
from runbook.contract import Meta as MetaDirective

Word = Literal[
    "flush_handlers", "end_host", "end_play", "end_batch", "clear_facts", "clear_host_errors", "noop"
]


class MetaParams(Params, frozen=True, kw_only=True):
    free_form: Annotated[Word, FREE_FORM, msgspec.Meta(description="The word.")]


class Meta:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = MetaParams

    def compute(self, params: MetaParams, scope: Scope) -> Decision:
        return Decision(directive=MetaDirective(params.free_form))
