"""Whether the world is still as a run left it: pure, recorded fields against fields that are seen now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .acts import Act
from .looking import Seen
from .undo_plan import Back, Find, by_resource, passing_of
from .writers import EXISTS, MISSING, Path, alike, last_writers, leaves, touched

NOT_SEEN = Seen(error="it was not looked at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A field that is not as it was left."""

    act: Act
    """Who wrote it last."""
    resource: str
    path: Path = EXISTS
    recorded: Any = None
    now: Any = None
    error: str = ""
    """Why it can't be looked at."""


def differing(acts: Sequence[Act], find: Find, look: Mapping[int, Seen]) -> Iterator[Moved]:
    """Fields that are not as their last writers left them. `look`: what each act's call sees now."""
    failed: set[int] = set()
    for (_, resource), changes in by_resource(acts, find).items():
        for number, recorded in sorted(_by_writer(last_writers(changes)).items()):
            act, seen = acts[number], look.get(number, NOT_SEEN)
            if not seen.error:
                yield from compare(act, resource, recorded, seen, passing_of(act, find))
            elif number not in failed:
                failed.add(number)
                yield Moved(act=act, resource=resource, error=seen.error)


def compare(
    act: Act, resource: str, recorded: Mapping[Path, Any], seen: Seen, passing: Collection[str]
) -> Iterator[Moved]:
    """Fields of one resource that are not as they were left. What passes by itself is not looked at; a field that
    the module itself finds as its arguments ask for is right, however it is written."""
    if not seen.sees(resource):
        return  # the module found nothing to tell of it
    state = seen.state(resource)
    wanted = recorded.get(
        EXISTS, state is not None or any(value is not MISSING for value in recorded.values())
    )
    if wanted != (state is not None):
        yield Moved(act=act, resource=resource, recorded=wanted, now=state is not None)
        return
    if state is None or not act.finished:
        return
    now, again = leaves(state), touched(seen.changes[resource])
    asked = act.called.arguments if act.called is not None else {}
    for path, value in recorded.items():
        if path == EXISTS or path[0] in passing or (value is None and EXISTS in recorded):
            continue
        found = now.get(path, MISSING)
        if alike(value, found) or (path[0] in asked and path not in again):
            continue
        yield Moved(act=act, resource=resource, path=path, recorded=value, now=found)


def moved_on(
    backs: Sequence[Back],
    acts: Sequence[Act],
    look: Mapping[int, Seen],
    find: Callable[[str], Any],
    instead: Mapping[str, Seen],
) -> Iterator[Moved]:
    """Fields that are to be taken back, and that somebody has changed since. One that is as it was before the run
    is taken back already. `instead`: what was seen of a resource at which its own step could not look again."""
    for back in backs:
        for number, recorded in sorted(_by_writer(back.left_behind).items()):
            seen, act = look.get(number, NOT_SEEN), acts[number]
            if seen.error:
                seen = instead.get(back.resource, seen)
            if seen.error:
                yield Moved(act=act, resource=back.resource, error=seen.error)
                continue
            for one in compare(act, back.resource, recorded, seen, passing_of(act, find)):
                if not _as_before(one, back, seen):
                    yield one


def _by_writer(left: Mapping[Path, tuple[int, Any]]) -> dict[int, dict[Path, Any]]:
    found: dict[int, dict[Path, Any]] = {}
    for path, (number, value) in left.items():
        found.setdefault(number, {})[path] = value
    return found


def _as_before(one: Moved, back: Back, seen: Seen) -> bool:
    before = back.change.before
    if one.path != EXISTS:
        return before is not None and alike(leaves(before).get(one.path, MISSING), one.now)
    if before is None:
        return not one.now
    return bool(one.now) and all(
        alike(value, leaves(seen.state(one.resource)).get(path, MISSING))
        for path, value in leaves(before).items()
    )
