"""The plan that a person reads; whole outputs stand in tests/golden/plan."""

from __future__ import annotations

import io
from collections.abc import Sequence

from runbook.events import Event, Tally
from runbook.model import Action, Change, Status
from runbook.report_plan import PlanReporter
from runbook.report_screen import PlainScreen
from runbook.style import Style, colour, no_colour

from tests.support.golden import assert_golden
from tests.support.told import (
    CLUSTER,
    CREATE,
    RUN,
    UNDECIDED,
    UPDATE,
    Hides,
    finished,
    item,
    play,
    started,
    step,
    task,
)

DELETE = Change(
    action=Action.DELETE, resource=CLUSTER, before={"name": "lab-cluster"}, reason="it is to be absent"
)
REPLACE = Change(
    action=Action.REPLACE,
    resource=CLUSTER,
    before={"name": "lab-cluster", "port": 6379},
    after={"name": "lab-cluster", "port": 6380},
    reason="the port is fixed at creation",
)
COMPARED = Change(
    action=Action.READ,
    before={"value": "a"},
    after={"value": "b"},
    reason="1 of 1 not as declared",
    compared=True,
)

MIXED: tuple[Event, ...] = (
    started(check=True),
    play(),
    task("Look", "ec2_info"),
    step("Look"),
    step("Look", host="web2"),
    task("Create the cluster", "memorydb_cluster"),
    step("Create the cluster", Status.CHANGED, changes=(CREATE,)),
    step("Create the cluster", host="web2"),
    task("Scale it", "memorydb_cluster"),
    step("Scale it", Status.CHANGED, changes=(UPDATE,), msg="2 nodes"),
    step("Scale it", Status.SKIPPED, host="web2"),
    task("Check", "assert"),
    step("Check", module="assert", msg="Can't be told before the run: 'x' depends on y"),
    task("Say", "debug"),
    step("Say", module="debug", msg="hello"),
    task("Compare", "valkey_ops"),
    step("Compare", Status.CHANGED, changes=(COMPARED,)),
    task("Ask git", "command"),
    step("Ask git", Status.OK, changes=(Change(action=Action.RUN, reason="runs git rev-parse HEAD"),)),
    task("Make users"),
    item("Make users", "john", Status.CHANGED, changes=(RUN,)),
    item("Make users", "martha"),
    step("Make users", Status.CHANGED, changes=(RUN,), results=[{}, {}]),
    task("Maybe", "command"),
    step("Maybe", Status.CHANGED, changes=(UNDECIDED,)),
    step("Maybe", Status.CHANGED, host="web2", changes=(UNDECIDED,)),
    task("Replace it", "memorydb_cluster"),
    step("Replace it", Status.CHANGED, host="web2", changes=(REPLACE,)),
    task("Remove it", "memorydb_cluster"),
    step("Remove it", Status.CHANGED, host="web2", changes=(DELETE,)),
    task("Last", "debug"),
    step("Last", module="debug", msg="bye"),
    finished(web1=Tally(ok=8, changed=4), web2=Tally(ok=4, changed=3, skipped=1)),
)

CALM: tuple[Event, ...] = (
    started(check=True),
    play(hosts=("web1",)),
    task("Look", "ec2_info"),
    step("Look"),
    task("Write", "copy"),
    step("Write"),
    finished(web1=Tally(ok=2)),
)

CUT_SHORT: tuple[Event, ...] = (
    started(check=True),
    play(hosts=("web1",)),
    task("Look", "ec2_info"),
    step("Look"),
    task("Create the cluster", "memorydb_cluster"),
    step("Create the cluster", Status.CHANGED, changes=(CREATE,)),
    task("Refuse", "fail"),
    step("Refuse", Status.FAILED, module="fail", msg="No."),
    finished(2, web1=Tally(ok=2, changed=1, failed=1)),
)


def shown(
    events: Sequence[Event], *, verbosity: int = 0, style: Style = no_colour, kept: bool = False
) -> str:
    stream = io.StringIO()
    reporter = PlanReporter(PlainScreen(stream, Hides()), style, verbosity=verbosity, kept=kept)
    for event in events:
        reporter.tell(event)
    reporter.close()
    return stream.getvalue()


def test_a_plan_tells_what_changes_and_counts_the_rest() -> None:
    assert_golden("plan/mixed.txt", shown(MIXED))


def test_a_verbose_plan_tells_all_tasks() -> None:
    assert_golden("plan/mixed_verbose.txt", shown(MIXED, verbosity=1))


def test_colours() -> None:
    assert_golden("plan/mixed_colour.txt", shown(MIXED, style=colour))


def test_a_plan_without_changes_says_so() -> None:
    assert_golden("plan/calm.txt", shown(CALM))


def test_a_plan_cut_short_counts_nothing() -> None:
    assert_golden("plan/cut_short.txt", shown(CUT_SHORT))


def test_who_keeps_the_plan_need_not_be_told_how() -> None:
    assert "-o FILE" in shown(MIXED)
    assert "-o FILE" not in shown(MIXED, kept=True)
    assert "-o FILE" not in shown(CALM)
