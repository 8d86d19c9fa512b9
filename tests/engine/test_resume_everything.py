"""Everything that a run brings with it is there again, wherever it was cut off (DESIGN, Journal)."""

# ruff: noqa: E501 (playbooks, a line for each task)
from __future__ import annotations

import pytest

from tests.support.cut import same_at_every_cut
from tests.support.plays import Folder

HOSTS = "[web]\nw1 ansible_connection=local\nw2 ansible_connection=local\nw3 ansible_connection=local\n"
MARK = "args: {chdir: '{{ playbook_dir }}'}"


def hosts(folder: Folder) -> None:
    folder.inventory = str(folder.write("hosts.ini", HOSTS))


def test_variables_facts_and_registered_results(folder: Folder) -> None:
    hosts(folder)
    same_at_every_cut(
        folder,
        """
        - hosts: web
          gather_facts: false
          vars: {own: "{{ inventory_hostname }}"}
          tasks:
            - {name: run, shell: "echo {{ own }} | tee -a marks", args: {chdir: "{{ playbook_dir }}"}, register: r}
            - set_fact: {a: "{{ r.stdout }}", cacheable: true}
            - set_fact: {b: "{{ a }}{{ ansible_facts.a }}", n: 7, f: 1.50, t: "1.50", none: null}
            - {name: skipped, debug: {}, when: n == 8, register: s}
            - {name: others, debug: {msg: "{{ groups.web | map('extract', hostvars, 'b') | list }}"}}
            - {name: show, debug: {msg: "{{ [b, n, f, t, none, s is skipped, s.false_condition] }}"}}
        """,
    )


def test_notified_handlers(folder: Folder) -> None:
    same_at_every_cut(
        folder,
        f"""
        - hosts: localhost
          handlers:
            - {{name: first, shell: "echo first >> marks", {MARK}, notify: second}}
            - {{name: second, shell: "echo second >> marks", {MARK}, listen: topic}}
            - {{name: never, shell: "echo never >> marks", {MARK}}}
          pre_tasks:
            - {{name: a, shell: "echo a >> marks", {MARK}, notify: [first]}}
          tasks:
            - {{name: b, shell: "echo b >> marks", {MARK}, notify: topic}}
            - {{name: c, command: "true", changed_when: false, notify: never}}
            - meta: flush_handlers
            - {{name: d, shell: "echo d >> marks", {MARK}, notify: topic}}
            - {{name: show, debug: {{}}}}
        """,
    )


def test_failed_and_rescued_hosts(folder: Folder) -> None:
    hosts(folder)
    same_at_every_cut(
        folder,
        f"""
        - hosts: web
          gather_facts: false
          tasks:
            - block:
                - {{name: bad, shell: "echo {{{{ inventory_hostname }}}} >> marks; false", {MARK}, when: inventory_hostname != 'w1'}}
                - {{name: good, debug: {{}}}}
              rescue:
                - {{name: what, debug: {{msg: "{{{{ ansible_failed_task.name }}}} {{{{ ansible_failed_result.rc }}}}"}}}}
                - {{name: again, command: "false", when: inventory_hostname == 'w3'}}
              always:
                - {{name: always, shell: "echo always >> marks", {MARK}}}
            - {{name: ignored, command: "false", ignore_errors: true, register: i}}
            - {{name: left, debug: {{msg: "{{{{ ansible_play_hosts }}}} {{{{ i.rc }}}}"}}}}
        - hosts: web
          gather_facts: false
          tasks:
            - {{name: next, debug: {{msg: "{{{{ ansible_play_hosts }}}}"}}}}
        """,
    )


def test_hosts_and_groups_that_came(folder: Folder) -> None:
    hosts(folder)
    same_at_every_cut(
        folder,
        """
        - hosts: web
          gather_facts: false
          tasks:
            - group_by: {key: "is_{{ inventory_hostname in ['w1', 'w2'] }}", parents: [all_kinds]}
            - {add_host: {name: "new-{{ item }}", groups: [made], ansible_connection: local, size: "{{ item }}"}, loop: [1, 2]}
            - {name: seen, debug: {msg: "{{ groups.made }} {{ groups.is_True | default([]) }}"}}
        - hosts: made:is_True
          gather_facts: false
          tasks:
            - {name: there, debug: {msg: "{{ size | default('none') }} {{ group_names }}"}}
            - {name: fact, set_fact: {x: "{{ inventory_hostname }}"}}
            - {name: all, debug: {msg: "{{ groups.all | map('extract', hostvars) | map(attribute='x', default=0) | list }}"}}
        """,
    )


