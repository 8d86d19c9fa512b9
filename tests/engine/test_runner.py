"""Whole runs: order of tasks, blocks, handlers, loops, includes, hosts in parallel, variables."""

from __future__ import annotations

import pytest
from runbook.errors import LoadError
from runbook.events import StepFinished
from runbook.tags import Tags

from tests.support.plays import Folder


def test_variables_win_in_ansibles_order(folder: Folder) -> None:
    folder.write("inv.yml", "all: {hosts: {localhost: {a: host, b: host, c: host, d: host, e: host}}}")
    folder.write("vars.yml", "c: file")
    folder.inventory = str(folder.path / "inv.yml")
    played = folder.play(
        """
        - hosts: localhost
          vars: {b: play, c: play, d: play, e: play}
          vars_files: [vars.yml]
          tasks:
            - set_fact: {e: fact}
            - name: show
              debug: {msg: "{{ [a, b, c, d, e, f] | join(',') }}"}
              vars: {d: task, e: task, f: task}
        """,
        extra_vars={"f": "extra"},
    )
    assert played.message("show") == "host,play,file,task,fact,extra"


def test_a_rescued_failure_does_not_fail_the_run(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - block:
                - {name: bad, fail: {msg: broken}}
                - {name: never, debug: {}}
              rescue:
                - {name: mend, debug: {msg: "{{ ansible_failed_task.name }}: {{ ansible_failed_result.msg }}"}}
              always:
                - {name: last, debug: {}}
            - {name: after, debug: {}}
        """
    )
    assert played.names == ["bad", "mend", "last", "after"]
    assert played.message("mend") == "bad: broken"
    assert played.code == 0
    tally = played.finished.hosts["localhost"]
    assert (tally.failed, tally.rescued) == (0, 1)


def test_always_runs_and_the_failure_stays(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - block:
                - {name: bad, fail: {}}
              always:
                - {name: last, debug: {}}
            - {name: never, debug: {}}
        """
    )
    assert played.names == ["bad", "last"]
    assert played.code == 2


def test_handlers_run_once_at_the_end_in_the_order_they_are_defined(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          handlers:
            - {name: first, debug: {}}
            - {name: second, debug: {}, listen: topic}
            - {name: third, debug: {}}
          tasks:
            - {name: one, command: "true", notify: [third, topic]}
            - {name: two, command: "true", notify: third}
            - {name: unchanged, debug: {}, notify: first}
        """
    )
    assert played.names == ["one", "two", "unchanged", "second", "third"]


def test_flush_handlers_runs_them_now_and_again_when_notified_again(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          handlers:
            - {name: handler, debug: {}}
          tasks:
            - {name: one, command: "true", notify: handler}
            - {name: flush, meta: flush_handlers}
            - {name: two, command: "true", notify: handler}
        """
    )
    assert played.tasks == ["one", "flush", "handler", "two", "handler"]
    assert played.names == ["one", "handler", "two", "handler"], "meta is neither told nor counted"


def test_a_notified_handler_that_is_not_there_stops_the_run_when_the_task_changed(folder: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - {name: quiet, debug: {}, notify: restrat}
            - {name: one, command: "true", notify: restrat}
            - {name: two, debug: {}}
          handlers: [{name: restart, debug: {}}]
        """
    played = folder.play(text)
    assert (played.code, played.names) == (1, ["quiet"])
    assert "Did you mean 'restart'?" in played.notices
    assert folder.play(text.replace("restrat", "restart")).names == ["quiet", "one", "two", "restart"]


def test_a_failed_host_runs_no_handlers_unless_forced(folder: Folder) -> None:
    text = """
        - hosts: localhost
          force_handlers: {force}
          handlers: [{{name: handler, debug: {{}}}}]
          tasks:
            - {{name: one, command: "true", notify: handler}}
            - {{name: bad, fail: {{}}}}
        """
    assert "handler" not in folder.play(text.format(force="false")).names
    assert "handler" in folder.play(text.format(force="true"), fresh=True).names


def test_linear_hosts_finish_a_task_before_the_next_begins(folder: Folder) -> None:
    folder.inventory = "a,b,c,"
    played = folder.play(
        """
        - hosts: all
          connection: local
          tasks:
            - {name: wait, command: "sleep {{ {'a': 1}[inventory_hostname] | default(0) }}"}
            - {name: next, debug: {}}
        """
    )
    assert [step[1] for step in played.steps] == ["wait"] * 3 + ["next"] * 3
    assert played.steps[2][0] == "a", "the others did not wait for it"
    assert played.tasks == ["wait", "next"]


def test_a_failed_host_leaves_and_the_others_go_on(folder: Folder) -> None:
    folder.inventory = "a,b,"
    played = folder.play(
        """
        - hosts: all
          tasks:
            - {name: one, fail: {}, when: inventory_hostname == 'a'}
            - {name: two, debug: {}}
        - hosts: all
          tasks:
            - {name: three, debug: {}}
        """
    )
    assert [s for s in played.steps if s[1] in ("two", "three")] == [("b", "two", "ok"), ("b", "three", "ok")]
    assert played.code == 2


def test_any_errors_fatal_stops_all_hosts(folder: Folder) -> None:
    folder.inventory = "a,b,"
    played = folder.play(
        """
        - hosts: all
          any_errors_fatal: true
          tasks:
            - {name: one, fail: {}, when: inventory_hostname == 'a'}
            - {name: two, debug: {}}
        """
    )
    assert "two" not in played.names


def test_run_once_is_done_by_one_host_and_registered_on_all(folder: Folder) -> None:
    folder.inventory = "a,b,"
    played = folder.play(
        """
        - hosts: all
          tasks:
            - {name: once, debug: {msg: "{{ inventory_hostname }}"}, run_once: true, register: seen}
            - {name: show, debug: {msg: "{{ seen.msg }}"}}
        """
    )
    assert played.names.count("once") == 1
    assert [played.message("show", host) for host in ("a", "b")] == ["a", "a"]


def test_a_loop_goes_through_all_items_and_fails_afterwards(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - name: each
              assert: {that: item != 2}
              loop: [1, 2, 3]
              register: looped
              ignore_errors: true
            - name: show
              debug: {msg: "{{ looped.results | map(attribute='failed') | list }}"}
        """
    )
    assert played.items == ["1", "2", "3"]
    assert played.message("show") == [False, True, False]
    assert played.code == 0


