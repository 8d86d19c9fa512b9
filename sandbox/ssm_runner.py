"""Drives commands: delivers them, runs them on the host, times them out. One thread, whatever their number."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from typing import TYPE_CHECKING

from .instance_host import Script, ScriptEnd
from .service import AwsError
from .ssm_commands import STOPPED_CODE, Command, Invocation, State
from .ssm_instances import Ping
from .ssm_output import Output, key_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock
    from .instance_host import InstanceHost
    from .ssm_assumptions import SsmAssumptions
    from .ssm_instances import InstanceFacts, ManagedInstances

log = logging.getLogger(__name__)
_REBOOT_CODE = 194
_WAITING = (State.PENDING, State.DELAYED)
_OPEN = (State.IN_PROGRESS, State.CANCELLING)
# How long to sleep at most, in real seconds: the clock may be moved by hand.
_LONGEST_NAP = 0.2


class Runner:
    """Makes the states of invocations change. `lock` guards them; the service reads under it."""

    def __init__(
        self,
        *,
        managed: ManagedInstances,
        clock: Clock,
        host: InstanceHost,
        s3_put: Callable[[str, str, bytes], None],
        assumptions: SsmAssumptions,
    ) -> None:
        self.lock = threading.RLock()
        self._managed = managed
        self._clock = clock
        self._host = host
        self._s3_put = s3_put
        self._assumed = assumptions
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def stop(self) -> None:
        """Do nothing any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread:
            self._thread.join()

    def add(self, command: Command) -> None:
        """Take charge of a command just sent."""
        self._after(self._assumed.deliver_seconds, lambda: self._advance(command))
        until_expiry = (command.expires_at - command.requested_at).total_seconds()
        self._after(until_expiry, lambda: self._expire(command))

    def cancel(self, command: Command, instance_ids: list[str]) -> None:
        """Cancel as well as it goes: what has not started never will, what runs is killed."""
        with self.lock:
            chosen = [
                i for i in command.invocations.values() if not instance_ids or i.instance_id in instance_ids
            ]
            command.cancelled = command.cancelled or not instance_ids
            for invocation in chosen:
                if invocation.state in _WAITING:
                    self._finish(invocation, State.CANCELLED)
                elif invocation.state is State.IN_PROGRESS:
                    invocation.state = State.CANCELLING
                    self._kill(invocation, State.CANCELLED)
        self._after(0.0, lambda: self._advance(command))

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do `action` after so many seconds of AWS time, in the runner's thread."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ssm", daemon=True)
                self._thread.start()
            heapq.heappush(self._due, (self._clock.monotonic() + seconds, next(self._order), action))
            self._changed.notify()

    def _run(self) -> None:
        while action := self._next():
            try:
                action()
            except Exception:
                log.exception("a command's step failed")

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._stopped:
                if not self._due:
                    self._changed.wait()
                    continue
                left = (self._due[0][0] - self._clock.monotonic()) / self._clock.speed
                if left <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(min(left, _LONGEST_NAP))
        return None

    def _advance(self, command: Command) -> None:
        """Start as many invocations as the command's limits allow."""
        managed = self._managed.all()
        states = self._managed.states()
        starting: list[Invocation] = []
        with self.lock:
            for invocation in command.invocations.values():
                if invocation.state is not State.PENDING:
                    continue
                if command.too_many_errors:
                    self._finish(invocation, State.TERMINATED)
                elif command.count(*_OPEN) >= command.request.max_concurrency:
                    break
                elif self._deliver(command, invocation, managed, states):
                    starting.append(invocation)
        for invocation in starting:
            self._start(command, invocation, managed[invocation.instance_id])

    def _deliver(
        self,
        command: Command,
        invocation: Invocation,
        managed: dict[str, InstanceFacts],
        states: dict[str, str],
    ) -> bool:
        """Hand an invocation to its agent; whether it took it."""
        instance_id = invocation.instance_id
        if states.get(instance_id, "terminated") in {"terminated", "shutting-down"}:
            self._finish(invocation, State.UNDELIVERABLE)
            return False
        if instance_id not in managed or self._managed.ping(instance_id) is not Ping.ONLINE:
            invocation.state = State.DELAYED
            self._after(self._assumed.retry_seconds, lambda: self._retry(command, invocation))
            return False
        invocation.state = State.IN_PROGRESS
        invocation.started_at = self._clock.now()
        return True

    def _retry(self, command: Command, invocation: Invocation) -> None:
        with self.lock:
            if invocation.state is State.DELAYED:
                invocation.state = State.PENDING
        self._advance(command)

    def _start(self, command: Command, invocation: Invocation, facts: InstanceFacts) -> None:
        request = command.request
        # As the agent writes its script: one line for each string.
        script = Script(command.command_id, "\n".join(request.lines) + "\n", request.working_directory)
        end = self._host.run(
            facts.instance_id,
            self._managed.hostname(facts),
            script,
            lambda ended: self._after(0.0, lambda: self._ended(command, invocation, ended)),
        )
        with self.lock:
            invocation.end = end
            cancelled = invocation.why_ended is not None
        if cancelled:
            end()
        # Scripts run in real time, so this time-out is real too, however fast the clock runs.
        limit = request.execution_timeout * self._clock.speed
        self._after(limit, lambda: self._time_out(invocation))

    def _time_out(self, invocation: Invocation) -> None:
        with self.lock:
            if invocation.state in _OPEN:
                self._kill(invocation, State.EXECUTION_TIMED_OUT)

    def _kill(self, invocation: Invocation, why: State) -> None:
        invocation.why_ended = invocation.why_ended or why
        if invocation.end:
            invocation.end()

    def _ended(self, command: Command, invocation: Invocation, ended: ScriptEnd) -> None:
        if self._rebooting(command, invocation, ended):
            return
        if ended.lost and invocation.why_ended is None and invocation.instance_id not in self._managed.all():
            self._lose(command, invocation)
            return
        output = Output(ended.stdout, ended.stderr, self._added_line(invocation, ended))
        self._upload(command, invocation, output)
        with self.lock:
            invocation.output = output
            invocation.seconds = ended.seconds
            invocation.code = STOPPED_CODE if invocation.why_ended else ended.code
            success = State.SUCCESS if ended.code == 0 else State.FAILED
            self._finish(invocation, invocation.why_ended or success)
        self._advance(command)

    def _lose(self, command: Command, invocation: Invocation) -> None:
        """The instance went down under the script: AWS hears no more of it, until the command expires."""
        with self.lock:
            invocation.lost = True
            if self._clock.now() >= command.expires_at:
                self._finish(invocation, State.DELIVERY_TIMED_OUT)
        self._advance(command)

    def _rebooting(self, command: Command, invocation: Invocation, ended: ScriptEnd) -> bool:
        """Whether the script asked for a reboot; then the instance gets one, and the step runs again."""
        if ended.code != _REBOOT_CODE or invocation.why_ended is not None:
            return False
        self._host.stop(invocation.instance_id)
        self._managed.cut_off(invocation.instance_id, self._assumed.reboot_seconds)
        self._after(self._assumed.reboot_seconds, lambda: self._start_again(command, invocation))
        return True

    def _start_again(self, command: Command, invocation: Invocation) -> None:
        facts = self._managed.all().get(invocation.instance_id)
        if facts and invocation.state in _OPEN and invocation.why_ended is None:
            self._start(command, invocation, facts)

    def _added_line(self, invocation: Invocation, ended: ScriptEnd) -> str:
        if ended.lost:
            return f"failed to run commands: {ended.lost}\n"
        if invocation.why_ended is not None:
            return "failed to run commands: signal: killed\n"
        if ended.code and self._assumed.failed_line:
            return f"failed to run commands: exit status {ended.code}\n"
        return ""

    def _upload(self, command: Command, invocation: Invocation, output: Output) -> None:
        bucket, prefix = command.request.bucket, command.request.key_prefix
        if not bucket:
            return
        folder = key_folder(prefix, command.command_id, invocation.instance_id)
        try:
            for name, content in output.whole().items():
                self._s3_put(bucket, f"{folder}/{name}", content)
        except AwsError as error:  # The agent only notes it: the command's outcome is the script's.
            log.warning("output of %s was not stored: %s", command.command_id, error)

    def _expire(self, command: Command) -> None:
        # A script that runs is left alone: it runs in real time, which the clock may have left far behind.
        with self.lock:
            for invocation in command.invocations.values():
                if invocation.state in _WAITING or (invocation.state in _OPEN and invocation.lost):
                    self._finish(invocation, State.DELIVERY_TIMED_OUT)

    def _finish(self, invocation: Invocation, state: State) -> None:
        invocation.state = state
        invocation.ended_at = self._clock.now()
        invocation.end = None
