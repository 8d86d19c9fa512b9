"""`play --plan`: a run does what its plan says, or stops before it does anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from runbook.errors import UsageError
from runbook.plan_file import PlanFile, read_plan
from runbook.values import Secret

from tests.support.plays import Folder, Played

BOOK = """
    - hosts: localhost
      vars: {text: new}
      tasks:
        - {name: first, copy: {content: "{{ text }}", dest: out/first}}
        - {name: second, copy: {content: "{{ text }}", dest: out/second}, register: second}
        - {name: run, command: echo hi, register: ran}
        - {name: known later, copy: {content: "{{ ran.stdout }}", dest: out/third}}
        - {name: maybe, copy: {content: x, dest: out/fourth}, when: ran.stdout == 'hi'}
        - {name: each, copy: {content: "{{ item }}", dest: "out/{{ item }}"}, loop: "{{ ran.stdout_lines }}"}
"""


@pytest.fixture
def kept(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(folder.path)
    (folder.path / "out").mkdir()
    return folder


def stopped(played: Played) -> str:
    assert played.code == 4, played.steps
    return played.notices


def test_a_run_does_what_was_planned(kept: Folder) -> None:
    played = kept.keep(kept.plan(BOOK))
    assert played.code == 0, played.notices
    assert sorted(path.name for path in (kept.path / "out").iterdir()) == [
        "first",
        "fourth",
        "hi",
        "second",
        "third",
    ]


def test_the_plan_tells_every_change_and_what_is_open(kept: Folder) -> None:
    plan = kept.plan(BOOK).plan
    told = {
        step.task: [(call.change.action.value, call.change.after) for call in step.calls]
        for step in plan.steps
    }
    assert list(told) == ["first", "second", "run", "known later", "maybe", "each"]
    assert told["run"] == [("run", {"command": "echo hi"})]
    assert told["maybe"] == [("undecided", None)], "nothing of it is sure enough to be held to"
    assert told["each"] == [("undecided", None)]


@pytest.mark.parametrize(
    ("edit", "task", "told"),
    [
        (("text: new", "text: newer"), "first", 'now "newer"'),
        (("echo hi", "echo ho"), "run", 'command: planned "echo hi", now "echo ho"'),
        (("dest: out/second", "dest: out/other"), "second", "out/other"),
    ],
)
def test_another_playbook_stops_before_the_first_step_that_is_another(
    kept: Folder, edit: tuple[str, str], task: str, told: str
) -> None:
    saved = kept.plan(BOOK)
    message = stopped(kept.keep(saved, BOOK.replace(*edit)))
    assert f"{task} (localhost) is not as it was planned" in message
    assert told in message
    assert "the playbook (site.yml) changed" in message
    done = {"first": [], "second": ["first"], "run": ["first", "second"]}[task]
    assert sorted(path.name for path in (kept.path / "out").iterdir()) == done


def test_a_new_step_stops_the_run_unless_it_changes_nothing(kept: Folder) -> None:
    saved = kept.plan(BOOK)
    calm = kept.write("calm", "")
    harmless = BOOK + f"        - {{name: calm, file: {{path: {calm}, state: file}}}}\n"
    assert kept.keep(saved, harmless).code == 0
    message = stopped(
        kept.keep(saved, BOOK + "        - {name: more, command: touch out/more}\n", fresh=True)
    )
    assert "first (localhost) is not as it was planned" in message, "what it did is another world"


def test_what_is_not_in_the_plan_is_not_done(kept: Folder) -> None:
    saved = kept.plan(BOOK)
    message = stopped(kept.keep(saved, BOOK + "        - {name: more, command: touch out/more}\n"))
    assert "more (localhost) is not as it was planned" in message
    assert "planned: no change, now: run runs touch out/more" in message
    assert not (kept.path / "out/more").exists()


def test_the_world_may_not_have_moved_on(kept: Folder) -> None:
    kept.write("out/second", "old")
    saved = kept.plan(BOOK)
    kept.write("out/second", "another")
    message = stopped(kept.keep(saved))
    assert "second (localhost) is not as it was planned" in message
    assert (kept.path / "out/second").read_text() == "another"
    assert (kept.path / "out/first").exists()


def test_somebody_did_it_already(kept: Folder) -> None:
    saved = kept.plan(BOOK)
    kept.write("out/second", "new")
    message = stopped(kept.keep(saved))
    assert 'action: planned "create", now "none"' in message, message


def test_a_planned_step_that_is_skipped_stops_the_run(kept: Folder) -> None:
    book = """
        - hosts: localhost
          vars: {asked: true}
          tasks:
            - {name: write, copy: {content: x, dest: out/x}, when: asked}
            - {name: after, command: touch out/after}
        """
    saved = kept.plan(book)
    message = stopped(kept.keep(saved, book.replace("true", "false")))
    assert "write (localhost) is not as it was planned: it was not done" in message
    assert "`when` is false: asked" in message
    assert not (kept.path / "out/after").exists()


def test_a_planned_step_that_is_gone_is_told_at_the_end(kept: Folder) -> None:
    book = """
        - hosts: localhost
          tasks:
            - {name: write, copy: {content: x, dest: out/x}}
            - {name: after, command: touch out/after}
        """
    saved = kept.plan(book)
    message = stopped(kept.keep(saved, book.replace("- {name: after, command: touch out/after}", "")))
    assert "Not all was done that was planned" in message
    assert "after (localhost)" in message


def test_a_loop_keeps_its_items(kept: Folder) -> None:
    book = """
        - hosts: localhost
          vars: {names: [a, b]}
          tasks: [{name: write, copy: {content: x, dest: "out/{{ item }}"}, loop: "{{ names }}"}]
        """
    saved = kept.plan(book)
    assert "out/c" in stopped(kept.keep(saved, book.replace("[a, b]", "[a, b, c]")))
    for path in (kept.path / "out").iterdir():
        path.unlink()
    fewer = stopped(kept.keep(saved, book.replace("[a, b]", "[b]"), fresh=True))
    assert "write (localhost) (item=a) is not as it was planned: it was not done" in fewer


def test_an_undecided_step_that_removes_something_needs_a_yes(kept: Folder) -> None:
    kept.write("out/old", "x")
    book = """
        - hosts: localhost
          tasks:
            - {name: look, command: echo yes, register: looked}
            - {name: clean, file: {path: out/old, state: absent}, when: looked.stdout == 'yes'}
        """
    saved = kept.plan(book)
    message = stopped(kept.keep(saved))
    assert "clean (localhost) was undecided in the plan, and would now remove something" in message
    assert "out/old" in message
    assert (kept.path / "out/old").exists()
    asked: list[str] = []

    def no(prompt: str) -> str:
        asked.append(prompt)
        return "no"

    assert kept.keep(saved, ask=no).code == 4
    assert "out/old" in asked[0]
    assert (kept.path / "out/old").exists()
    assert kept.keep(saved, ask=lambda _prompt: "yes").code == 0
    assert not (kept.path / "out/old").exists()


def test_an_undecided_include_may_expand(kept: Folder) -> None:
    kept.write("more.yml", "- {name: inner, copy: {content: x, dest: out/inner}}\n")
    book = """
        - hosts: localhost
          tasks:
            - {name: look, command: echo yes, register: looked}
            - {name: more, include_tasks: more.yml, when: looked.stdout == 'yes'}
        """
    assert kept.keep(kept.plan(book)).code == 0
    assert (kept.path / "out/inner").exists()


def test_a_run_goes_on_with_the_same_plan_only(kept: Folder) -> None:
    book = BOOK + "        - {name: fails, command: test -e out/go}\n"
    saved = kept.plan(book)
    assert kept.keep(saved).code == 2
    kept.write("out/go", "")
    again = kept.keep(saved)
    assert again.code == 0, again.notices
    assert again.started.resumed


def test_an_unfinished_run_does_not_go_on_with_another_plan(kept: Folder) -> None:
    book = BOOK + "        - {name: fails, command: test -e out/go}\n"
    saved = kept.plan(book)
    assert kept.keep(saved).code == 2
    another = kept.keep(saved, plan_digest="another")
    assert another.started.resumed is False
    assert another.code == 4, "a new run: the world is not as it was planned for one"
    assert kept.keep(saved, plan_digest="").started.resumed is True, "without a plan, any run goes on"


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (("chdir: out", "chdir: ."), 'argument chdir: planned "out", now "."'),
        (("NAME: one", "NAME: two"), 'setting environment.NAME: planned "one", now "two"'),
    ],
)
def test_what_a_change_does_not_tell_is_compared_too(kept: Folder, edit: tuple[str, str], told: str) -> None:
    book = """
        - hosts: localhost
          tasks:
            - name: run
              command: {cmd: touch here, chdir: out}
              environment: {NAME: one}
        """
    saved = kept.plan(book)
    assert told in stopped(kept.keep(saved, book.replace(*edit)))
    assert list((kept.path / "out").iterdir()) == []


def test_one_planned_item_is_for_one_item(kept: Folder) -> None:
    book = """
        - hosts: localhost
          vars: {names: [{name: a, id: "{{ ran.stdout }}"}]}
          tasks:
            - {name: run, command: echo hi, register: ran}
            - {name: write, command: "touch out/{{ item.name }}", loop: "{{ names }}"}
        """
    saved = kept.plan(book)
    assert kept.keep(saved).code == 0
    twice = book.replace('"}]}', '"}, {name: a, id: more}]}')
    message = stopped(kept.keep(saved, twice, fresh=True))
    assert "write (localhost) is not as it was planned" in message
    assert "planned once, and now for another item" in message


def test_items_that_need_nothing_need_no_plan(kept: Folder) -> None:
    book = """
        - hosts: localhost
          vars: {names: [{name: a, id: "{{ ran.stdout }}"}]}
          tasks:
            - {name: run, command: echo hi, register: ran}
            - {name: write, copy: {content: x, dest: "out/{{ item.name }}"}, loop: "{{ names }}"}
        """
    saved = kept.plan(book)
    assert kept.keep(saved, book.replace('"}]}', '"}, {name: a, id: more}]}')).code == 0


def test_another_world_is_refused_before_anything_is_run(kept: Folder) -> None:
    saved = kept.plan(BOOK)
    plan: PlanFile = saved.plan
    elsewhere = replace(saved, plan=msgspec.structs.replace(plan, account="111122223333", region="eu-west-1"))
    with pytest.raises(UsageError, match="The plan was made for account 111122223333"):
        kept.keep(elsewhere)


# ---------------------------------------------------------------- secrets

SECRET_BOOK = """
    - hosts: localhost
      tasks:
        - {name: write, copy: {content: "password={{ token }}", dest: out/x}}
        - {name: short, copy: {content: "{{ pin }}", dest: out/pin}}
        - {name: hidden, copy: {content: hush hush, dest: out/hush}, no_log: true}
        - {name: ok, copy: {content: plain, dest: out/plain}}
