"""A module is told which of its arguments were made from a secret."""

from __future__ import annotations

from tests.support.plays import Folder

SHOWS = """
from typing import ClassVar

import msgspec
from runbook.contract import Action, Change, Params, Permissions


class ShowsParams(Params, frozen=True, kw_only=True):
    text: str = ""
    other: dict[str, str] = msgspec.field(default_factory=dict)


class ShowsResult(msgspec.Struct, frozen=True):
    names: list[str]
    variable: str


class Shows:
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = ShowsParams
    Result: ClassVar[type[msgspec.Struct]] = ShowsResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params):
        return None

    def observe(self, ctx, params):
        return None

    def plan(self, params, observed):
        return Change(action=Action.READ, reason="shows")

    def apply(self, ctx, params, change):
        return ShowsResult(sorted(ctx.secret_arguments), str(len(ctx.environment.get("WORD", ""))))
"""


def test_arguments_and_environment_made_from_a_secret_are_named(folder: Folder) -> None:
    """A result that `no_log` made secret taints whatever is rendered from it."""
    folder.write("library/shows.py", SHOWS)
    played = folder.play(
        """
        - hosts: localhost
          tasks:
            - {command: echo hunter2, no_log: true, register: secret}
            - {name: none, shows: {text: plain}}
            - {name: text, shows: {text: "login {{ secret.stdout }}", other: {a: b}}}
            - {name: nested, shows: {other: {a: "{{ secret.stdout }}"}}}
            - {name: exported, shows: {}, environment: {WORD: "{{ secret.stdout }}"}}
        """
    )

    assert [played.outcome(name).result["names"] for name in ("none", "text", "nested", "exported")] == [
        [],
        ["text"],
        ["other"],
        ["environment"],
    ]
    assert played.outcome("exported").result["variable"] == "7", "the module gets the secret, not its mask"
