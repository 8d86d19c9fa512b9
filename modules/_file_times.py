"""`modification_time` and `access_time`: a moment, `now`, or what it is."""

from __future__ import annotations

import time

from runbook.errors import Failed

from ._files_state import Times
from ._files_write import NOW


def moment(told: str | None, form: str, default: str) -> float | None:
    """Seconds since 1970; NOW for the moment of the change; None: it stays. Raises Failed."""
    word = told or default
    if word == "preserve":
        return None
    if word == "now":
        return NOW
    try:
        return time.mktime(time.strptime(word, form))
    except (ValueError, OverflowError) as error:
        raise Failed(
            f"Error while obtaining timestamp for time {word} using format {form}: {error}"
        ) from None


def changed_times(before: Times | None, wanted: Times) -> Times | None:
    """What of it would change; None: nothing."""
    access = _differs(before.access if before else None, wanted.access)
    modification = _differs(before.modification if before else None, wanted.modification)
    if access is None and modification is None:
        return None
    return Times(access=access, modification=modification)


def _differs(found: float | None, wanted: float | None) -> float | None:
    return None if wanted is None or wanted == found else wanted