def test_until_tries_again_and_gives_up(folder: Folder) -> None:
    marks = folder.path / "marks"
    played = folder.play(
        f"""
        - hosts: localhost
          tasks:
            - name: count
              shell: echo x >> {marks}; wc -l < {marks}
              register: counted
              until: counted.stdout | int >= 3
              retries: 5
              delay: 0
            - name: never
              command: "false"
              register: result
              until: result.rc == 0
              retries: 1
              delay: 0
        """
    )
    assert played.outcome("count").result["attempts"] == 3
    assert played.outcome("never").result["attempts"] == 1, "as Ansible counts: the tries after the first"
    assert played.code == 2


def test_failed_when_and_changed_when_judge(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: fine, command: "false", register: r, failed_when: r.rc > 1, changed_when: false}
            - {name: bad, command: "echo oops", register: r, failed_when: "'oops' in r.stdout"}
        """
    )
    assert str(played.outcome("fine").status) == "ok"
    assert str(played.outcome("bad").status) == "failed"


def test_included_tasks_see_the_loops_item_and_the_includes_vars(folder: Folder) -> None:
    folder.write("part.yml", "- {name: part, debug: {msg: '{{ item }} {{ extra }}'}}")
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - include_tasks: part.yml
              loop: [a, b]
              vars: {extra: x}
        """
    )
    assert [s.outcome.result["msg"] for s in played.of(StepFinished)][1:] == [
        "a x",
        "b x",
    ]


def test_an_include_that_is_not_there_is_a_failed_task(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - block:
                - {name: include, include_tasks: "{{ 'no' }}.yml"}
              rescue:
                - {name: rescued, debug: {}}
        """
    )
    assert played.names == ["include", "rescued"]
    assert "no.yml" in played.outcome("include").result["reason"]


def test_add_host_is_there_for_the_next_play(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - add_host: {name: new, groups: [fresh], colour: red}
        - hosts: fresh
          tasks:
            - {name: show, debug: {msg: "{{ inventory_hostname }} {{ colour }} {{ groups.fresh }}"}}
        """
    )
    assert played.message("show") == "new red ['new']"


def test_tags_select(folder: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - {name: a, debug: {}, tags: a}
            - {name: b, debug: {}, tags: b}
            - {name: must, debug: {}, tags: always}
            - {name: rare, debug: {}, tags: never}
        """
    assert folder.play(text).names == ["a", "b", "must"]
    assert folder.play(text, tags=Tags(only=frozenset({"a"}))).names == ["a", "must"]
    assert folder.play(text, tags=Tags(skip=frozenset({"a"}))).names == ["b", "must"]


def test_serial_batches_go_one_after_the_other(folder: Folder) -> None:
    folder.inventory = "a,b,c,"
    played = folder.play(
        """
        - hosts: all
          serial: 2
          tasks:
            - {name: one, debug: {}}
            - {name: two, debug: {}}
        """
    )
    assert [f"{s[0]}{s[1]}" for s in played.steps] == ["aone", "bone", "atwo", "btwo", "cone", "ctwo"]


def test_a_command_never_runs_on_this_machine_for_another_host(folder: Folder) -> None:
    folder.inventory = "web1,"
    with pytest.raises(LoadError, match="no connection"):
        folder.play("- hosts: web1\n  tasks: [{shell: touch /tmp/never}]")


def test_what_templates_yield_keeps_its_type_and_data_is_never_rendered(folder: Folder) -> None:
    (folder.path / "data.txt").write_text("{{ 1 + 1 }}")
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {name: read, command: cat data.txt, args: {chdir: "{{ playbook_dir }}"}, register: data}
            - {name: show, debug: {msg: "{{ data.stdout }}"}}
            - {name: number, debug: {msg: "{{ 7 }}"}}
        """
    )
    assert played.message("show") == "{{ 1 + 1 }}"
    assert played.message("number") == 7


