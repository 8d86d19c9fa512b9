"""What a step that failed says it was called with."""

from __future__ import annotations

import pytest
from runbook.events import ItemFinished

from tests.support.plays import Folder


def test_a_failed_step_knows_its_arguments_and_no_others_do(folder: Folder) -> None:
    played = folder.play(
        """
        - hosts: localhost
          vars: {name: gate}
          tasks:
            - {name: fine, command: "true"}
            - {name: gone, command: "test -e {{ name }}", args: {chdir: "{{ playbook_dir }}"}, ignore_errors: true}
            - {name: hidden, command: "test -e {{ name }}", no_log: true, ignore_errors: true}
            - {name: untold, command: "test -e {{ nix }}", ignore_errors: true}
            - {name: loop, command: "test -e {{ item }}", loop: [a, .], ignore_errors: true}
        """
    )

    assert played.outcome("fine").arguments == {}
    assert played.outcome("gone").arguments == {"cmd": "test -e gate", "chdir": str(folder.path)}
    assert played.outcome("hidden").arguments == {}
    assert played.outcome("untold").arguments == {}
    items = [item.outcome.arguments for item in played.of(ItemFinished)]
    assert items == [{"cmd": "test -e a"}, {}]


def test_secret_arguments_stay_in_their_boxes(folder: Folder) -> None:
    folder.write(
        "library/odd.py",
        """
        from __future__ import annotations
        from typing import Annotated
        import msgspec
        from runbook.contract import SECRET, Change, Params, Permissions
        from runbook.errors import Failed
        from runbook.model import Action

        class OddParams(Params, frozen=True, kw_only=True):
            token: Annotated[str, SECRET]
            given: str

        class OddResult(msgspec.Struct):
            pass

        class Odd:
            contract_version = 1
            Params = OddParams
            Result = OddResult
            permissions = Permissions()
            def resource(self, params): return None
            def observe(self, ctx, params): return None
            def plan(self, params, observed): raise Failed("no")
            def apply(self, ctx, params, change): return None
        """,
    )
    played = folder.play("- {hosts: localhost, tasks: [{name: a, odd: {token: hunter2, given: x}}]}")

    assert repr(played.outcome("a").arguments) == "{'token': ********, 'given': 'x'}"


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ("until: true; retries: \"{{ 'x' }}\"", "site.yml:7:17: A number is needed here, and this is 'x'"),
        ("until: false; delay: '{{ [] }}'", "A number is needed here, and this is '[]'"),
        ("loop: [1, 2]; loop_control: {pause: \"{{ 'x' }}\"}", "A number is needed here, and this is 'x'"),
        ("no_log: '{{ nix }}'", "'nix' is undefined"),
        ("failed_when: true; ignore_errors: '{{ nix }}'", "'nix' is undefined"),
    ],
)
def test_a_keyword_that_comes_to_nonsense_fails_its_step(folder: Folder, keywords: str, told: str) -> None:
    text = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: a\n      debug: {}\n      KEY\n"
    lines = "\n      ".join(keywords.split("; "))
    played = folder.play(text.replace("KEY", lines))

    assert played.code == 2
    assert told in str(played.outcome("a").result["msg"]) + str(played.outcome("a").result)


def test_serial_that_comes_to_nonsense_is_wrong_use(folder: Folder) -> None:
    played = folder.play("- {hosts: localhost, vars: {n: x}, serial: '{{ n }}', tasks: [{debug: }]}")

    assert played.code == 1
    assert "'serial' came to 'x'" in played.notices
