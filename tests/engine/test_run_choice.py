"""Which run a play is: a new one, the unfinished one of the same manner, or the one that was named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from runbook.contract import Identity, Target
from runbook.errors import UsageError
from runbook.journal import Journal, RunEnded, RunHeader
from runbook.journal_sqlite import SqliteJournal
from runbook.model import Inventory, Playbook
from runbook.options import Options
from runbook.preflight import Destination
from runbook.run_choice import choose_run, make_header, new_run_name


def header(
    *, extra: dict[str, Any] | None = None, account: str = "1", region: str = "eu-west-2", world: str = ""
) -> RunHeader:
    options = Options(extra_vars=extra or {})
    where = [
        Destination(
            Target(region=name, ca_file="ca.pem" if world else None, world=world),
            Identity(account, "arn", name),
        )
        for name in region.split(",")
    ]
    return make_header(Playbook("p.yml", (), "d"), Inventory({}, {}), options, where)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = SqliteJournal(tmp_path / "state.db")
    yield made
    made.close()


def end(journal: Journal, status: Any) -> None:
    journal.commit(RunEnded(status=status, exit_code=0, ended=datetime.now(UTC), seconds=1.0))


def test_the_first_run_is_new(journal: Journal) -> None:
    chosen = choose_run(journal, header(), Options())
    assert not chosen.resumed
    assert chosen.note == ""


@pytest.mark.parametrize(
    ("status", "resumed"), [("failed", True), ("stopped", True), (None, True), ("done", False)]
)
def test_an_unfinished_run_of_the_same_manner_goes_on(journal: Journal, status: Any, resumed: bool) -> None:
    first = choose_run(journal, header(), Options())
    if status:
        end(journal, status)
    again = choose_run(journal, header(), Options())
    assert again.resumed is resumed
    assert (again.header.run == first.header.run) is resumed


@pytest.mark.parametrize(
    "other", [{"extra": {"a": 1}}, {"account": "2"}, {"world": "w1"}, {"region": "us-1"}]
)
def test_another_manner_or_another_world_is_another_run(journal: Journal, other: dict[str, Any]) -> None:
    choose_run(journal, header(), Options())
    assert not choose_run(journal, header(**other), Options()).resumed


def test_fresh_and_a_dry_run_never_go_on(journal: Journal) -> None:
    choose_run(journal, header(), Options())
    assert not choose_run(journal, header(), Options(fresh=True)).resumed
    assert not choose_run(journal, header(), Options(check=True)).resumed


def test_a_named_run_goes_on_though_a_later_one_was_started(journal: Journal) -> None:
    first = choose_run(journal, header(), Options())
    choose_run(journal, header(), Options(fresh=True))
    chosen = choose_run(journal, header(), Options(run=first.header.run))
    assert chosen.header.run == first.header.run
    assert "--fresh" in chosen.note


def test_a_named_run_is_refused_in_another_account_or_world(journal: Journal) -> None:
    run = choose_run(journal, header(world="w1"), Options()).header.run
    for other in (header(world="w2"), header(account="2", world="w1")):
        with pytest.raises(UsageError, match="acted in account 1"):
            choose_run(journal, other, Options(run=run))


@pytest.mark.parametrize("other", [{"account": "2"}, {"world": "w2"}, {"region": "us-1"}])
def test_a_new_run_says_why_it_is_not_the_unfinished_one_of_another_world(
    journal: Journal, other: dict[str, Any]
) -> None:
    first = choose_run(journal, header(world="w1"), Options())
    note = choose_run(journal, header(**({"world": "w1"} | other)), Options()).note
    assert note.startswith(
        f"A new run: {first.header.run} is unfinished, but acted in account 1, Region eu-west-2"
    )


def test_nothing_is_said_of_a_finished_run_of_another_world(journal: Journal) -> None:
    choose_run(journal, header(), Options())
    end(journal, "done")
    assert choose_run(journal, header(account="2"), Options()).note == ""


def test_an_edit_may_add_a_region(journal: Journal) -> None:
    run = choose_run(journal, header(), Options()).header.run
    assert choose_run(journal, header(region="eu-west-2,us-1"), Options()).header.run == run
    with pytest.raises(UsageError, match="acted in account 1"):
        choose_run(
            journal,
            header(),
            Options(run=choose_run(journal, header(region="eu-west-2,us-1"), Options(fresh=True)).header.run),
        )


def test_a_named_run_that_is_not_there(journal: Journal) -> None:
    with pytest.raises(UsageError, match="no run 'x'"):
        choose_run(journal, header(), Options(run="x"))


def test_one_step_is_and_two_steps_are_recorded(journal: Journal) -> None:
    chosen = choose_run(journal, header(), Options())
    for count, text in ((1, "1 step is recorded"), (2, "2 steps are recorded")):
        history = type("H", (), {"__len__": lambda _self, n=count: n})()
        resumed = type(chosen)(
            msgspec.structs.replace(chosen.header), history, resumed=True, began=chosen.began
        )
        assert resumed.note.startswith(text)


def test_names_of_runs_sort_by_time_and_differ() -> None:
    names = {new_run_name() for _ in range(50)}
    assert len(names) > 45
    assert all(len(name) == len("1123-0846-3f9c") for name in names)
