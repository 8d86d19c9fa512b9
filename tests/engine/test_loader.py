"""Playbooks become plays, blocks and tasks: what inherits, what is imported, what is checked before a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from runbook.errors import LoadError, Problem
from runbook.loader import load_playbook, load_vars
from runbook.loader_included import Place, load_tasks
from runbook.model import Loop, Task
from runbook.registry import Registry
from runbook.values import Expression, Template

from tests.support.catalog import SmallCatalog
from tests.support.playbooks import Load, tasks

PLACE = Place("site.yml", SmallCatalog())


def sources(expressions: tuple[Expression, ...]) -> list[str]:
    return [expression.source for expression in expressions]


def problems(load: Load, text: str, files: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(LoadError) as caught:
        load(text, files)
    return [f"{p.position}: {p.message}" if p.position else p.message for p in caught.value.problems]


class TestPlays:
    def test_a_play_carries_its_keywords(self, load: Load) -> None:
        (play,) = load(
            """
- name: web servers
  hosts: [web, db]
  vars: {a: 1, b: "{{ a }}"}
  vars_files: [common.yml, "{{ env }}.yml"]
  serial: [1, 25%]
  max_fail_percentage: 30
  any_errors_fatal: true
  force_handlers: yes
  order: inventory
  tags: a,b
""",
            {"common.yml": "x: 1\n"},
        ).plays
        assert play.name == "web servers"
        assert play.hosts == ("web", "db")
        assert play.vars == {"a": 1, "b": Template("{{ a }}")}
        assert play.vars_files == ("common.yml", Template("{{ env }}.yml"))
        assert play.serial == (1, "25%")
        assert (play.max_fail_percentage, play.any_errors_fatal, play.force_handlers) == (30, True, True)
        assert play.tags == {"a", "b"}

    def test_sections_come_in_order_with_a_handler_flush_between_them(self, load: Load) -> None:
        (play,) = load(
            """
- hosts: web
  post_tasks: [{debug: {msg: 3}}]
  tasks: [{debug: {msg: 2}}]
  pre_tasks: [{debug: {msg: 1}}]
"""
        ).plays
        assert [t.args for t in tasks(play)] == [
            {"msg": 1},
            {"word": "flush_handlers"},
            {"msg": 2},
            {"word": "flush_handlers"},
            {"msg": 3},
        ]
        assert tasks(play)[1].tags == {"always"}

    def test_an_empty_playbook_is_told(self, load: Load) -> None:
        assert problems(load, "# nothing\n") == ["The playbook site.yml is empty"]

    def test_a_missing_playbook_is_told(self) -> None:
        with pytest.raises(LoadError, match=r"There is no file nowhere/site\.yml"):
            load_playbook("nowhere/site.yml", SmallCatalog())

    def test_files_of_variables_are_read_before_the_run(self, load: Load) -> None:
        text = "- hosts: web\n  vars_files: [good.yml, bad.yml, gone.yml]\n"
        files = {"good.yml": "a: 1\n", "bad.yml": "a: !b 1\nc: '{{ x'\n"}
        found = problems(load, text, files)
        assert found[0] == "site.yml:2:35: There is no file gone.yml"
        assert found[1] == "bad.yml:1:4: The YAML tag '!b' is not known here"
        assert found[2].startswith("bad.yml:2:5: ")


class TestInheritance:
    TEXT = """
- hosts: web
  tags: [play]
  environment: {A: play}
  aws: {region: eu-west-2, profile: p}
  no_log: true
  tasks:
    - block:
        - block:
            - debug: {msg: x}
              when: [c, d]
              tags: own
              vars: {v: task, w: task}
              environment: {A: task}
              aws: {region: us-east-1}
              no_log: false
              ignore_errors: false
              notify: own
          when: b
          vars: {v: inner}
          ignore_errors: true
          delegate_to: localhost
          notify: outer
      when: a
      tags: [outer]
      vars: {v: outer, u: outer}
      run_once: true
      rerun: safe
  handlers:
    - {name: own, debug: {msg: x}}
    - {name: outer, debug: {msg: x}}
