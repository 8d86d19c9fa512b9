"""Roles: where they are found, what they bring, in which order, and what they see."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.errors import LoadError

from tests.support.plays import Folder, Played


def shown(played: Played) -> list[object]:
    """The messages of all debug tasks, in their order."""
    return [step.outcome.result["msg"] for step in played.steps_of("debug")]


def debug(message: str) -> str:
    return f"- debug: {{msg: '{message}'}}\n"


@pytest.fixture
def web(folder: Folder) -> Folder:
    """A folder with a role `web` that needs `base`."""
    folder.write(
        "roles/web/tasks/main.yml",
        debug("web {{ p }} {{ own }} {{ role_name }}") + "- import_tasks: more.yml\n",
    )
    folder.write("roles/web/tasks/more.yml", debug("more"))
    folder.write("roles/web/tasks/check.yaml", debug("check {{ p }}"))
    folder.write("roles/web/defaults/main.yml", "p: 80")
    folder.write("roles/web/vars/main/one.yml", "own: vars")
    folder.write("roles/web/meta/main.yml", "dependencies: [base]")
    folder.write("roles/web/handlers/main.yml", "- {name: restart, debug: {msg: restarted}, listen: topic}")
    folder.write("roles/base/tasks/main", debug("base {{ p }}"))
    return folder


def test_a_plays_roles_come_before_its_tasks_and_see_their_dependencies_play_first(web: Folder) -> None:
    played = web.play(
        """
        - hosts: localhost
          vars: {p: 81}
          pre_tasks: [{debug: {msg: pre}, changed_when: true, notify: "web : restart"}]
          roles: [web]
          tasks: [{debug: {msg: "task {{ own }}"}, changed_when: true, notify: topic}]
          post_tasks: [{debug: {msg: post}}]
        """
    )
    assert shown(played) == [
        "pre", "restarted", "base 81", "web 81 vars web", "more", "task vars", "restarted", "post",
    ]  # fmt: skip
    assert "web : debug" in played.names
    assert "base : debug" in played.names


def test_parameters_win_over_facts_and_vars_of_a_role_do_not(web: Folder) -> None:
    played = web.play(
        """
        - hosts: localhost
          pre_tasks: [{set_fact: {p: fact, own: fact}}]
          roles:
            - {role: web, p: param, vars: {own: given}, when: yes, tags: t}
        """
    )
    assert shown(played) == ["base param", "web param fact web", "more"]
    assert (
        shown(web.play("- hosts: localhost\n  roles: [{role: web, vars: {own: given}}]"))[1]
        == "web 80 given web"
    )


def test_a_role_is_played_once_for_the_same_parameters(web: Folder) -> None:
    played = web.play(
        """
        - hosts: localhost
          roles: [web, base, {role: base, p: 1}, {role: base, p: 1}, web]
        """
    )
    assert shown(played) == ["base 80", "web 80 vars web", "more", "base 1"]


def test_included_and_imported_roles(web: Folder) -> None:
    played = web.play(
        """
        - hosts: localhost
          tasks:
            - import_role: {name: web, tasks_from: check}
              vars: {p: 1}
            - include_role: {name: web, tasks_from: check.yaml}
              vars: {p: "{{ item }}"}
              loop: [2, 3]
            - {debug: {msg: "{{ own }}"}, changed_when: true, notify: restart}
        """
    )
    assert shown(played) == [
        "base 1",
        "check 1",
        "check 2",
        "check 3",
        "vars",
        "restarted",
    ]


def test_an_included_role_shows_its_variables_to_the_play_only_when_it_is_public(web: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - include_role: {name: web, public: PUBLIC}
            - debug: {msg: "{{ p | default('-') }} {{ own | default('-') }}"}
        """
    assert shown(web.play(text.replace("PUBLIC", "false")))[-1] == "- -"
    assert shown(web.play(text.replace("PUBLIC", "true")))[-1] == "80 vars"


