"""What the journal keeps of how a module was called that changed something: with its first effect."""

from __future__ import annotations

from typing import Any

import pytest
from runbook.called import Called
from runbook.journal import EffectIntent
from runbook.journal_codec import Encoder, decode
from runbook.journal_sqlite import SqliteJournal
from runbook.secrets import Masker
from runbook.values import Secret

from tests.support.plays import Folder
from tests.support.records import intent


def called(folder: Folder) -> list[Called]:
    journal = SqliteJournal(folder.state)
    try:
        (run,) = journal.runs()
        intents = [record for record in journal.records(run.run) if isinstance(record, EffectIntent)]
    finally:
        journal.close()
    return [record.called for record in intents if record.called is not None]


def test_each_item_of_a_loop_with_its_own_arguments_by_the_names_of_params(folder: Folder) -> None:
    text = """
        - hosts: localhost
          vars: {place: here}
          tasks:
            - file: {dest: "{{ playbook_dir }}/{{ place }}-{{ item }}", state: touch, mode: "{{ omit }}"}
              loop: [a, b]
            - debug: {msg: no effect}
        """
    assert folder.play(text).code == 0
    found = called(folder)
    paths = [f"{folder.path}/here-a", f"{folder.path}/here-b"]
    assert [one.arguments for one in found] == [{"path": path, "state": "touch"} for path in paths]
    assert len({one.scope for one in found}) == 2
    assert {(one.module, one.connection, one.host, one.line) for one in found} == {("file", "local", "", 5)}


def test_where_a_delegated_step_acted_and_with_which_settings(folder: Folder) -> None:
    text = """
        - hosts: web
          gather_facts: false
          aws: {region: eu-west-2}
          tasks:
            - copy: {content: x, dest: "{{ playbook_dir }}/there"}
              delegate_to: localhost
              aws: {profile: "{{ inventory_hostname }}"}
        """
    folder.inventory = "web,"
    assert folder.play(text).code == 0
    (one,) = called(folder)
    assert (one.host, one.connection) == ("localhost", "local")
    assert one.aws == {"region": "eu-west-2", "profile": "web"}


def test_nothing_of_what_was_not_changed_and_nothing_of_a_no_log_task(folder: Folder) -> None:
    text = """
        - hosts: localhost
          tasks:
            - copy: {content: x, dest: "{{ playbook_dir }}/there"}
              no_log: true
            - copy: {content: x, dest: "{{ playbook_dir }}/there"}
        """
    assert folder.play(text).code == 0
    (one,) = called(folder)
    assert one.hidden
    assert not one.arguments


@pytest.mark.parametrize(
    "value", ["my-password", Secret("my-password", "vault"), ["a", {"b": "my-password!"}]]
)
def test_an_argument_with_a_secret_in_it_is_withheld_as_a_whole(value: Any) -> None:
    masker = Masker()
    masker.add("my-password")
    record = intent(called=Called(module="copy", arguments={"dest": "/there", "content": value}))
    body = Encoder(masker.mask).encode(record)
    assert b"my-password" not in body
    read: Any = decode(body)
    assert isinstance(read.called.arguments["content"], Secret)
    assert read.called.arguments["dest"] == "/there"