"""

    def test_keywords_of_the_surroundings_are_merged_into_the_task(self, load: Load) -> None:
        (play,) = load(self.TEXT).plays
        (task,) = tasks(play)
        assert sources(task.when) == ["a", "b", "c", "d"]
        assert task.tags == {"play", "outer", "own"}
        assert task.vars == {"u": "outer", "v": "task", "w": "task"}
        assert task.environment == ({"A": "play"}, {"A": "task"})
        assert task.aws == {"region": "us-east-1", "profile": "p"}
        assert (task.no_log, task.ignore_errors, task.run_once, task.delegate_to) == (
            False,
            False,
            True,
            "localhost",
        )
        assert task.rerun == "safe"
        assert task.notify == ("own",)

    def test_variables_of_the_play_stay_with_the_play(self, load: Load) -> None:
        (play,) = load("- hosts: web\n  vars: {a: 1}\n  tasks: [{debug: {msg: x}}]\n").plays
        assert tasks(play)[0].vars == {}


class TestImports:
    def test_imported_tasks_stand_in_the_place_of_the_import(self, load: Load) -> None:
        (play,) = load(
            """
- hosts: web
  tasks:
    - debug: {msg: before}
    - import_tasks: more/web.yml
      when: a
      tags: t
      vars: {v: 1}
    - debug: {msg: after}
""",
            {
                "more/web.yml": "- debug: {msg: web}\n  when: b\n- import_tasks: deeper.yml\n",
                "more/deeper.yml": "- debug: {msg: deeper}\n",
            },
        ).plays
        found = tasks(play)
        assert [t.args["msg"] for t in found] == ["before", "web", "deeper", "after"]
        assert sources(found[1].when) == ["a", "b"]
        assert sources(found[2].when) == ["a"]
        assert found[2].tags == {"t"}
        assert found[2].vars == {"v": 1}
        assert str(found[2].position) == "more/deeper.yml:1:3"

    def test_a_circle_of_imports_is_refused(self, load: Load) -> None:
        text = "- hosts: web\n  tasks: [{import_tasks: a.yml}]\n"
        files = {"a.yml": "- import_tasks: b.yml\n", "b.yml": "- import_tasks: a.yml\n"}
        assert problems(load, text, files) == ["b.yml:1:17: 'a.yml' imports itself: a.yml -> b.yml -> a.yml"]

    def test_an_imported_playbook_gets_when_tags_and_vars_of_the_import(self, load: Load) -> None:
        text = """
- import_playbook: sub/one.yml
  when: go
  tags: t
  vars: {v: import}
- hosts: last
"""
        handlers = "[{name: h, debug: {msg: x}, when: c}]"
        one = """
- hosts: web
  vars: {v: play, w: play}
  tasks: [{debug: {msg: x}, when: a}]
  handlers: HANDLERS
- {import_playbook: two.yml, vars: {v: inner, u: inner}, when: deep}
""".replace("HANDLERS", handlers)
        first, second, third = load(
            text, {"sub/one.yml": one, "sub/two.yml": "- {hosts: db, tasks: [{debug: {msg: x}}]}\n"}
        ).plays
        assert (first.hosts, second.hosts, third.hosts) == ("web", "db", "last")
        assert sources(tasks(first)[0].when) == ["go", "a"]
        assert first.tags == second.tags == {"t"}
        assert first.vars == {"v": "import", "w": "play"}
        assert second.vars == {"v": "import", "u": "inner"}
        assert sources(tasks(second)[0].when) == ["go", "deep"]
        (handler,) = first.handlers
        assert isinstance(handler, Task)
        assert sources(handler.when) == ["c"]

    def test_a_file_imported_twice_is_read_once_and_its_problems_told_once(self, load: Load) -> None:
        text = "- hosts: web\n  tasks: [{import_tasks: a.yml}, {import_tasks: a.yml}]\n"
        assert problems(load, text, {"a.yml": "- debug: {mgs: x}\n"}) == [
            "a.yml:1:11: 'debug' takes no 'mgs'"
        ]


class TestIncludes:
    def test_an_include_is_a_module_call(self, load: Load) -> None:
        text = "- hosts: web\n  tasks: [{include_tasks: a.yml}, {include_tasks: {file: '{{ x }}.yml'}}]\n"
        (play,) = load(text, {"a.yml": "- debug: {msg: x}\n"}).plays
        first, second = tasks(play)
        assert (first.module, first.args) == ("include_tasks", {"file": "a.yml"})
        assert second.args == {"file": Template("{{ x }}.yml")}

    def test_a_plainly_named_file_is_checked_before_the_run_even_when_it_includes_itself(
        self, load: Load
    ) -> None:
        text = "- hosts: web\n  tasks: [{include_tasks: a.yml}]\n"
        found = problems(load, text, {"a.yml": "- include_tasks: a.yml\n- debgu: {msg: x}\n"})
        assert found == ["a.yml:2:3: There is no module 'debgu'"]

    def test_an_included_file_inherits_what_is_around_the_include_and_its_apply(self, load: Load) -> None:
        text = """
