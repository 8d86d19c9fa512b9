"""Small playbooks at random: what a run keeps through a crash, in any combination.

All of them end well: what fails is rescued or ignored. Their effects are lines that the scratch module `mark`
writes, files of `copy` and `lineinfile`, and commands; their variables are told by the last task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

VARIABLES = ("one", "two", "three")
HANDLERS = ("first handler", "second handler")
HOSTS = ("h1", "h2", "h3")
FOLDER = "{{ playbook_dir }}/"
HOST = "-{{ inventory_hostname }}"
LOG = f"{FOLDER}log{HOST}"
DEEPEST = 2

WORDS: Sequence[Mapping[str, Any]] = (
    {"meta": "flush_handlers"},
    {"meta": "end_host", "when": "inventory_hostname == 'h2'"},
    {"debug": {"msg": "{{ one }} {{ two }} {{ three }}"}},
    {"add_host": {"name": "h9", "groups": "grown", "three": "of h9"}},
    {"group_by": {"key": "group_{{ one | string | length }}"}},
)

Task = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Generated:
    """A playbook's files by their names."""

    files: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        for name, content in self.files.items():
            (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))

    def __repr__(self) -> str:
        """What a failed example shows: it can be put into files as it is."""
        return "\n".join(
            f"--- {name}\n{yaml.safe_dump(c, sort_keys=False)}" for name, c in self.files.items()
        )


@st.composite
def playbooks(draw: Draw) -> Generated:
    """One or two plays on one to three hosts."""
    maker = _Maker(draw)
    plays = [maker.play() for _ in range(draw(st.integers(1, 2)))]
    hosts = draw(st.integers(1, len(HOSTS)))
    inventory = {"all": {"hosts": dict.fromkeys(HOSTS[:hosts]), "vars": {"ansible_connection": "local"}}}
    return Generated({"site.yml": plays, "hosts.yml": inventory, **maker.included})


