"""Dry runs: every change through the planned world, and nothing written."""

from __future__ import annotations

from tests.support.plays import Folder, Played


def test_a_dry_run_shows_changes_and_writes_nothing(folder: Folder) -> None:
    target = folder.path / "out.txt"
    played = folder.play(
        f"""
        - hosts: localhost
          tasks:
            - {{name: write, copy: {{content: new, dest: {target}}}}}
            - {{name: again, copy: {{content: new, dest: {target}}}}}
            - {{name: other, copy: {{content: newer, dest: {target}}}}}
            - {{name: run, command: touch {target}, register: ran}}
            - {{name: depends, debug: {{msg: "{{{{ ran.stdout }}}}"}}, when: ran.rc == 0}}
        """,
        check=True,
    )
    assert not target.exists()
    assert not folder.state.exists()
    actions = {step[1]: [str(c.action) for c in played.outcome(step[1]).changes] for step in played.steps}
    assert actions["write"] == ["create"]
    assert actions["again"] == ["none"], "the planned world knows what an earlier step would write"
    assert actions["other"] == ["update"]
    assert actions["run"] == ["run"]
    assert actions["depends"] == ["undecided"]


def test_what_depends_on_an_undecided_step_is_undecided_too(folder: Folder) -> None:
    (folder.path / "x").write_text("whether this stays is known after the run")
    played = folder.play(
        f"""
        - hosts: localhost
          tasks:
            - {{name: run, command: echo x, register: ran}}
            - {{name: write, copy: {{content: "{{{{ ran.stdout }}}}", dest: {folder.path}/x}}, register: wrote}}
            - {{name: then, debug: {{msg: written}}, when: wrote is changed}}
            - {{name: check, assert: {{that: "ran.stdout == 'x'"}}}}
        """,
        check=True,
    )
    assert [str(c.action) for c in played.outcome("write").changes] == ["undecided"]
    assert [str(c.action) for c in played.outcome("then").changes] == ["undecided"]
    assert str(played.outcome("check").status) == "ok"
    assert "known after apply" not in played.message("check")
    assert "before the run" in played.message("check")


def test_check_mode_of_one_task_compares_and_writes_nothing(folder: Folder) -> None:
    target = folder.path / "out.txt"
    played = folder.play(
        f"- hosts: localhost\n  tasks: [{{name: look, copy: {{content: x, dest: {target}}}, check_mode: true}}]"
    )
    assert str(played.outcome("look").status) == "changed"
    assert not target.exists()
    (change,) = played.outcome("look").changes
    assert change.compared
    assert str(change.action) == "read", "nobody made this change, so nothing may count or undo it"
    assert change.after is not None


def test_what_a_task_only_compares_is_no_part_of_the_planned_world(folder: Folder) -> None:
    target = folder.path / "out.txt"
    played = folder.play(
        f"""
        - hosts: localhost
          tasks:
            - {{name: look, copy: {{content: x, dest: {target}}}, check_mode: true, register: looked}}
            - {{name: write, copy: {{content: x, dest: {target}}}, when: looked is changed}}
            - {{name: look again, copy: {{content: y, dest: {target}}}, check_mode: true}}
            - {{name: write again, copy: {{content: x, dest: {target}}}}}
        """,
        check=True,
    )
    actions = {step[1]: [str(c.action) for c in played.outcome(step[1]).changes] for step in played.steps}
    assert actions == {"look": ["read"], "write": ["create"], "look again": ["read"], "write again": ["none"]}


def test_a_task_that_only_compares_registers_in_a_dry_run_what_it_will_in_the_run(folder: Folder) -> None:
    book = """
        - hosts: localhost
          tasks:
            - {name: run, command: echo x, check_mode: true, register: ran}
            - {name: then, debug: {msg: "{{ ran is skipped }}"}}
        """
    assert folder.play(book, check=True).message("then") is folder.play(book).message("then") is True


def actions(played: Played) -> dict[str, list[str]]:
    return {step[1]: [str(c.action) for c in played.outcome(step[1]).changes] for step in played.steps}


def test_a_handler_that_only_an_undecided_step_notifies_is_undecided(folder: Folder) -> None:
    book = """
        - hosts: localhost
          tasks:
            - {name: run, command: echo hi, register: ran}
            - {name: maybe, command: echo a, when: ran.stdout == 'hi', notify: [open, both]}
            - {name: sure, command: echo b, notify: both}
            - {name: told later, command: echo c, register: c, changed_when: c.stdout == 'c', notify: later}
            - {name: each, command: "echo {{ item }}", loop: "{{ ran.stdout_lines }}", notify: looped}
          handlers:
            - {name: open, command: echo 1, notify: last}
            - {name: both, command: echo 2}
            - {name: later, command: echo 3}
            - {name: looped, command: echo 4}
            - {name: last, command: echo 5}
            - {name: never, command: echo 6}
        """
    played = folder.play(book, check=True)
    found = actions(played)
    assert {name: found[name] for name in ("open", "both", "later", "looped", "last")} == {
        "open": ["undecided"],
        "both": ["run"],
        "later": ["undecided"],
        "looped": ["undecided"],
        "last": ["undecided"],
    }
    assert "never" not in found
    assert [name for name in folder.play(book).names if name in found] == list(found)


def test_what_a_condition_on_a_result_will_say_is_not_guessed(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: run, command: echo hi, register: a, changed_when: a.stdout == 'ho'}
            - {name: changed, command: echo x, when: a is changed}
            - {name: fails, command: "false", register: b, ignore_errors: true}
            - {name: failed, command: echo y, when: b is failed}
            - {name: judged, command: echo hi, register: c, failed_when: c.stdout == 'ho'}
            - {name: succeeded, command: echo z, when: c is succeeded}
        """,
        check=True,
    )
    assert {name: found[0] for name, found in actions(played).items()} == {
        "run": "run",
        "changed": "undecided",
        "fails": "run",
        "failed": "undecided",
        "judged": "run",
        "succeeded": "undecided",
    }


def test_what_an_undecided_step_may_change_is_not_known_afterwards(folder: Folder) -> None:
    (folder.path / "there").write_text("old")
    (folder.path / "other").write_text("old")
    played = folder.play(
        f"""
        - hosts: localhost
          tasks:
            - {{name: run, command: echo hi, register: ran}}
            - {{name: maybe, copy: {{content: new, dest: {folder.path}/there}}, when: ran.stdout == 'hi'}}
            - {{name: same, copy: {{content: new, dest: {folder.path}/there}}}}
            - {{name: text, copy: {{content: "{{{{ ran.stdout }}}}", dest: {folder.path}/other}}}}
            - {{name: also, copy: {{content: old, dest: {folder.path}/other}}}}
            - {{name: calm, copy: {{content: new, dest: {folder.path}/third}}, when: ran.stdout == 'ho'}}
          handlers: []
        """,
        check=True,
    )
    found = actions(played)
    assert {name: found[name] for name in ("maybe", "same", "text", "also")} == {
        name: ["undecided"] for name in ("maybe", "same", "text", "also")
    }
    (would,) = played.outcome("maybe").changes
    assert would.reason.endswith("if it is done: update")
    assert would.resource == f"file:{folder.path}/there"
