"""Whatever stands in a playbook, and however much, the loader reads it or says what is wrong, in a moment."""

from __future__ import annotations

import random
import time

from runbook.errors import LoadError

from tests.support.playbooks import Load, tasks

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

PIECES = [
    *(
        "{{",
        "}}",
        ": ",
        "- ",
        "\t",
        '"',
        "'",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "!x ",
        "<<: ",
        "| ",
        "? ",
        "#",
    ),
    *(
        "null",
        "\n",
        "  ",
        "block",
        "when",
        "loop",
        "args",
        "import_tasks: ",
        "\x00",
        "\u2028",
        "---\n",
        "%",
        "@",
    ),
]


def test_whatever_is_typed_only_load_errors_are_raised(load: Load) -> None:
    chance = random.Random(2)  # noqa: S311 (no secret)
    text = TEXT + "- import_playbook: more.yml\n"
    load(text, {"more.yml": "- hosts: db\n"})
    refused = 0
    for _ in range(200):
        typed = text
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(typed))
            typed = typed[:at] + chance.choice(PIECES) + typed[at + chance.randrange(6) :]
        try:
            load(typed)
        except LoadError:
            refused += 1
    assert refused > 100


def test_a_playbook_of_a_thousand_tasks_loads_in_a_moment(load: Load) -> None:
    task = """
    - name: task {0}
      debug: {{msg: "value {{{{ x{0} }}}} and {{{{ y | default({0}) }}}}"}}
      when: x{0} is defined
      register: r{0}
"""
    text = "- hosts: web\n  tasks:\n" + "".join(task.format(n) for n in range(1000))
    load("- hosts: web\n")
    started = time.process_time()
    (play,) = load(text).plays
    assert time.process_time() - started < 3.0  # 0.25 s on an idle machine
    assert len({task.identity for task in tasks(play)}) == 1000
