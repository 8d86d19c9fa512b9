"""A run that goes on after the playbook or its variables were edited: what is unchanged stands, the rest is planned
anew, and that is said."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.acts import acts_of
from runbook.events import ChangePlanned, StepAnew
from runbook.journal_reader import SqliteReader
from runbook.model import Action

from tests.support.plays import Folder, Played

MARK = 'shell: "echo {} >> marks"\n      args: {{chdir: "{{{{ playbook_dir }}}}"}}'
GATE = '    - {name: gate, command: "test -e open", args: {chdir: "{{ playbook_dir }}"}}\n'


def mark(name: str, text: str, *more: str) -> str:
    return "".join(f"      {line}\n" for line in more).join(
        [f"    - name: {name}\n      {MARK.format(text)}\n", ""]
    )


def play(*tasks: str, head: str = "") -> str:
    return f"- hosts: localhost\n{head}  tasks:\n" + "".join(tasks)


def marks(folder: Folder) -> list[str]:
    return (folder.path / "marks").read_text().split()


def anew(played: Played) -> list[tuple[str, str]]:
    return [(event.task, event.why) for event in played.of(StepAnew)]


def after(folder: Folder, before: str, edited: str, **options: Any) -> Played:
    """Play until the gate, edit, open the gate, play again."""
    assert folder.play(before).code == 2
    (folder.path / "open").touch()
    return folder.play(edited, run=folder_run(folder), **options)


def folder_run(folder: Folder) -> str:
    with SqliteReader(folder.state) as reader:
        return reader.runs()[-1].run


def test_nothing_is_said_of_a_run_that_nobody_edited(folder: Folder) -> None:
    text = play(mark("one", "{{ x }}", "when: x | int < 3"), GATE, head="  vars: {x: 1}\n")
    played = after(folder, text, text)
    assert played.code == 0
    assert not anew(played)
    assert "edited" not in played.started.note
    assert marks(folder) == ["1"]


@pytest.mark.parametrize(
    ("before", "edited"),
    [
        ("when: true", "when: 1 == 1"),
        ("environment: {A: a}", "environment: {A: b}"),
        ("vars: {x: 1}", "vars: {x: 2}"),
    ],
)
def test_a_finished_step_is_planned_anew_when_what_it_inherits_was_edited(
    folder: Folder, before: str, edited: str
) -> None:
    def text(keyword: str) -> str:
        task = mark("in", "{{ x | default(0) }}").replace("\n ", "\n     ").strip()
        return play(f"    - block:\n        {task}\n      {keyword}\n", mark("other", "other"), GATE)

    played = after(folder, text(before), text(edited))
    assert played.code == 0
    ((task, why),) = anew(played)
    assert (task, why) == ("in", "`x` changed since" if "vars" in before else "edited since")
    assert [event.task for event in played.of(ChangePlanned)] == ["in"]
    assert len(marks(folder)) == 3
    assert ("1 finished step is edited since" in played.started.note) == ("vars" not in before)


@pytest.mark.parametrize(
    "keyword", ["ignore_errors: true", "tags: [x]", "any_errors_fatal: true", "throttle: 1"]
)
def test_what_a_block_says_of_failures_and_manners_is_no_edit(folder: Folder, keyword: str) -> None:
    def text(more: str) -> str:
        return play(
            f"    - block:\n    {mark('in', 'x').replace(chr(10) + ' ', chr(10) + '     ')}{more}", GATE
        )

    played = after(folder, text(""), text(f"      {keyword}\n"))
    assert not anew(played)
    assert marks(folder) == ["x"]


def test_a_step_written_anew_is_said_to_be_edited_and_one_that_went_is_counted(folder: Folder) -> None:
    before = play(mark("one", "1"), mark("gone", "2"), mark("stays", "3"), GATE)
    edited = play(mark("one", "one"), mark("stays", "3"), GATE)
    played = after(folder, before, edited)
    assert anew(played) == [("one", "edited since")]
    assert played.started.note.endswith(
        "The playbook was edited: 1 finished step is edited since, to be planned anew; "
        "1 finished step is no longer in the playbook."
    )
    assert marks(folder) == ["1", "2", "3", "one"]


def test_a_new_step_among_finished_ones_is_shown_and_one_behind_them_is_as_any(folder: Folder) -> None:
    before = play(mark("one", "1"), GATE)
    edited = play(mark("between", "b"), mark("one", "1"), GATE, mark("behind", "z"))
    played = after(folder, before, edited)
    assert anew(played) == [("between", "new among finished steps")]
    assert marks(folder) == ["1", "b", "z"]


def test_moved_steps_stand(folder: Folder) -> None:
    played = after(
        folder, play(mark("a", "a"), mark("b", "b"), GATE), play(mark("b", "b"), mark("a", "a"), GATE)
    )
    assert not anew(played)
    assert marks(folder) == ["a", "b"]


def test_tasks_behind_a_failure_are_not_new_when_an_always_section_ran(folder: Folder) -> None:
    block = (
        "    - block:\n        - {name: bad, command: 'test -e open', args: {chdir: '{{ playbook_dir }}'}}\n"
    )
    block += "        - {name: next, debug: {}}\n      always:\n        - {name: last, debug: {}}\n"
    played = after(folder, play(block), play(mark("added", "x"), block))
    assert anew(played) == [("added", "new among finished steps")]


# ---------------------------------------------------------------- variables


def test_variables_of_every_place_count(folder: Folder) -> None:
    folder.inventory = str(folder.write("hosts.yml", "all: {hosts: {localhost: {h: 1}}, vars: {g: 1}}"))
    folder.write("roles/r/defaults/main.yml", "d: 1")
    folder.write("files.yml", "f: 1")
    folder.write("later.yml", "i: 1")
    folder.write("roles/r/tasks/main.yml", "- {name: d, debug: {msg: '{{ d }}'}}")
    names = ["h", "g", "f", "i", "p", "nested"]
    head = "  vars_files: [files.yml]\n  vars: {p: 1, deep: 1, nested: ['{{ deep }}']}\n  roles: [r]\n"
    tasks = [f"    - {{name: {name}, debug: {{msg: '{{{{ {name} }}}}'}}}}\n" for name in names]
    text = play("    - include_vars: later.yml\n", *tasks, GATE, head=head)
    assert folder.play(text).code == 2
    (folder.path / "open").touch()
    folder.write("hosts.yml", "all: {hosts: {localhost: {h: 2}}, vars: {g: 2}}")
    folder.write("roles/r/defaults/main.yml", "d: 2")
    folder.write("files.yml", "f: 2")
    folder.write("later.yml", "i: 2")
    played = folder.play(text.replace("p: 1, deep: 1", "p: 2, deep: 2"), run=folder_run(folder))
    assert dict(anew(played)) == {
        **{name: f"`{name}` changed since" for name in names},
        "r : d": "`d` changed since",
        "nested": "`deep` changed since",
    }
    assert [played.message(name) for name in ["r : d", *names]] == [2, 2, 2, 2, 2, 2, [2]]


def test_what_the_run_found_out_and_what_differs_each_time_is_no_edit(folder: Folder) -> None:
    text = play(
        "    - {name: reg, command: date +%N, register: r}\n",
        "    - set_fact: {t: '{{ now().microsecond }}', same: '{{ x }}'}\n",
        "    - {name: use, debug: {msg: '{{ [r.stdout, t, noise, same, ansible_date_time] }}'}}\n",
        GATE,
        head="  vars: {noise: \"{{ lookup('pipe', 'date +%N') }}{{ [1, 2, 3] | random }}\", x: 1}\n",
    )
    assert not anew(after(folder, text, text))


def test_what_stands_on_an_edited_step_through_a_fact_stands(folder: Folder) -> None:
    text = play(
        "    - {name: set, set_fact: {fact: '{{ x }}'}}\n",
        mark("use", "{{ fact }}"),
        GATE,
        head="  vars: {x: 1}\n",
    )
    played = after(folder, text, text.replace("x: 1", "x: 2"))
    assert anew(played) == [("set", "`x` changed since")]
    assert marks(folder) == ["1"]


def test_a_variable_that_was_not_there_counts_when_it_comes(folder: Folder) -> None:
    text = play("    - {name: use, debug: {msg: '{{ x | default(0) }}'}}\n", GATE, head="  vars: {y: 1}\n")
    played = after(folder, text, text.replace("y: 1", "x: 2"))
    assert anew(played) == [("use", "`x` changed since")]
    assert played.message("use") == 2


def test_variables_that_a_loop_or_a_condition_read_count(folder: Folder) -> None:
    text = play(
        "    - {name: loop, debug: {msg: '{{ item }}{{ tail }}'}, loop: [1, 2]}\n",
        "    - {name: cond, debug: {}, when: flag}\n",
        GATE,
        head="  vars: {tail: a, flag: false}\n",
    )
    played = after(folder, text, text.replace("tail: a, flag: false", "tail: b, flag: true"))
    assert anew(played) == [("loop", "`tail` changed since"), ("cond", "`flag` changed since")]
    assert str(played.outcome("cond").status) == "ok"


@pytest.mark.parametrize("key", [None, b"key"])
def test_a_secret_counts_and_leaves_no_digest_that_could_be_guessed(
    folder: Folder, key: bytes | None
) -> None:
    from runbook.identity import canonical, digest
    from runbook.values import Secret

    folder.key = key
    text = play(
        "    - {name: use, debug: {msg: '{{ pin }}'}}\n",
        "    - {name: same, debug: {msg: '{{ x }}'}}\n",
        GATE,
    )

    def given(pin: str) -> dict[str, Any]:
        return {"pin": Secret(pin, "-e pin"), "x": 1}

    assert folder.play(text, extra_vars=given("1234")).code == 2
    kept = folder.kept()
    assert digest(canonical("1234")).encode() not in kept
    assert b"1234" not in kept
    run = folder_run(folder)
    assert not anew(folder.play(text, run=run, extra_vars=given("1234")))
    assert anew(folder.play(text, run=run, extra_vars=given("9999"))) == [("use", "`pin` changed since")]


def test_a_secret_digested_with_another_key_is_taken_for_the_same(folder: Folder) -> None:
    from runbook.values import Secret

    text = play("    - {name: use, assert: {that: pin is defined}}\n", GATE)
    folder.key = b"one"
    folder.play(text, extra_vars={"pin": Secret("1", "-e")})
    folder.key = b"other"
    assert not anew(folder.play(text, run=folder_run(folder), extra_vars={"pin": Secret("1", "-e")}))


# ---------------------------------------------------------------- doing it again


REMOVES = '    - {{name: clean, file: {{path: "{{{{ playbook_dir }}}}/thing", state: {}}}, when: true}}\n'


def test_an_edited_step_that_removes_something_stops_and_asks(folder: Folder) -> None:
    before, edited = play(REMOVES.format("touch"), GATE), play(REMOVES.format("absent"), GATE)
    played = after(folder, before, edited)
    assert played.code == 4
    assert "would now delete" in played.notices
    assert "--yes" in played.notices
    assert (folder.path / "thing").exists()
    assert [event.change.action for event in played.of(ChangePlanned)] == [Action.DELETE]
    assert folder.play(run=played.started.run, yes=True).code == 0
    assert not (folder.path / "thing").exists()


def test_an_edited_step_that_removes_something_does_so_when_somebody_says_yes(folder: Folder) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "yes"

    played = after(folder, play(REMOVES.format("touch"), GATE), play(REMOVES.format("absent"), GATE), ask=ask)
    assert played.code == 0
    assert len(asked) == 1
    assert not (folder.path / "thing").exists()


def test_what_is_done_again_is_done_once_however_often_the_run_stops(folder: Folder) -> None:
    def text(x: int) -> str:
        task = mark(
            "each", "{{ x }}{{ item }} >> marks; test -e go -o {{ x }}{{ item }} != 2b", "loop: [a, b]"
        )
        return play(task.replace("!= 2b >> marks", "!= 2b"), GATE, head=f"  vars: {{x: {x}}}\n")

    played = after(folder, text(1), text(2))
    assert played.code == 2
    assert anew(played) == [("each", "`x` changed since")]
    (folder.path / "go").touch()
    played = folder.play(run=played.started.run)
    assert played.code == 0
    assert marks(folder) == ["1a", "1b", "2a", "2b", "2b"]


def test_after_a_kill_between_the_edit_and_its_end_it_is_still_shown(folder: Folder) -> None:
    """The edited step asks, nobody answers; the playbook stays as it is; then it asks again."""
    played = after(folder, play(REMOVES.format("touch"), GATE), play(REMOVES.format("absent"), GATE))
    again = folder.play(run=played.started.run)
    assert again.code == 4
    assert [event.change.action for event in again.of(ChangePlanned)] == [Action.DELETE]


def test_a_no_log_step_that_is_planned_anew_shows_no_values(folder: Folder) -> None:
    text = play(
        "    - {name: put, copy: {dest: '{{ playbook_dir }}/f', content: '{{ x }}'}, no_log: true}\n",
        GATE,
        head="  vars: {x: hunter1}\n",
    )
    played = after(folder, text, text.replace("hunter1", "hunter2"))
    (event,) = played.of(ChangePlanned)
    assert (event.change.before, event.change.after) == (None, None)
    assert (folder.path / "f").read_text() == "hunter2"


def test_what_an_edited_step_did_before_can_still_be_taken_back(folder: Folder) -> None:
    """The edited step finds nothing left to do, and what it had made is this run's all the same."""
    text = play(
        "    - {name: put, copy: {dest: '{{ playbook_dir }}/f', content: a}, when: x > 0}\n",
        GATE,
        head="  vars: {x: 1}\n",
    )
    played = after(folder, text, text.replace("x: 1", "x: 2"))
    assert anew(played) == [("put", "`x` changed since")]
    assert str(played.outcome("put").status) == "ok"
    with SqliteReader(folder.state) as reader:
        made = acts_of(reader.records(played.started.run))
    assert [(act.task, act.changes[0].action) for act in made if act.module == "copy"] == [
        ("put", Action.CREATE)
    ]