"""


def secret_vars(**other: str) -> dict[str, Any]:
    known = {"token": "hunter2hunter2", "pin": "42", **other}
    return {name: Secret(value, "-e") for name, value in known.items()}


def test_a_plan_file_holds_no_secret(kept: Folder) -> None:
    saved = kept.plan(SECRET_BOOK, key=b"key", extra_vars=secret_vars())
    text = Path(saved.path).read_text()
    assert "hunter2" not in text
    assert "hush hush" not in text
    assert '"42"' not in text
    assert Path(saved.path).stat().st_mode & 0o777 == 0o600
    assert json.loads(text)["steps"][3]["calls"][0]["arguments"]["content"] == "plain"
    played = kept.keep(saved, key=b"key", extra_vars=secret_vars())
    assert played.code == 0, played.notices


@pytest.mark.parametrize("other", [{"token": "hunter3hunter3"}, {"pin": "43"}])
def test_another_secret_is_another_plan(kept: Folder, other: dict[str, str]) -> None:
    saved = kept.plan(SECRET_BOOK, key=b"key", extra_vars=secret_vars())
    message = stopped(kept.keep(saved, key=b"key", extra_vars=secret_vars(**other)))
    assert "planned (sensitive value), now another one" in message
    assert "hunter" not in message


def test_without_a_key_a_secret_is_not_saved(kept: Folder) -> None:
    with pytest.raises(UsageError, match="'write' on localhost must not be written down") as caught:
        kept.plan(SECRET_BOOK, extra_vars=secret_vars())
    assert "RUNBOOK_STATE_KEY" in str(caught.value)
    assert not (kept.path / "saved.plan").exists()


def test_a_plan_with_secrets_needs_the_same_key(kept: Folder) -> None:
    saved = kept.plan(SECRET_BOOK, key=b"key", extra_vars=secret_vars())
    with pytest.raises(UsageError, match="holds secrets"):
        kept.keep(saved, extra_vars=secret_vars())
    assert "another one" in stopped(kept.keep(saved, key=b"other", extra_vars=secret_vars()))


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "is no plan, or it is damaged"),
        ("{}", "is no plan"),
        (
            '{"kind": "runbook plan", "format": 9, "made_by": "7.0"}',
            "was written by runbook 7.0, in format 9",
        ),
        ('{"kind": "runbook plan", "format": 1}', "is damaged"),
    ],
)
def test_what_is_no_plan_is_refused(kept: Folder, body: str, told: str) -> None:
    file = kept.write("x.plan", body)
    with pytest.raises(UsageError, match=told):
        read_plan(str(file))