def test_an_undefined_variable_fails_the_task_and_names_the_nearest(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          vars: {endpoint: x}
          tasks:
            - {name: bad, debug: {msg: "{{ endpont }}"}}
        """
    )
    told = played.outcome("bad")
    assert "endpont" in told.result["msg"]
    assert "endpoint" in told.hint
    assert played.code == 2


def test_vars_files_are_read_for_each_host_and_the_first_of_a_list_that_is_there(folder: Folder) -> None:
    folder.inventory = "web,db,"
    folder.write("vars/common.yml", "a: common\nfile: web")
    folder.write("web.yml", "a: web")
    folder.write("default.yml", "a: default")
    text = """
        - hosts: all
          vars_files:
            - common.yml
            - ["{{ inventory_hostname }}.yml", default.yml]
          tasks:
            - {name: show, debug: {msg: "{{ a }} {{ file }}"}}
        """
    played = folder.play(text)
    assert [played.message("show", host) for host in ("web", "db")] == ["web web", "default web"]


def test_a_vars_file_that_is_not_there_stops_the_run(folder: Folder) -> None:
    text = "- hosts: localhost\n  vars_files: ['{{ inventory_hostname }}.yml']\n  tasks: [{debug: {}}]"
    with pytest.raises(LoadError, match=r"no file of variables 'localhost\.yml'"):
        folder.play(text)


def test_a_condition_that_the_operator_wrote_into_a_variable_is_asked_but_data_never_is(
    folder: Folder,
) -> None:
    played = folder.play("""
        - hosts: localhost
          gather_facts: false
          vars: {ready: true, condition: ready == true, conditions: {other: not ready}}
          tasks:
            - {name: one, debug: {msg: x}, when: "{{ condition }}"}
            - {name: two, debug: {msg: x}, when: "{{ conditions.other }}"}
            - {name: data, set_fact: {found: "{{ 'ready ~ == true' | replace('~ ', '') }}"}}
            - {name: three, debug: {msg: x}, when: "{{ found }}", ignore_errors: true}
        """)
    assert [status for _, name, status in played.steps if name != "data"] == ["ok", "skipped", "failed"]
    assert "must have a boolean result" in played.message("three")


def test_a_host_that_failed_is_no_host_of_the_play_while_its_handlers_run(folder: Folder) -> None:
    folder.inventory = "a,b"
    played = folder.play("""
        - hosts: all
          gather_facts: false
          connection: local
          force_handlers: true
          tasks:
            - {command: "true", notify: told}
            - {fail: {}, when: inventory_hostname == 'b'}
            - {name: left, debug: {msg: "{{ ansible_play_hosts }}"}}
          handlers:
            - {name: told, debug: {msg: "{{ ansible_play_hosts }}"}}
    """)
    assert played.message("left") == ["a"]
    assert played.message("told", "b") == ["a"]


def test_wrong_arguments_are_refused_unless_the_playbook_deals_with_the_failure(folder: Folder) -> None:
    plain = "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
    with pytest.raises(LoadError, match="'state' must be one of"):
        folder.play(plain + "    - file: {state: bogus, path: x}\n")
    played = folder.play(
        plain
        + """\
    - {name: ignored, file: {state: bogus, path: x}, ignore_errors: true}
    - {name: judged, file: {state: bogus, path: x}, failed_when: false}
    - block:
        - {name: rescued, copy: {content: x}}
      rescue:
        - {name: rescue, debug: {msg: "{{ ansible_failed_result.msg }}"}}
    """
    )
    assert played.code == 0
    assert [(name, status) for _, name, status in played.steps] == [
        ("ignored", "failed"),
        ("judged", "ok"),
        ("rescued", "failed"),
        ("rescue", "ok"),
    ]
    assert played.message("rescue") == "dest is required"


def test_a_failure_tells_no_argument_that_was_left_out(folder: Folder) -> None:
    played = folder.play("""
        - hosts: localhost
          gather_facts: false
          tasks:
            - {name: fails, command: {cmd: "false", chdir: "{{ omit }}"}, ignore_errors: true}
        """)
    assert played.code == 0
    assert played.outcome("fails").arguments == {"cmd": "false"}