def test_tags_and_apply_on_an_include(web: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - include_role: {name: base}
              vars: {p: own}
              tags: t
            - include_role: {name: base, apply: {tags: t}}
              vars: {p: applied}
              tags: t
            - import_role: {name: base}
              vars: {p: imported}
              tags: t
        """
    from runbook.tags import tags

    assert shown(web.play(text, tags=tags(["t"], []))) == ["base applied", "base imported"]


def test_files_of_a_role_are_found_in_it(web: Folder) -> None:
    web.write(
        "roles/web/tasks/files.yml",
        "- {template: {src: t.j2, dest: '{{ playbook_dir }}/out'}}\n- include_tasks: more.yml\n",
    )
    web.write("roles/web/templates/t.j2", "{{ role_name }}")
    played = web.play("- hosts: localhost\n  tasks: [{include_role: {name: web, tasks_from: files}}]")
    assert played.code == 0
    assert (web.path / "out").read_text() == "web"
    assert shown(played)[-1] == "more"


def test_a_role_that_is_not_there(web: Folder) -> None:
    with pytest.raises(LoadError, match="There is no role 'wbe'"):
        web.play("- hosts: localhost\n  roles: [wbe]")
    with pytest.raises(LoadError, match="no file tasks/nix"):
        web.play("- hosts: localhost\n  tasks: [{import_role: {name: web, tasks_from: nix}}]")
    played = web.play(
        """
        - hosts: localhost
          tasks:
            - block: [{include_role: {name: wbe}}]
              rescue: [{debug: {msg: rescued}}]
        """
    )
    assert (played.code, shown(played)) == (0, ["rescued"])


def test_roles_that_need_each_other_are_told(folder: Folder) -> None:
    folder.write("roles/a/meta/main.yml", "dependencies: [b]")
    folder.write("roles/b/meta/main.yml", "dependencies: [{role: a}]")
    with pytest.raises(LoadError, match="The role needs itself: a -> b -> a"):
        folder.play("- hosts: localhost\n  roles: [a]")


def test_the_name_of_an_import_can_be_made_of_what_is_known(web: Folder) -> None:
    text = """
        - hosts: localhost
          vars: {which: "{{ kind }}"}
          tasks:
            - import_role: {name: "{{ which }}"}
              vars: {p: 1}
            - import_tasks: "{{ which }}.yml"
        """
    web.write("base.yml", debug("file"))
    assert shown(web.play(text, extra_vars={"kind": "base"})) == ["base 1", "file"]


def test_roles_of_a_resumed_run(web: Folder) -> None:
    web.write(
        "roles/loop/tasks/main.yml",
        "- {name: once, shell: 'echo {{ n }} >> marks', args: {chdir: '{{ playbook_dir }}'}}\n",
    )
    web.write("roles/loop/vars/main.yml", "kept: loop")
    text = """
        - hosts: localhost
          tasks:
            - include_role: {name: web}
            - include_role: {name: loop, public: true}
              vars: {n: "{{ item }}"}
              loop: [1, 2]
            - {command: "true", notify: restart}
            - {name: gate, command: test -e open, args: {chdir: "{{ playbook_dir }}"}}
            - debug: {msg: "{{ kept }}"}
          roles: [base]
          vars: {p: 1}
        """
    assert web.play(text).code == 2
    (web.path / "open").touch()
    played = web.play(text)
    assert played.code == 0
    assert shown(played)[-2:] == ["loop", "restarted"]
    assert Path(web.path / "marks").read_text().split() == ["1", "2"]


def test_arguments_of_a_role_are_held_against_its_specification(folder: Folder) -> None:
    folder.write("roles/r/tasks/main.yml", debug("{{ port }}"))
    spec = "{argument_specs: {main: {short_description: web, options: {port: {type: int, required: true}}}}}"
    folder.write("roles/r/meta/argument_specs.yml", spec)
    text = """
        - hosts: localhost
          tasks:
            - block: [{include_role: {name: r}}]
              rescue: [{debug: {msg: "{{ ansible_failed_result.argument_errors }}"}}]
            - {include_role: {name: r}, vars: {port: "80"}}
            - {include_role: {name: r, rolespec_validate: false}, vars: {port: x}}
        """
    played = folder.play(text)
    assert shown(played) == [["missing required arguments: port"], "80", "x"]
    assert "r : Validating arguments against arg spec 'main' - web" in played.names


def test_variables_that_include_vars_read_are_there_after_a_resume(folder: Folder) -> None:
    folder.write("vars/more.yml", "a: 1\nb: '{{ a + 1 }}'")
    text = """
        - hosts: localhost
          tasks:
            - {include_vars: more.yml}
            - {name: gate, command: test -e open, args: {chdir: "{{ playbook_dir }}"}}
            - debug: {msg: "{{ b }}"}
        """
    assert folder.play(text).code == 2
    (folder.path / "open").touch()
    assert shown(folder.play(text)) == [2]


def test_what_a_run_once_include_brings_is_for_one_host(folder: Folder) -> None:
    folder.inventory = "a,b,"
    folder.write("one.yml", debug("{{ inventory_hostname }}"))
    played = folder.play(
        "- hosts: all\n  tasks: [{include_tasks: one.yml, run_once: true}, {debug: {msg: x}}]"
    )
    assert shown(played) == ["a", "x", "x"]