- hosts: web
  environment: {A: b}
  tasks:
    - block:
        - include_tasks: {file: sub/a.yml, apply: {tags: applied, ignore_errors: true}}
          when: own
          tags: t
          vars: {v: 1}
          no_log: true
      when: outer
      vars: {w: 1}
      tags: around
  handlers: [{name: h, debug: {msg: x}}]
"""
        (play,) = load(text, {"sub/a.yml": "- debug: {msg: x}\n  tags: u\n"}).plays
        parent = tasks(play)[0]
        (node,) = load_tasks("sub/a.yml", parent, PLACE).nodes
        assert isinstance(node, Task)
        assert [one.source for one in node.when] == ["outer"]
        assert node.tags == {"around", "applied", "u"}
        assert node.vars == {"w": 1}
        assert parent.params == {"v": 1}
        assert node.no_log is False
        assert node.ignore_errors is True
        assert node.environment == ({"A": "b"},)

    @pytest.mark.parametrize(
        "keyword", ["notify: h", "async: 5", "delegate_to: x", "until: true", "environment: {A: b}"]
    )
    def test_a_keyword_that_means_nothing_beside_an_include_is_refused(
        self, load: Load, keyword: str
    ) -> None:
        with pytest.raises(LoadError, match="can't stand beside 'include_tasks'"):
            load(f"- hosts: web\n  tasks:\n    - include_tasks: a.yml\n      {keyword}\n", {"a.yml": "[]"})

    def test_the_same_file_has_another_identity_under_another_include(self, load: Load) -> None:
        text = "- hosts: web\n  tasks: [{include_tasks: a.yml}, {include_tasks: a.yml}]\n"
        (play,) = load(text, {"a.yml": "- debug: {msg: x}\n"}).plays
        first, second = (load_tasks("a.yml", parent, PLACE).nodes[0].identity for parent in tasks(play))
        assert first != second

    def test_a_broken_file_is_told_when_it_is_included(self, tmp_path: Path, load: Load) -> None:
        (play,) = load(
            "- hosts: web\n  tasks: [{include_tasks: '{{ x }}'}]\n", {"a.yml": "- debug: {mgs: x}\n"}
        ).plays
        with pytest.raises(LoadError, match="'debug' takes no 'mgs'"):
            load_tasks("a.yml", tasks(play)[0], PLACE)


class TestHandlers:
    def test_what_is_notified_should_be_there(self, load: Load) -> None:
        text = """
- hosts: web
  tasks:
    - {debug: {msg: x}, notify: [restart, reload, "{{ x }}", gone]}
  handlers:
    - {name: restart, debug: {msg: x}}
    - {name: other, listen: [reload], debug: {msg: x}}
"""
        warnings: list[Problem] = []
        load(text, warn=warnings.append)
        assert [str(one.position) for one in warnings] == ["site.yml:4:62"]
        assert warnings[0].message == "This play has no handler 'gone'"

    def test_a_handler_that_could_not_be_read_is_not_missing(self, load: Load) -> None:
        text = """
- hosts: web
  tasks: [{debug: {msg: x}, notify: [restart, reload]}]
  handlers: [{name: restart, debgu: {}}, {listen: reload, debug: {msg: x}, dbg: x}]