@dataclass
class _Maker:
    """Draws a playbook, part by part."""

    draw: Draw
    included: dict[str, list[Task]] = field(default_factory=dict)
    _count: int = 0

    def play(self) -> Task:
        play: Task = {
            "hosts": "all",
            "gather_facts": False,
            "vars": dict.fromkeys(VARIABLES, "unset"),
            "tasks": [*self.tasks(0), self._told()],
            "handlers": [
                {"name": name, **self._mark(), **self._maybe({"register": self._variable()})}
                for name in HANDLERS
            ],
        }
        if self.draw(st.booleans()):
            play["serial"] = self.draw(st.sampled_from([1, 2, [1, 2]]))
        if self.draw(st.integers(0, 3)) == 0:
            play["strategy"] = "free"
        return play

    def tasks(self, depth: int) -> list[Task]:
        kinds = [self._step] * 4 + ([self._block, self._include] if depth < DEEPEST else [])
        return [self.draw(st.sampled_from(kinds))(depth) for _ in range(self.draw(st.integers(1, 4 - depth)))]

    # ------------------------------------------------------------ one task

    def _step(self, _depth: int) -> Task:
        kinds = [self._marking, self._fact, self._file, self._line, self._command, self._until, self._word]
        return self.draw(st.sampled_from(kinds))()

    def _marking(self) -> Task:
        task = {**self._named(), **self._mark(), **self._options()}
        if self.draw(st.integers(0, 4)) == 0:
            task["mark"]["fails"] = True
            task["ignore_errors"] = True
        return task

    def _mark(self) -> Task:
        """Few texts, so that equal tasks stand side by side."""
        return {
            "mark": {
                "file": LOG,
                "text": self.draw(st.sampled_from(["a", "b", "c {{ item | default('') }}"])),
            }
        }

    def _fact(self) -> Task:
        told = "{{ (one, two, three) | string | length }}"
        value = self.draw(st.sampled_from(["plain", told, "{{ item | default('none') }}", [1, "x"]]))
        task = {"set_fact": {self._variable(): value}, **self._options()}
        task.pop("register", None)
        return task

    def _file(self) -> Task:
        dest = FOLDER + self.draw(st.sampled_from(["x", "y"])) + HOST
        content = self.draw(
            st.sampled_from(["text", "{{ one | string | length }}", "{{ item | default(0) }}"])
        )
        return {"copy": {"dest": dest, "content": content}, **self._options()}

    def _line(self) -> Task:
        line = self.draw(st.sampled_from(["l1", "l2", "{{ item | default('l3') }}"]))
        path = f"{FOLDER}lines{HOST}"
        return {"lineinfile": {"path": path, "line": line, "create": True}, **self._options()}

    def _command(self) -> Task:
        """One that may run twice says so."""
        self._count += 1
        path = f"{FOLDER}made-{self._count}{HOST}{{{{ item | default('') }}}}"
        return {"command": {"argv": ["touch", path]}, "rerun": "safe", **self._options()}

    def _until(self) -> Task:
        variable = self._variable()
        until = {"register": variable, "until": f"{variable}.lines >= 2", "retries": 3, "delay": 0}
        return {**self._mark(), **until, "ignore_errors": True, **self._rarely({"loop": [1, 2]})}

    def _word(self) -> Task:
        return self.draw(
            st.sampled_from(
                [{"meta": "flush_handlers"}, {"debug": {"msg": "{{ one }} {{ two }} {{ three }}"}}]
            )
        )

    def _told(self) -> Task:
        names = (*VARIABLES, "ansible_failed_result | default(0)")
        return {"name": "told", "debug": {"msg": {name: "{{ " + name + " }}" for name in names}}}

    # ------------------------------------------------------------ several tasks

    def _block(self, depth: int) -> Task:
        block = {**self._named(), "block": self.tasks(depth + 1), **self._maybe({"when": "one is defined"})}
        if self.draw(st.booleans()):
            block["block"].append(self._failing())
            block["rescue"] = self.tasks(depth + 1)
        if self.draw(st.booleans()):
            block["always"] = self.tasks(depth + 1)
        return block

    def _failing(self) -> Task:
        mark = self._mark()
        mark["mark"]["fails"] = True
        return self.draw(
            st.sampled_from([mark, {"fail": {"msg": "it fails"}}, {"assert": {"that": "one is number"}}])
        )

    def _include(self, depth: int) -> Task:
        self._count += 1
        name = f"tasks-{self._count}.yml"
        self.included[name] = self.tasks(depth + 1)
        if self.draw(st.booleans()):
            return {"import_tasks": name}
        return {
            "include_tasks": name,
            **self._maybe({"loop": [1, 2]}),
            **self._maybe({"vars": {"two": "included"}}),
        }

    # ------------------------------------------------------------ keywords

    def _options(self) -> Task:
        return {
            **self._maybe({"register": self._variable()}),
            **self._maybe({"loop": self.draw(st.sampled_from([[1, 2], ["p", "p", "q"], []]))}),
            **self._maybe({"notify": self.draw(st.sampled_from([[HANDLERS[0]], list(HANDLERS)]))}),
            **self._maybe(
                {"when": self.draw(st.sampled_from(["two != 'plain'", "inventory_hostname == 'h1'"]))}
            ),
            **self._rarely({"run_once": True}),
            **self._rarely({"throttle": 1}),
            **self._rarely({"changed_when": self.draw(st.sampled_from([False, "two is defined"]))}),
            **self._rarely({"delegate_to": "h1"}),
            **self._rarely({"vars": {"item": "of the task"}}),
        }

    def _named(self) -> Task:
        return self._maybe({"name": self.draw(st.sampled_from(["a task", "named {{ one }}"]))})

    def _variable(self) -> str:
        return str(self.draw(st.sampled_from(VARIABLES)))

    def _maybe(self, part: Task) -> Task:
        return part if self.draw(st.booleans()) else {}

    def _rarely(self, part: Task) -> Task:
        return part if self.draw(st.integers(0, 7)) == 0 else {}


__all__: Sequence[str] = ["HOSTS", "Generated", "playbooks"]
