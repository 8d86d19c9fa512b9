"""How changes take time: real work in the background, and a status that follows the clock."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from .memorydb_state import Acl, Change, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from .memorydb_state import Cluster, Nodes, Snapshot, State
    from .topology import ClusterHandle

log = logging.getLogger(__name__)

_Record = TypeVar("_Record", Acl, User)


class Changes:
    """Begins changes and settles those that are over.

    Nothing ticks: `settle` is called, with the state's lock held, before each operation.
    """

    def __init__(self, state: State, nodes: Nodes) -> None:
        self._state = state
        self._nodes = nodes
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="memorydb")

    def begin(
        self,
        cluster: Cluster,
        status: str,
        seconds: float,
        *,
        finish: Callable[[ClusterHandle | None, float], None],
        fail: Callable[[BaseException | None, float], None],
        job: Callable[[], None] | None = None,
        reverted: bool = False,
        topology: bool = False,
    ) -> None:
        """Put the cluster into `status` until `seconds` of AWS time are over and the job is done."""
        ends = self._state.clock.monotonic() + seconds
        change = Change(ends, finish, fail, reverted=reverted, topology=topology)
        cluster.status = status
        cluster.change = change
        if job is None or reverted:
            return

        def run() -> ClusterHandle | None:
            job()
            return None if status == "deleting" else self._nodes.describe(cluster.name)

        def note_end(_: Future[ClusterHandle | None]) -> None:
            change.worked_until = self._state.clock.monotonic()

        change.work = self._pool.submit(run)
        change.work.add_done_callback(note_end)

    def settle(self) -> None:
        """Bring all that is over to its end."""
        for cluster in list(self._state.clusters.values()):
            self._settle_cluster(cluster)
        for snapshot in list(self._state.snapshots.values()):
            self._settle_snapshot(snapshot)
        self._settle_access()

    def background(self, job: Callable[[], None]) -> Future[None]:
        """Run a job beside all changes."""
        return self._pool.submit(job)

    def after(self, work: Future[ClusterHandle | None]) -> Future[None]:
        """A future that ends, or fails, with that work."""
        follower: Future[None] = Future()

        def copy(done: Future[ClusterHandle | None]) -> None:
            error = CancelledError() if done.cancelled() else done.exception()
            if error:
                follower.set_exception(error)
            else:
                follower.set_result(None)

        work.add_done_callback(copy)
        return follower

    def close(self) -> None:
        """Begin nothing more and let go of what still runs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _settle_cluster(self, cluster: Cluster) -> None:
        change, now = cluster.change, self._state.clock.monotonic()
        if change is None or now < change.ends or (change.work and not change.work.done()):
            return
        at = max(change.ends, change.worked_until)
        cluster.change = None
        error = change.work.exception() if change.work else None
        if error:
            log.error("cluster %s: the data plane failed", cluster.name, exc_info=error)
        if error or change.reverted:
            change.fail(error, at)
        else:
            change.finish(change.work.result() if change.work else None, at)

    def _settle_snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.status not in {"creating", "deleting"} or self._state.clock.monotonic() < snapshot.ready:
            return
        if snapshot.status == "deleting":
            del self._state.snapshots[snapshot.name]
            self._state.tags.pop(self._state.arn("snapshot", snapshot.name), None)
        elif snapshot.work is None or snapshot.work.done():
            failed = snapshot.work.exception() if snapshot.work else None
            if failed:
                log.error("snapshot %s: the data could not be kept", snapshot.name, exc_info=failed)
            snapshot.status = "failed" if failed else "available"

    def _settle_access(self) -> None:
        self._settle_records("acl", self._state.acls)
        self._settle_records("user", self._state.users)

    def _settle_records(self, kind: str, records: dict[str, _Record]) -> None:
        now = self._state.clock.monotonic()
        for name, record in list(records.items()):
            if record.status == "active" or now < record.until:
                continue
            if record.status == "deleting":
                del records[name]
                self._state.tags.pop(self._state.arn(kind, name), None)
            record.status = "active"