def test_loops_and_tries(folder: Folder) -> None:
    same_at_every_cut(
        folder,
        f"""
        - hosts: localhost
          tasks:
            - name: loop
              shell: "echo {{{{ item }}}}{{{{ n }}}} | tee -a marks"
              args: {{chdir: "{{{{ playbook_dir }}}}"}}
              loop: [a, b, a]
              loop_control: {{index_var: n}}
              register: looped
            - {{name: tries, shell: "echo x >> tries; test $(wc -l < tries) -ge 2", {MARK}, register: t, until: t.rc == 0, retries: 5, delay: 0}}
            - {{name: dict, debug: {{msg: "{{{{ item.key }}}}"}}, loop: "{{{{ {{'x': 1, 'y': 2}} | dict2items }}}}", register: d}}
            - {{name: show, debug: {{msg: "{{{{ looped.results | map(attribute='stdout') | list }}}} {{{{ t.attempts }}}} {{{{ d.results | length }}}}"}}}}
        """,
    )


def test_included_files_and_roles(folder: Folder) -> None:
    folder.write(
        "one.yml", "- {name: 'one {{ x }}', set_fact: {'f_{{ x }}': '{{ x }}'}}\n- {include_tasks: two.yml}"
    )
    folder.write("two.yml", "- {name: 'two {{ x }}', debug: {msg: '{{ x }}'}, register: two}")
    folder.write("roles/r/defaults/main.yml", "d: default")
    folder.write("roles/r/vars/main.yml", "v: var")
    folder.write("roles/r/handlers/main.yml", "- {name: hr, debug: {msg: '{{ d }}'}}")
    folder.write("roles/r/tasks/main.yml", "- {name: in, command: 'true', notify: hr}")
    folder.write("roles/r/tasks/other.yml", "- {name: other, debug: {msg: '{{ d }}{{ p | default(0) }}'}}")
    folder.write("later.yml", "i: 1\ntemplated: '{{ i }}{{ i }}'")
    same_at_every_cut(
        folder,
        """
        - hosts: localhost
          tasks:
            - {include_tasks: one.yml, loop: [1, 2], loop_control: {loop_var: x}}
            - {include_role: {name: r, public: true}}
            - {name: public, debug: {msg: "{{ d }} {{ v }}"}}
            - {include_role: {name: r, tasks_from: other}, vars: {p: 5}, loop: [a, b]}
            - {include_vars: later.yml}
            - {include_vars: {file: later.yml, name: box}}
            - {name: show, debug: {msg: "{{ [f_1, f_2, two.msg, i, templated, box.i] }}"}}
        """,
    )


def test_batches_run_once_and_delegation(folder: Folder) -> None:
    hosts(folder)
    same_at_every_cut(
        folder,
        f"""
        - hosts: web
          serial: 2
          gather_facts: false
          tasks:
            - {{name: once, shell: "echo {{{{ inventory_hostname }}}} | tee -a marks", {MARK}, run_once: true, register: o}}
            - {{name: far, set_fact: {{g: "{{{{ inventory_hostname }}}}"}}, delegate_to: w3, delegate_facts: true}}
            - {{name: show, debug: {{msg: "{{{{ [o.stdout, ansible_play_batch, hostvars.w3.g] }}}}"}}}}
        """,
    )


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_strategies(folder: Folder, strategy: str) -> None:
    folder.inventory = str(folder.write("hosts.ini", "[web]\nw1 ansible_connection=local\n"))
    same_at_every_cut(
        folder,
        f"""
        - hosts: web
          strategy: {strategy}
          gather_facts: false
          handlers: [{{name: h, debug: {{msg: "{{{{ r.stdout }}}}"}}}}]
          tasks:
            - {{name: a, shell: "echo a | tee -a marks", {MARK}, register: r, notify: h}}
            - {{name: once, shell: "echo once | tee -a marks", {MARK}, run_once: true, register: o}}
            - {{name: show, debug: {{msg: "{{{{ r.stdout }}}} {{{{ o.stdout }}}}"}}}}
        """,
    )


