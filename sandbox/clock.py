"""The clock of the sandbox: AWS's time, which can run faster than real time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable


class Clock:
    """Simulated time: `speed` simulated seconds pass in one real second, from the real time at start on."""

    def __init__(self, speed: float = 1.0, *, real_monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start the clock. `real_monotonic` gives real seconds; tests put a hand-driven one in.

        Raises ValueError if `speed` is not positive.
        """
        if not speed > 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._real_monotonic = real_monotonic
        self._real_start = real_monotonic()
        self._start = datetime.now(UTC)

    def monotonic(self) -> float:
        """Simulated seconds since the clock was started."""
        return (self._real_monotonic() - self._real_start) * self.speed

    def now(self) -> datetime:
        """The simulated time of day, in UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def at(self, monotonic: float) -> datetime:
        """The simulated time of day when `monotonic()` was, or will be, that number of seconds."""
        return self._start + timedelta(seconds=monotonic)

    def simulated(self, real: datetime) -> datetime:
        """The simulated time of day at a real one, as moto notes it (a naive one is taken as UTC).

        Real times before the start of the clock are left as they are.
        """
        aware = real if real.tzinfo else real.replace(tzinfo=UTC)
        since = (aware - self._start).total_seconds()
        return self._start + timedelta(seconds=since * self.speed) if since > 0 else aware

    def sleep(self, seconds: float) -> None:
        """Block for that many simulated seconds."""
        time.sleep(max(seconds, 0.0) / self.speed)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Block until `event` is set or that many simulated seconds are over; True if it was set."""
        return event.wait(max(seconds, 0.0) / self.speed)
