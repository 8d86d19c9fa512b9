"""Only what the operator wrote is a template: text from elsewhere keeps its braces, whatever way it takes.

Each source hands out EVIL; each way uses a value that holds it. Rendered even once, `{{ 7 * 7 }}` would become 49.
"""

from __future__ import annotations

import json
import textwrap

import pytest

from tests.support.plays import Folder

EVIL = "{{ 7 * 7 }} {% set x = 1 %}{# gone #}"

SOURCES = {
    "a command's output": """
        - command: cat evil.txt
          register: r
        - set_fact: {got: "{{ r.stdout }}"}
        """,
    "lines of a command's output": """
        - shell: cat evil.txt
          register: r
        - set_fact: {got: "{{ r.stdout_lines[0] }}"}
        """,
    "a file": """
        - set_fact: {got: "{{ lookup('file', 'evil.txt') }}"}
        """,
    "lines of a file": """
        - set_fact: {got: "{{ query('lines', 'cat evil.txt') | first }}"}
        """,
    "the environment": """
        - set_fact: {got: "{{ lookup('env', 'EVIL') }}"}
        """,
    "a pipe": """
        - set_fact: {got: "{{ lookup('pipe', 'cat evil.txt') }}"}
        """,
    "slurped bytes": """
        - slurp: {src: evil.txt}
          register: r
        - set_fact: {got: "{{ r.content | b64decode }}"}
        """,
    "JSON text": """
        - set_fact: {got: "{{ (lookup('file', 'evil.json') | from_json).deep[0].evil }}"}
        """,
    "YAML text": """
        - set_fact: {got: "{{ (lookup('file', 'evil.json') | from_yaml).deep[0].evil }}"}
        """,
    "a key of JSON text": """
        - set_fact: {got: "{{ (lookup('file', 'keys.json') | from_json).keys() | first }}"}
        """,
    "a rendered template file": """
        - template: {src: evil.j2, dest: made.txt}
        - set_fact: {got: "{{ lookup('file', 'made.txt') }}"}
        """,
    "a template lookup": """
        - set_fact: {got: "{{ lookup('template', 'evil.j2') | trim }}"}
        """,
    "the name of a file": """
        - copy: {content: x, dest: "found/{{ evil_name }}"}
        - find: {paths: found}
          register: r
        - set_fact: {got: "{{ r.files[0].path | basename | replace('_', ' ') }}"}
        """,
    "braces put together": """
        - set_fact: {got: "{{ '{' ~ '{ 7 * 7 }' ~ '} {' ~ '% set x = 1 %' ~ '}{' ~ '# gone #' ~ '}' }}"}
        """,
    "text marked as unsafe": """
        - set_fact: {got: "{{ evil }}"}
        """,
    "a failed task's message": """
        - block:
            - fail: {msg: "{{ evil }}"}
          rescue:
            - set_fact: {got: "{{ ansible_failed_result.msg }}"}
        """,
    "a variable of an added host": """
        - add_host: {name: other, hidden: "{{ lookup('file', 'evil.txt') }}"}
        - set_fact: {got: "{{ hostvars.other.hidden }}"}
        """,
    "a fact of another host": """
        - set_fact: {kept: "{{ lookup('file', 'evil.txt') }}"}
        - set_fact: {got: "{{ hostvars[inventory_hostname].kept }}"}
        """,
    "an item of a loop": """
        - debug: {msg: "{{ item }}"}
          loop: "{{ [lookup('file', 'evil.txt')] }}"
          register: r
        - set_fact: {got: "{{ r.results[0].msg }}"}
        """,
    "a lookup of variables": """
        - set_fact: {kept: "{{ lookup('file', 'evil.txt') }}"}
        - set_fact: {got: "{{ lookup('vars', 'kept') }}"}
        """,
    "an included variable": """
        - include_tasks: given.yml
          vars: {given: "{{ lookup('file', 'evil.txt') }}"}
        """,
}