def test_tasks_in_the_background(folder: Folder) -> None:
    same_at_every_cut(
        folder,
        f"""
        - hosts: localhost
          tasks:
            - {{name: far, shell: "sleep 0.1; echo far | tee -a marks", {MARK}, async: 20, poll: 0, register: job}}
            - {{name: waited, shell: "echo near | tee -a marks", {MARK}, async: 20, poll: 1, register: near}}
            - {{name: ask, async_status: {{jid: "{{{{ job.ansible_job_id }}}}"}}, register: end, until: end.finished, retries: 50, delay: 0.1}}
            - {{name: show, debug: {{msg: "{{{{ end.stdout }}}} {{{{ near.stdout }}}}"}}}}
        """,
    )


def test_answers_to_questions(folder: Folder) -> None:
    def question(text: str, *, private: bool = False) -> str:
        asked.append(text)
        return "private answer" if private else "open answer"

    asked: list[str] = []
    folder.key = b"key"
    same_at_every_cut(
        folder,
        """
        - hosts: localhost
          vars_prompt:
            - {name: open, prompt: Open, private: false}
            - {name: hidden, prompt: Hidden}
          tasks:
            - {name: a, debug: {msg: "{{ open }}"}}
            - {name: b, assert: {that: "hidden | length == 14"}}
        """,
        question=question,
    )
    assert asked == ["Open", "Hidden"] * 3, "once for each run, and never when it goes on"


def test_custom_stats_and_meta_words(folder: Folder) -> None:
    hosts(folder)
    same_at_every_cut(
        folder,
        """
        - hosts: web
          gather_facts: false
          tasks:
            - {set_stats: {data: {n: 1, l: [1]}, per_host: false}}
            - {set_stats: {data: {h: "{{ inventory_hostname }}"}, per_host: true}}
            - {set_fact: {kept: 1, gone: 2, cacheable: true}}
            - {meta: clear_facts, when: inventory_hostname == 'w1'}
            - {name: facts, debug: {msg: "{{ ansible_facts.gone | default('none') }} {{ kept }}"}}
            - {meta: end_host, when: inventory_hostname == 'w2'}
            - {name: left, debug: {msg: "{{ ansible_play_hosts }}"}}
            - {meta: end_play, when: inventory_hostname == 'w1'}
            - {name: never, debug: {}}
        """,
    )


def test_what_stands_in_an_always_section_stands_when_its_block_is_done_again(folder: Folder) -> None:
    text = f"""
        - hosts: localhost
          tasks:
            - block:
                - {{name: a, shell: "echo a >> marks", {MARK}}}
                - {{name: gate, command: "test -e open", {MARK}}}
                - {{name: b, shell: "echo b >> marks", {MARK}}}
              always:
                - {{name: z, shell: "echo z >> marks", {MARK}, register: z}}
            - {{name: show, debug: {{msg: "{{{{ z.rc }}}}"}}}}
        """
    assert folder.play(text).code == 2
    (folder.path / "open").touch()
    assert folder.play(text).code == 0
    assert (folder.path / "marks").read_text().split() == ["a", "z", "b"]


def test_a_host_that_failed_is_tried_again_and_the_others_stand(folder: Folder) -> None:
    hosts(folder)
    text = f"""
        - hosts: web
          gather_facts: false
          tasks:
            - {{name: a, shell: "echo {{{{ inventory_hostname }}}} >> marks", {MARK}}}
            - {{name: gate, command: "test -e open", {MARK}, when: inventory_hostname == 'w2'}}
            - {{name: b, shell: "echo b{{{{ inventory_hostname }}}} >> marks", {MARK}}}
        """
    assert folder.play(text).code == 2
    (folder.path / "open").touch()
    assert folder.play(text).code == 0
    assert sorted((folder.path / "marks").read_text().split()) == ["bw1", "bw2", "bw3", "w1", "w2", "w3"]