"""
        assert [one.rpartition(": ")[2] for one in problems(load, text)] == [
            "There is no module 'debgu'",
            "'dbg' is no keyword of a handler",
        ]

    @pytest.mark.parametrize("handler", ["{name: '{{ x }}', debug: {msg: x}}", "{include_tasks: h.yml}"])
    def test_handlers_that_are_known_only_in_the_run_may_have_any_name(
        self, load: Load, handler: str
    ) -> None:
        text = f"- hosts: web\n  tasks: [{{debug: {{msg: x}}, notify: gone}}]\n  handlers: [{handler}]\n"
        load(text, {"h.yml": "- {name: gone, debug: {msg: x}}\n"})


class TestWarnings:
    def test_braces_around_a_condition_are_taken_with_a_warning(self, load: Load) -> None:
        warnings: list[Problem] = []
        text = "- hosts: web\n  tasks:\n    - debug: {msg: x}\n      when: '{{ a == 1 }}'\n"
        (play,) = load(text, warn=warnings.append).plays
        (condition,) = tasks(play)[0].when
        assert condition.source == "{{ a == 1 }}"
        assert str(condition.position) == "site.yml:4:14"
        (warning,) = warnings
        assert str(warning) == (
            "site.yml:4:13: 'when' is an expression already: the braces around it are not needed\n"
            "  4 |       when: '{{ a == 1 }}'\n"
            "    |             ^\n"
            "  Write: when: a == 1"
        )


class TestModules:
    def test_a_module_that_breaks_the_contract_is_a_problem_of_its_calls(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("site.yml").write_text("- hosts: web\n  tasks: [{broken: {a: 1}}, {debug: {mgs: x}}]\n")
        Path("library").mkdir()
        Path("library/broken.py").write_text("class Broken:\n    contract_version = 99\n")
        with pytest.raises(LoadError) as caught:
            load_playbook("site.yml", Registry([tmp_path / "library"]))
        first, second = caught.value.problems
        assert str(first.position) == "site.yml:2:12"
        assert "99" in first.message
        assert "'mgs'" in second.message

    def test_a_module_that_is_not_listed_may_be_there_all_the_same(self, load: Load, tmp_path: Path) -> None:
        class Installed(SmallCatalog):
            def names(self) -> set[str]:
                return {"debug"}

        load("- hosts: web\n")
        Path("site.yml").write_text("- hosts: web\n  tasks: [{shell: ls, register: x}]\n")
        (play,) = load_playbook("site.yml", Installed()).plays
        assert tasks(play)[0].args == {"cmd": "ls"}


class TestLoops:
    @pytest.mark.parametrize(
        ("text", "items", "lookup"),
        [
            ("loop: [1, [2]]", [1, [2]], None),
            ("loop: '{{ x }}'", Template("{{ x }}"), None),
            ("with_items: [1, [2]]", [1, [2]], "items"),
            ("with_items: '{{ x }}'", Template("{{ x }}"), "items"),
            ("with_items: one", "one", "items"),
            ("with_ansible.builtin.items: [1]", [1], "items"),
        ],
    )
    def test_items(self, load: Load, text: str, items: object, lookup: str | None) -> None:
        (play,) = load(f"- hosts: web\n  tasks:\n    - debug: {{msg: x}}\n      {text}\n").plays
        assert tasks(play)[0].loop == Loop(items=items, lookup=lookup)

    def test_loop_control(self, load: Load) -> None:
        control = "{loop_var: a, index_var: b, label: '{{ a.name }}', pause: 2}"
        text = f"- hosts: web\n  tasks: [{{debug: {{msg: x}}, loop: [1], loop_control: {control}}}]\n"
        (play,) = load(text).plays
        assert tasks(play)[0].loop == Loop(
            items=[1], loop_var="a", index_var="b", label=Template("{{ a.name }}"), pause=2
        )


class TestDigest:
    def test_it_changes_with_any_file_that_was_read(self, load: Load) -> None:
        text = "- hosts: web\n  vars_files: v.yml\n  tasks: [{import_tasks: a.yml}, {include_tasks: b.yml}]\n"
        files = {"v.yml": "x: 1\n", "a.yml": "- debug: {msg: x}\n", "b.yml": "- debug: {msg: x}\n"}
        digests = {load(text, files).digest}
        for name in files:
            digests.add(load(text, {**files, name: files[name] + "# changed\n"}).digest)
        digests.add(load(text + "# changed\n", files).digest)
        assert len(digests) == 5
        assert load(text, files).digest in digests


def test_variables_of_a_file_are_plain_data_with_templates(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    path.write_text('{"a": 1, "b": "{{ a }}"}')
    assert load_vars(str(path)) == {"a": 1, "b": Template("{{ a }}")}


def test_a_file_of_variables_may_be_empty_but_not_a_list(tmp_path: Path) -> None:
    path = tmp_path / "v.yml"
    path.write_text("---\n# nothing\n")
    assert load_vars(str(path)) == {}
    path.write_text("- a\n")
    with pytest.raises(LoadError, match="A file of variables must be a mapping"):
        load_vars(str(path))
