"""The text that Run Command carries, run by a real shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.errors import Failed
from runbook.modules._ssm_script import Script, compose, guard_answer, probe, read_secret

from tests.support.shell_instance import ShellInstance


@pytest.fixture
def instance(tmp_path: Path) -> ShellInstance:
    return ShellInstance(tmp_path)


def test_a_script_runs_with_its_quotes_and_variables_untouched(instance: ShellInstance) -> None:
    ran = instance.run(compose(Script(text="x='a b'\nprintf '%s|%s\\n' \"$x\" \"it's \\$1\"\n")))

    assert (ran.rc, ran.stdout) == (0, "a b|it's $1\n")


def test_it_ends_at_the_first_command_that_fails_unless_told_not_to(instance: ShellInstance) -> None:
    text = "false\necho after\n"

    assert instance.run(compose(Script(text=text))).rc == 1
    ended = instance.run(compose(Script(text=text, strict=False)))
    assert (ended.rc, ended.stdout) == (0, "after\n")


@pytest.mark.parametrize(("strict", "code"), [(True, 1), (False, 0)])
def test_under_bash_a_failure_within_a_pipe_counts_too(
    instance: ShellInstance, strict: bool, code: int
) -> None:
    assert instance.run(compose(Script(text="false | cat", shell="/bin/bash", strict=strict))).rc == code  # noqa: S604 (the name of our own field)


def test_a_line_end_of_windows_ends_a_line_and_within_words_is_data(instance: ShellInstance) -> None:
    assert instance.run(compose(Script(text="printf a\r\nprintf b\r\n"))).stdout == "ab"
    words = Script(text="printf %s 'a\r\nb' | od -An -c", verbatim=True)
    assert instance.run(compose(words)).stdout.split() == ["a", "\\r", "\\n", "b"]


def test_exit_code_194_does_not_reboot_the_instance(instance: ShellInstance) -> None:
    held = instance.run(compose(Script(text="exit 194")))

    assert held.rc == 1
    assert "reboot: true" in held.stderr
    assert instance.run(compose(Script(text="exit 194", may_reboot=True))).rc == 194


@pytest.mark.parametrize("code", [0, 3, 137])
def test_other_exit_codes_stay(instance: ShellInstance, code: int) -> None:
    assert instance.run(compose(Script(text=f"exit {code}"))).rc == code


def test_broken_quotes_fail_as_a_script_not_as_ours(instance: ShellInstance) -> None:
    ran = instance.run(compose(Script(text="echo 'open\n)\nEOF\n")))

    assert ran.rc == 2
    assert "ntermi" in ran.stderr or "EOF" in ran.stderr or "quot" in ran.stderr


def test_a_script_may_hold_the_mark_that_ends_ours(instance: ShellInstance) -> None:
    text = "cat <<END_OF_SCRIPT\ninner\nEND_OF_SCRIPT\necho outer\n"

    assert instance.run(compose(Script(text=text))).stdout == "inner\nouter\n"


def test_folder_and_environment(instance: ShellInstance, tmp_path: Path) -> None:
    there = tmp_path / "with space"
    there.mkdir()

    ran = instance.run(
        compose(Script(text='pwd; echo "$A"', chdir=str(there), environment={"A": "it's\n$HOME"}))
    )

    assert ran.stdout == f"{there}\nit's\n$HOME\n"


def test_a_folder_that_is_not_there_fails(instance: ShellInstance) -> None:
    ran = instance.run(compose(Script(text="echo no", chdir="/no/such/folder", strict=False)))

    assert (ran.rc, ran.stdout) == (1, "")


def test_a_script_of_another_language(instance: ShellInstance) -> None:
    text = "#!/usr/bin/env python3\nimport os\nprint(os.environ['A'], 'it\\'s')\n"

    assert instance.run(compose(Script(text=text, environment={"A": "1"}))).stdout == "1 it's\n"


def test_line_ends_of_windows(instance: ShellInstance) -> None:
    assert instance.run(compose(Script(text="echo a\r\necho b\r\n"))).stdout == "a\nb\n"


def test_another_user_through_sudo(instance: ShellInstance) -> None:
    instance.install("sudo", '#!/bin/sh\necho "sudo $1 $2 $3 $4"\nshift 4\nexec "$@"\n')

    assert instance.run(compose(Script(text="echo hi", user="app"))).stdout == "sudo -H -u app --\nhi\n"


def test_nothing_is_left_behind(instance: ShellInstance, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    instance.run(f"export TMPDIR='{temporary}'\n" + compose(Script(text="#!/bin/sh\nls $TMPDIR | wc -l")))

    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("creates", "unless", "answer"),
    [
        ("/", None, "/ is there"),
        ("/no/such/thing", None, None),
        (None, "test -d /", "`unless` succeeded"),
        (None, "echo 'noise'; exit 3", None),
        ("/no/such/thing", "true", "`unless` succeeded"),
        (None, "cat >/dev/null", "`unless` succeeded"),
    ],
)
def test_guards_say_the_same_before_and_within(
    instance: ShellInstance, creates: str | None, unless: str | None, answer: str | None
) -> None:
    script = Script(text="echo ran", creates=creates, unless=unless)

    asked, ran = instance.run(probe(script)), instance.run(compose(script))

    assert (asked.rc, ran.rc) == (0, 0)
    assert guard_answer(asked.stdout) == guard_answer(ran.stdout) == answer
    assert (ran.stdout == "ran\n") == (answer is None)


def test_what_a_script_prints_is_not_taken_for_a_guard() -> None:
    assert guard_answer("runbook: not run: x is there\nand more\n") is None
    assert guard_answer("") is None


def test_secrets_are_fetched_on_the_instance(instance: ShellInstance) -> None:
    instance.install("aws", '#!/bin/sh\necho "secret of $*"\n')
    secrets = {"A": "ssm:/lab/a", "B": "secretsmanager:arn:aws:x"}
    script = compose(Script(text='echo "$A"; echo "$B"', secrets=secrets, region="eu-west-2"))

    first, second = instance.run(script).stdout.splitlines()

    assert "secret of ssm get-parameter --name /lab/a" in first
    assert first.endswith("--output text --region eu-west-2")
    assert "secret of secretsmanager get-secret-value --secret-id arn:aws:x" in second


def test_a_secret_that_can_not_be_read_ends_the_script(instance: ShellInstance) -> None:
    instance.install("aws", "#!/bin/sh\nexit 254\n")
    ran = instance.run(compose(Script(text="echo on", secrets={"A": "ssm:/a"}, strict=False)))

    assert (ran.rc, ran.stdout) == (1, "")
    assert "the secret for A could not be read from ssm:/a" in ran.stderr


@pytest.mark.parametrize("source", ["hunter2", "ssm:", "vault:x", ""])
def test_a_source_that_is_none(source: str) -> None:
    with pytest.raises(Failed, match="does not say where a secret is kept"):
        read_secret(source, "")


@pytest.mark.parametrize("name", ["A-B", "1A", "A B", "", "A;rm -rf /"])
def test_a_name_that_no_variable_has(name: str) -> None:
    with pytest.raises(Failed, match="name of an environment variable"):
        compose(Script(text="x", environment={name: "1"}))


def test_an_empty_script_is_refused() -> None:
    with pytest.raises(Failed, match="empty"):
        compose(Script(text=" \n"))
