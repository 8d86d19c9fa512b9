"""A word to the engine.

- meta: flush_handlers

`flush_handlers` runs notified handlers now; `end_host` ends the play for this host, `end_play` for all of them,
`end_batch` for the hosts of this batch of `serial`; `end_role` leaves the role that the task belongs to.
`clear_host_errors` lets hosts that failed take part in the next play; `clear_facts` forgets gathered facts and what
`set_fact` set with `cacheable`. `refresh_inventory` reads the inventory's sources anew; hosts and groups that tasks
brought stay, and so do facts. `reset_connection` and `noop` do nothing.

As in Ansible, what a meta task says is not registered, and `clear_facts`, `clear_host_errors`, `end_batch` and
`end_play` are said by the first host for all, its `when` included.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from runbook.contract import FREE_FORM, Decision, Params, Scope
from runbook.contract import Meta as MetaDirective

Word = Literal[
    "flush_handlers",
    "noop",
    "clear_facts",
    "clear_host_errors",
    "end_host",
    "end_batch",
    "end_play",
    "end_role",
    "refresh_inventory",
    "reset_connection",
]


class MetaParams(Params, frozen=True, kw_only=True):
    free_form: Annotated[Word, FREE_FORM, msgspec.Meta(description="The word.")]


class Meta:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = MetaParams

    def compute(self, params: MetaParams, scope: Scope) -> Decision:
        return Decision(directive=MetaDirective(params.free_form))
