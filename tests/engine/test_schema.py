"""`runbook schema`: an editor takes what the loader takes, and marks what the loader refuses."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from runbook.errors import LoadError
from runbook.keyword_prompts import PROMPT
from runbook.keyword_schema import Reader
from runbook.keywords import KEYWORDS, LOOP_CONTROL
from runbook.loader import load_playbook
from runbook.registry import Registry
from runbook.schema import SCHEMAS

from tests.support.plays import Folder

ROOT = Path(__file__).parents[2]


@functools.cache
def validator(what: str) -> Any:
    schema = SCHEMAS[what](Registry())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(json.loads(json.dumps(schema)))


def problems(what: str, text: str) -> list[str]:
    return [error.message for error in validator(what).iter_errors(yaml.safe_load(text))]


def test_every_keyword_has_a_reader_with_a_schema() -> None:
    readers = [one.read for one in KEYWORDS.values()] + [*LOOP_CONTROL.values(), *PROMPT.values()]

    assert [one for one in readers if not isinstance(one, Reader)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda p: p.stem)
def test_our_own_playbooks_fit(path: Path) -> None:
    assert problems("playbook", path.read_text()) == []


@pytest.mark.parametrize("path", sorted((ROOT / "inventory").glob("*.yml")), ids=lambda p: p.stem)
def test_our_own_inventories_fit(path: Path) -> None:
    assert problems("inventory", path.read_text()) == []


GOOD = """
- debug: {msg: "{{ x }}"}
- ansible.builtin.debug: msg=x
- command: ls -l
- command:
  args: {cmd: ls, creates: x}
- shell: {cmd: ls, chdir: /tmp}
- {action: command ls, name: "{{ x }}"}
- {action: {module: debug, msg: x}}
- local_action: debug msg=x
- {debug: , when: x is defined}
- {debug: , when: [a, true]}
- {debug: , when: true, tags: a, no_log: "yes", run_once: "{{ x }}"}
- {debug: , tags: [a, 1], register: r, until: r is succeeded, retries: 3, delay: "{{ x }}"}
- {debug: , loop: [1, 2], loop_control: {loop_var: x, label: 1, pause: 1, extended: true}}
- {debug: , loop: "{{ x }}"}
- {debug: , with_items: x}
- {debug: , with_list: [1], vars: {a: 1}}
- {debug: , with_ansible.builtin.items: [1], changed_when: false, failed_when: [a, b]}
- {debug: , environment: {A: b}, notify: [a, b], ignore_errors: true, delegate_to: localhost, timeout: 3}
- {debug: , environment: ["{{ a }}", {A: b}], check_mode: no, diff: false, throttle: 1, async: 5, poll: 0}
- {debug: , become: false, connection: ansible.builtin.local, aws: {region: eu-central-1}}
- {debug: , module_defaults: {debug: {msg: x}}}
- block: [{debug: }]
  rescue: [{block: [{debug: }]}]
  always:
  when: x
