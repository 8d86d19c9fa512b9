"""`vars_prompt` and `--step`: who is asked, what the answers are, and what a resume knows of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from runbook.errors import LoadError
from runbook.events import StepFinished

from tests.support.plays import Folder, Played

ASKS = """
- hosts: "{{ where }}"
  vars: {colour: from vars, base: blue}
  vars_prompt:
    - {name: where, default: localhost, private: false}
    - {name: colour, prompt: Which colour, default: "{{ base }}", private: false}
    - {name: number, default: 5}
    - {name: password, confirm: true, default: open}
  tasks:
    - {name: told, debug: {msg: ["{{ colour }}", "{{ number }}", "{{ number is string }}", "{{ password }}"]}}
    - {name: gate, command: test -e gate}
"""


class Person:
    """Types one answer after the other."""

    def __init__(self, *answers: str) -> None:
        self.questions: list[tuple[str, bool]] = []
        self._answers: Sequence[str] = answers

    def __call__(self, question: str, *, private: bool = False) -> str:
        self.questions.append((question, private))
        return self._answers[len(self.questions) - 1]


def play(folder: Folder, text: str | None, person: Person | None, **options: object) -> Played:
    runner, events = folder.runner(text, **options)
    runner.question = person
    return Played(runner.run(), events)


def test_without_a_terminal_the_defaults_answer_as_text(folder: Folder) -> None:
    assert play(folder, ASKS, None).message("told") == ["blue", "5", True, "open"]


def test_e_wins_and_is_not_asked_for(folder: Folder) -> None:
    person = Person("localhost", "7", "open", "open")
    played = play(folder, ASKS, person, extra_vars={"colour": "from e"})

    assert played.message("told")[0] == "from e"
    assert [question for question, _ in person.questions] == [
        "where [localhost]", "number", "password", "confirm password",
    ]  # fmt: skip


def test_answers_are_data_and_private_ones_are_secrets_that_no_state_file_keeps(folder: Folder) -> None:
    person = Person("", "{{ base }}", "", "hunter22", "hunter2", "hunter22", "hunter22")
    played = play(folder, ASKS, person)

    assert person.questions[1:5] == [
        ("Which colour [blue]", False),
        ("number", True),
        ("password", True),
        ("confirm password", True),
    ]
    assert person.questions[5] == ("The two answers differ. password", True)
    told = played.message("told")
    assert told[:2] == ["{{ base }}", "5"]
    assert repr(told[3]) == "********"
    assert b"hunter22" not in b"".join(p.read_bytes() for p in folder.path.glob("state.db*"))


def test_a_resume_asks_again_only_for_what_was_not_written_down(folder: Folder) -> None:
    assert play(folder, ASKS, Person("", "red", "", "hunter22", "hunter22")).code == 2
    (folder.path / "gate").touch()
    person = Person("hunter22", "hunter22")
    played = play(folder, None, person)

    assert played.code == 0
    assert person.questions == [("password", True), ("confirm password", True)]
    assert [(step.task, step.replayed) for step in played.of(StepFinished)] == [
        ("told", True),
        ("gate", False),
    ]


def test_a_question_without_answer_stops_before_anything_is_run(folder: Folder) -> None:
    played = play(
        folder,
        """
        - {hosts: localhost, tasks: [{name: early, debug: {}}]}
        - {hosts: localhost, vars_prompt: [{name: token}], tasks: [{debug: {}}]}
        """,
        None,
    )

    assert played.code == 1
    assert played.steps == []
    assert "asks for 'token', and there is no terminal" in played.notices
    assert "-e token=..." in played.notices


def test_wrong_questions_are_told_together(folder: Folder) -> None:
    with pytest.raises(LoadError) as refused:
        folder.runner("- {hosts: a, vars_prompt: [{prompt: x}, {name: a b}, {name: c, defalt: 1}, d]}")

    told = str(refused.value)
    assert "This question has no 'name'" in told
    assert "'name' takes the name of a variable, not 'a b'" in told
    assert "Did you mean 'default'?" in told
    assert "must be a mapping of 'key: value', not text" in told


# ---------------------------------------------------------------- --step

STEPS = """
- hosts: all
  tasks:
    - {name: one, command: "true", notify: h, delegate_to: localhost}
    - {name: two, command: touch two, args: {creates: two}, delegate_to: localhost}
    - {name: three, command: test -e gate, delegate_to: localhost}
  handlers:
    - {name: h, debug: {}}
"""


def test_each_task_is_asked_for_once_and_what_was_passed_over_stays_so(folder: Folder) -> None:
    folder.inventory = "a,b"
    person = Person("y", "", "c")
    played = play(folder, STEPS, person, step=True)

    assert [q for q, _ in person.questions] == [
        f"Perform task: {name} (N)o/(y)es/(c)ontinue" for name in ("one", "two", "three")
    ]
    assert [(task, status) for _, task, status in played.steps] == [
        ("one", "changed"), ("one", "changed"), ("two", "skipped"), ("two", "skipped"),
        ("three", "failed"), ("three", "failed"),
    ]  # fmt: skip
    (folder.path / "gate").touch()
    again = play(folder, None, None)
    assert again.code == 0
    assert again.outcome("two", "a").result["skip_reason"] == "Passed over with --step"
    assert not (folder.path / "two").exists()
