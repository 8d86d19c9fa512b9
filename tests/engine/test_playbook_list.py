"""`--list-*`: what would be played, without playing it."""

from __future__ import annotations

from runbook.inventory import load_inventory
from runbook.loader import load_playbook
from runbook.options import Options
from runbook.playbook_list import Wanted, listed
from runbook.registry import Registry
from runbook.roster import Roster
from runbook.tags import tags
from runbook.template import Templates

from tests.support.golden import assert_golden
from tests.support.plays import Folder

MAIN = """
- name: First of {{ env }}
  hosts: "{{ which }}"
  vars: {which: web}
  tags: [site]
  tasks:
    - {name: one, debug: {}, tags: [a]}
    - block:
        - debug: {msg: no name}
        - import_tasks: more.yml
          tags: [imported]
    - {name: secret, debug: {}, tags: [never, b]}
- import_playbook: other.yml
"""


def roster(folder: Folder, options: Options) -> Roster:
    folder.write("more.yml", "- {name: from a file, debug: {}}\n")
    folder.write("other.yml", "- {hosts: [web1, db], tasks: [{name: last, debug: {}}]}\n")
    playbook = load_playbook(str(folder.write("site.yml", MAIN)), Registry())
    folder.write("hosts.ini", "[web]\nweb1\nweb2\n[data]\ndb\n")
    inventory = load_inventory([str(folder.path / "hosts.ini")])
    return Roster(playbook, inventory, options, Templates(folder.path))


def text(folder: Folder, wanted: Wanted, **options: object) -> str:
    made = roster(folder, Options(**options))  # type: ignore[arg-type]
    return "\n".join(listed(made, wanted)).replace(str(folder.path), "") + "\n"


ALL = Wanted(tasks=True, hosts=True, tags=True)


def test_everything(folder: Folder) -> None:
    assert_golden("playbook_list/all.txt", text(folder, ALL))


def test_only_what_is_selected(folder: Folder) -> None:
    shown = text(
        folder,
        ALL,
        tags=tags(["imported,b"], []),
        limit="web2",
        extra_vars={"which": "all"},
    )
    assert_golden("playbook_list/selected.txt", shown)


def test_from_a_task_on(folder: Folder) -> None:
    shown = text(folder, Wanted(tasks=True), start_at="from a file")

    assert "one" not in shown
    assert "from a file" in shown
    assert "last" in shown


def test_nothing_but_that_it_can_be_read(folder: Folder) -> None:
    assert text(folder, Wanted()) == "\nplaybook: /site.yml\n"
