"""What the words of `meta` mean for the hosts of a play: who stops here, and who is forgiven."""

from __future__ import annotations

from dataclasses import dataclass

from .model import Meta, Outcome
from .scheduler import Lane
from .variables import Surroundings

META = "meta"
"""The module whose steps are words to the engine: they are neither told nor counted, as in Ansible."""
FOR_ALL = frozenset({"clear_facts", "clear_host_errors", "refresh_inventory", "end_play", "end_batch"})
"""Words that the first host says for all of them, its `when` included."""
_ENDING = frozenset({"end_host", "end_play", "end_batch"})


@dataclass(slots=True)
class MetaWords:
    """The words that were said in one play and batch."""

    around: Surroundings
    lanes: dict[str, Lane]
    ended: bool = False
    """`end_play`: the batches that are left are not played."""
    forgiven: bool = False
    """`clear_host_errors`: hosts of the play that failed take part in the next one."""

    @staticmethod
    def refreshes(outcome: Outcome) -> bool:
        """Whether the inventory is to be read anew."""
        return any(isinstance(d, Meta) and d.word == "refresh_inventory" for d in outcome.directives)

    def follow(self, lane: Lane, outcome: Outcome) -> bool:
        """Do what the outcome's words say; whether one of them ended the lane."""
        words = {d.word for d in outcome.directives if isinstance(d, Meta)}
        if not words:
            return False
        if "clear_host_errors" in words:
            self.forgiven = True
            for other in self.lanes.values():
                other.failed = False
        if "clear_facts" in words:
            self.around.hosts[lane.host].gathered.forget()
        self.ended = self.ended or "end_play" in words
        if words & {"end_play", "end_batch"}:
            for other in self.lanes.values():
                if other.slot is not None and not other.running:
                    other.leave()
        if words & _ENDING:
            lane.leave()
        if "end_host" in words and lane.host in self.around.batch:
            self.around.batch.remove(lane.host)
            self.around.play_hosts.remove(lane.host)
        return bool(words & _ENDING)