- {name: null, debug: {msg: [1, {a: b}]}, notify: , register: }
- set_fact: {a: 1, b: "{{ x }}", cacheable: yes}
- {copy: {content: x, dest: y, mode: "0644"}}
- {wait_for: {port: "22", timeout: "{{ x }}"}}
- {include_tasks: x.yml}
- {include_tasks: {file: x.yml}, loop: [1]}
- {import_tasks: x.yml}
- {meta: flush_handlers}
- {assert: {that: a == b}}
- {assert: {that: [a, "b is defined", true], quiet: true}}
"""

BAD = {
    "- {debg: {msg: x}}": "unknown module",
    "- {debug: {mgs: x}}": "unknown argument",
    "- {debug: , whn: x}": "unknown keyword",
    "- {name: x}": "no module",
    "- {debug: , register: a-b}": "no variable's name",
    "- {debug: , retries: many}": "no number",
    "- {debug: , run_once: maybe}": "no flag",
    "- {debug: [1]}": "arguments in a list",
    "- {debug: , loop_control: {var: x}}": "unknown setting",
    "- {debug: , vars: [1]}": "variables in a list",
    "- {copy: {content: x}}": "argument missing",
    "- {wait_for: {port: x}}": "argument of another type",
    "- {block: {debug: }}": "block that is no list",
    "- {block: [{debug: , listen: x}]}": "listen outside of handlers",
    "- {debug: , rerun: perhaps}": "none of the words",
    "- {debug: , hosts: x}": "keyword of a play",
    "- just text": "no mapping",
}


def test_every_form_of_a_task_fits(folder: Folder) -> None:
    folder.write("x.yml", "- debug:\n")
    play = "- hosts: all\n  tasks:\n" + "".join(f"    {line}\n" for line in GOOD.strip().splitlines())

    assert problems("tasks", GOOD) == []
    assert problems("playbook", play) == []
    load_playbook(str(folder.write("site.yml", play)), Registry())


@pytest.mark.parametrize("text", BAD, ids=BAD.values())
def test_what_the_loader_refuses_does_not_fit(folder: Folder, text: str) -> None:
    play = f"- hosts: all\n  tasks:\n    {text}\n"

    assert problems("tasks", text)
    assert problems("playbook", play)
    with pytest.raises(LoadError):
        load_playbook(str(folder.write("site.yml", play)), Registry())


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("- {hosts: all}", True),
        (
            "- {hosts: [a, 'b'], serial: [1, '25%'], max_fail_percentage: 30, strategy: ansible.builtin.free}",
            True,
        ),
        (
            "- {hosts: all, vars_files: [a, [b, c]], vars_prompt: [{name: a, private: no}], order: sorted}",
            True,
        ),
        ("- {hosts: all, handlers: [{name: x, debug: , listen: [a]}], pre_tasks: , gather_facts: no}", True),
        ("- {import_playbook: x.yml, when: a, tags: b, vars: {c: 1}}", True),
        ("- {ansible.builtin.import_playbook: x.yml}", True),
        ("- {hosts: all, roles: [a, {role: b, when: c, any_param: [1]}, {name: c, tags: d}]}", True),
        ("- {hosts: all, tasks: [{include_tasks: {file: a, apply: {tags: b, when: c}}}]}", True),
        ("- {hosts: all, tasks: [{import_role: {name: a, tasks_from: b}}, {include_role: {name: a}}]}", True),
        ("- {hosts: all, tasks: [{include_tasks: {file: a, apply: {loop: [1]}}}]}", False),
        ("- {hosts: all, roles: [{when: c}]}", False),
        ("- {tasks: [{debug: }]}", False),
        ("- {hosts: }", False),
        ("- {hosts: all, serial: many}", False),
        ("- {hosts: all, when: x}", False),
        ("- {hosts: all, vars_prompt: [{prompt: a}]}", False),
        ("- {hosts: all, order: upwards}", False),
        ("- {import_playbook: x.yml, hosts: all}", False),
        ("hosts: all", False),
        ("[]", False),
    ],
)
def test_plays(text: str, fits: bool) -> None:
    assert (problems("playbook", text) == []) is fits


@pytest.mark.parametrize(
    ("what", "text", "fits"),
    [
        ("vars", "{a: 1, _b2: x}", True),
        ("vars", "", True),
        ("vars", "{a-b: 1}", False),
        ("vars", "[1]", False),
        (
            "inventory",
            "{all: {hosts: {a: , b: {x: 1}}, children: {w: {hosts: {a: }, vars: {y: 1}}}}, d: }",
            True,
        ),
        ("inventory", "{all: {host: {a: }}}", False),
        ("inventory", "{all: {hosts: [a]}}", False),
    ],
)
def test_inventories_and_variables(what: str, text: str, fits: bool) -> None:
    assert (problems(what, text) == []) is fits


def test_editors_are_told_what_things_are_for() -> None:
    schema = SCHEMAS["playbook"](Registry())

    assert schema["$defs"]["call.copy"]["description"].startswith("Put a file")
    arguments = schema["$defs"]["call.copy"]["anyOf"][0]["properties"]
    assert arguments["mode"]["description"]
    assert "amazon.aws" not in json.dumps(schema)