WAYS = {
    "a module's argument": """
        - debug: {msg: "{{ got }}"}
          register: shown
        - assert: {that: shown.msg == evil}
        """,
    "a part of a text": """
        - debug: {msg: "<{{ got }}>"}
          register: shown
        - assert: {that: "shown.msg == '<' ~ evil ~ '>'"}
        """,
    "another variable": """
        - debug: {msg: "{{ twice }}"}
          vars: {once: "{{ got }}", twice: "{{ once }}"}
          register: shown
        - assert: {that: shown.msg == evil}
        """,
    "a command line": """
        - command: {argv: [printf, "%s", "{{ got }}"]}
          register: shown
        - assert: {that: shown.stdout == evil}
        """,
    "a file's content": """
        - copy: {content: "{{ got }}", dest: copied.txt}
        - command: cat copied.txt
          register: shown
        - assert: {that: shown.stdout == evil}
        """,
    "a shown variable": """
        - debug: {var: got}
          register: shown
        - assert: {that: shown.got == evil}
        """,
    "a condition": """
        - debug: {msg: x}
          when: got != evil
          register: shown
        - assert: {that: shown is skipped}
        """,
    "a filter's result": """
        - debug: {msg: "{{ [got] | map('replace', 'q', 'q') | first }}"}
          register: shown
        - assert: {that: shown.msg == evil}
        """,
    "an environment": """
        - command: printenv GIVEN
          environment: {GIVEN: "{{ got }}"}
          register: shown
        - assert: {that: shown.stdout == evil}
        """,
    "a label of a loop": """
        - debug: {msg: "{{ item }}"}
          loop: ["{{ got }}"]
          loop_control: {label: "{{ item }}"}
          register: shown
        - assert: {that: 'shown.results[0].item == evil'}
        """,
    "a mapping": """
        - debug: {msg: {a: ["{{ got }}"]}}
          register: shown
        - assert: {that: "shown.msg == {'a': [evil]}"}
        """,
}


@pytest.fixture
def evil(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A folder whose files hold EVIL in every form."""
    monkeypatch.chdir(folder.path)
    monkeypatch.setenv("EVIL", EVIL)
    folder.write("evil.txt", EVIL)
    folder.write("evil.json", json.dumps({"deep": [{"evil": EVIL}]}))
    folder.write("keys.json", json.dumps({EVIL: 1}))
    folder.write("templates/evil.j2", "{{ lookup('file', 'evil.txt') }}\n")
    folder.write("given.yml", '- set_fact: {got: "{{ given }}"}\n')
    (folder.path / "found").mkdir()
    return folder


def playbook(*parts: str) -> str:
    tasks = textwrap.indent("".join(textwrap.dedent(part) for part in parts), "    ")
    name = EVIL.replace(" ", "_")
    variables = f"    evil: !unsafe '{EVIL}'\n    evil_name: !unsafe '{name}'\n"
    return f"- hosts: localhost\n  gather_facts: false\n  vars:\n{variables}  tasks:\n{tasks}"


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_comes_from_elsewhere_is_no_template(evil: Folder, source: str) -> None:
    played = evil.play(playbook(source, "- assert: {that: got == evil}\n"))
    assert played.code == 0, played.of_failed


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_it_stays_data_on_its_way(evil: Folder, way: str) -> None:
    played = evil.play(playbook(SOURCES["a file"], way))
    assert played.code == 0, played.of_failed


def test_it_stays_data_when_a_run_goes_on(evil: Folder) -> None:
    text = playbook(
        SOURCES["a command's output"],
        "- command: test -e ready\n  rerun: safe\n- assert: {that: got == evil}\n",
    )
    assert evil.play(text).code == 2
    evil.write("ready", "")
    assert evil.play(text).code == 0


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.system('true') }}",
    "{{ self.__init__.__globals__ }}",
    "{{ lookup.__globals__ }}",
    "{{ [].append.__self__.__class__ }}",
    "{{ '%s' | format(x.__class__) }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{{ x | attr('__class__') }}",
    "{{ [x] | map(attribute='__class__') | list }}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_templates_run_in_a_sandbox(evil: Folder, text: str) -> None:
    evil.write("escape.j2", text)
    for task in (
        f'- debug: {{msg: "{text}"}}\n',
        "- template: {src: escape.j2, dest: made.txt}\n",
    ):
        assert evil.play(playbook("- set_fact: {x: word}\n", task), fresh=True).code == 2
    assert not (evil.path / "made.txt").exists()


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!!python/name:os.system", "!ruby/object"]
)
def test_unsafe_yaml_tags_are_refused(evil: Folder, tag: str) -> None:
    from runbook.errors import LoadError

    with pytest.raises(LoadError, match="tag"):
        evil.play(playbook(f"- debug: {{msg: {tag} [touch evil]}}\n"))
