"""`runbook lint`: what the rules find, what they leave alone, and what a person can allow."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from runbook.cli_lint import run
from runbook.errors import LoadError
from runbook.lint import Finding, lint
from runbook.lint_config import Config, read_config
from runbook.lint_rules import BY_NAME, RULES, page
from runbook.registry import Registry

from tests.support.golden import GOLDEN, assert_golden
from tests.support.plays import Folder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(GOLDEN / "lint", tmp_path / "bad")
    monkeypatch.chdir(tmp_path / "bad")
    return tmp_path / "bad"


def found(folder: Folder, text: str, config: Config | None = None) -> list[Finding]:
    """Of a playbook with these tasks."""
    tasks = "".join(f"    {line}\n" for line in text.strip("\n").splitlines())
    folder.write("site.yml", f"- name: A play\n  hosts: all\n  tasks:\n{tasks}")
    return lint([str(folder.path)], Registry(), config or Config())


def names(findings: list[Finding]) -> list[str]:
    return [finding.rule.name for finding in findings]


# ---------------------------------------------------------------- all of it


def test_everything_that_is_wrong_is_told_with_its_line(bad: Path) -> None:
    text, clean = run(["."], "text", None)

    assert not clean
    assert_golden("lint/findings.txt", text + "\n")


def test_every_rule_finds_something_in_the_bad_example(bad: Path) -> None:
    findings = lint(["."], Registry(), Config(enable=frozenset(BY_NAME)))

    assert {rule.name for rule in RULES} - set(names(findings)) == set()


def test_our_own_playbooks_are_clean() -> None:
    assert run([str(ROOT / "playbooks")], "text", None) == ("No findings.", True)


def test_forms_for_programs(bad: Path) -> None:
    as_json = json.loads(run(["broken.yml"], "json", None)[0])
    assert as_json[1] == {
        "rule": "syntax",
        "severity": "error",
        "file": "broken.yml",
        "line": 3,
        "column": 13,
        "message": "This '{' is not closed, or a ',' is missing after it",
        "hint": "Text with brackets needs quotes.",
    }
    assert run(["broken.yml"], "github", None)[0].splitlines()[1] == (
        "::error file=broken.yml,line=3,col=13,title=syntax::This '{' is not closed, or a ',' is missing after it"
        "%0AText with brackets needs quotes."
    )


def test_the_page_of_the_rules_is_fresh() -> None:
    assert_golden("../../docs/lint.md", page())


def test_a_thousand_tasks_take_a_moment(folder: Folder) -> None:
    for number in range(10):
        tasks = "".join(
            f"- name: Task {n}\n  debug:\n    msg: \"{{{{ var_{n} }}}} and {{{{ other | default('x') }}}}\"\n"
            f"  register: res_{number}_{n}\n  when: res_{number}_{max(n - 1, 0)} is not failed\n"
            for n in range(100)
        )
        folder.write(f"f{number}.yml", tasks)
    imports = "\n".join(f"- import_tasks: f{n}.yml" for n in range(10))
    began = time.process_time()
    findings = found(folder, imports)

    assert time.process_time() - began < 3  # about 0.6 s on a machine with nothing else to do
    assert set(names(findings)) == {"unused-register"}


# ---------------------------------------------------------------- what is left alone


@pytest.mark.parametrize(
    "task",
    [
        "- {name: a, debug: {msg: \"{{ '{{x}}' }}\"}}",
        "- {name: a, debug: {msg: '{{- x -}}'}}",
        "- {name: a, shell: 'cat x | wc', changed_when: false}",
        "- {name: a, shell: 'cd /tmp', changed_when: false}",
        "- {name: a, shell: 'echo $HOME', changed_when: false}",
        "- {name: a, command: ls, args: {creates: x}}",
        "- {name: a, copy: {content: x, dest: y, mode: '0644'}}",
        "- {name: a, command: 'true', changed_when: false, register: _}",
        "- {name: a, command: 'true', changed_when: false, register: r}\n- {name: b, debug: {msg: '{{ r }}'}}",
        "- {name: a, set_fact: {api_key: \"{{ lookup('env', 'KEY') }}\", secret_name: x, token_arn: 'arn:aws:x'}}",
        "- {name: a, debug: {msg: '{{ other_name }}'}, vars: {some_name: 1}}",
        "- {name: a, debug: {msg: '{{ x.clutser }}'}, vars: {cluster: 1}}",
        '- {name: a, debug: {msg: "{% for clutser in x %}{{ clutser }}{% endfor %}"}, vars: {cluster: 1}}',
        "- meta: flush_handlers",
        "- {name: a, debug: {}, when: x == 'true'}",
    ],
)
def test_what_is_right_is_left_alone(folder: Folder, task: str) -> None:
    assert names(found(folder, task)) == []


def test_files_are_read_by_what_they_are(folder: Folder) -> None:
    folder.write("roles/web/tasks/main.yml", "- debug: {}\n")
    folder.write("roles/web/handlers/main.yml", "- {name: h, nix: {}}\n")
    folder.write("roles/web/defaults/main.yml", "password: x\n")
    folder.write("stack.template.yml", "Password: !Ref x\nResources: []\n")
    folder.write(".hidden/x.yml", "- debug: {}\n")
    findings = found(folder, "- {name: a, debug: {}}")

    assert sorted((Path(one.position.file).parent.name, one.rule.name) for one in findings) == [
        ("defaults", "secret-in-clear"),
        ("handlers", "load-failure"),
        ("tasks", "name-task"),
    ]


def test_what_a_playbook_imports_is_told_once(folder: Folder) -> None:
    folder.write("more.yml", "- debug: {}\n")

    assert names(found(folder, "- import_tasks: more.yml\n- import_tasks: more.yml")) == ["name-task"]


# ---------------------------------------------------------------- what a person allows


@pytest.mark.parametrize(
    "task",
    [
        "- debug: {}  # lint: name-task",
        "- debug: {}  # noqa: name-task",
        "- debug: {}  # noqa name-task",
        "# lint: name-task\n- debug: {}",
        "- command: ls  # lint: name-task, command-changes",
        "- name: a  # lint: command-changes\n  vars: {}\n  command: ls",
        "- {name: a, debug: {}}  # noqa: yaml[line-length]",
    ],
)
def test_comments_allow(folder: Folder, task: str) -> None:
    assert names(found(folder, task)) == []


@pytest.mark.parametrize(
    ("task", "rules"),
    [
        ("- {name: a, debug: {}}  # lint: name-task", ["unused-exception"]),
        ("- {name: a, debug: {}}  # lint: nix", ["unused-exception"]),
        ("- {name: a, nix: {}}  # lint: load-failure", ["load-failure", "unused-exception"]),
        ("# lint: name-task\n\n- debug: {}", ["unused-exception", "name-task"]),
    ],
)
def test_comments_that_allow_nothing_are_told(folder: Folder, task: str, rules: list[str]) -> None:
    assert names(found(folder, task)) == rules


def test_the_configuration_skips_enables_excludes_and_weighs(folder: Folder) -> None:
    folder.write("old/tasks/x.yml", "- debug: {}\n")
    config = folder.write(
        ".runbook-lint.yml",
        f"""
        skip: [name-task]
        enable: name-capital
        severity: {{command-changes: error}}
        exclude: [{folder.path}/old]
        """,
    )
    findings = found(folder, "- command: ls\n- {name: small, debug: {}}", read_config(config, BY_NAME))

    assert [(one.rule.name, one.severity) for one in findings] == [
        ("command-changes", "error"),
        ("name-capital", "info"),
    ]


def test_a_wrong_configuration_is_told_at_its_place(folder: Folder) -> None:
    path = folder.write(
        "c.yml", "skp: []\nskip: [name-tasks]\nenable: 3\nseverity: {name-task: bad, nix: info}\n"
    )
    with pytest.raises(LoadError) as refused:
        read_config(path, BY_NAME)

    told = str(refused.value)
    for words in ("no 'skp'", "Did you mean 'skip'?", "no rule 'name-tasks'", "Did you mean 'name-task'?",
                  "'enable' takes a list of texts", "one of: error, warning, info", "no rule 'nix'"):  # fmt: skip
        assert words in told


def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LoadError, match="There is no file or folder nix"):
        run(["nix"], "text", None)
