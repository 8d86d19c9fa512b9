"""Random playbooks and worlds of files: small enough to play in a moment, tangled enough to be planned wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FILES = ("a", "b", "d/c")
FOLDERS = ("d", "e")
TEXTS = ("x\n", "y\n", "x\ny\n", "key=1\nkey=2\n", "")
MODES = ("0644", "0600", "0755")

Task = dict[str, Any]
Draw = Any


@dataclass(frozen=True)
class World:
    """What is there before a playbook is played."""

    files: dict[str, tuple[str, str]]
    """Content and mode by name."""
    folders: tuple[str, ...]

    def make(self, folder: Path) -> None:
        for name in self.folders:
            (folder / name).mkdir(exist_ok=True)
        for name, (content, mode) in self.files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
            path.chmod(int(mode, 8))


worlds = st.builds(
    World,
    files=st.dictionaries(st.sampled_from(FILES), st.tuples(st.sampled_from(TEXTS), st.sampled_from(MODES))),
    folders=st.lists(st.sampled_from(FOLDERS), unique=True).map(tuple),
)

_file, _folder = st.sampled_from(FILES), st.sampled_from(FOLDERS)
_text, _mode = st.sampled_from(TEXTS), st.sampled_from(MODES)
_flag = st.booleans()


def _args(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def _with(known: dict[str, st.SearchStrategy[Any]], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(known, optional=more)


_content = st.one_of(
    _text, st.just("{{ said.stdout }}"), st.just("{{ color }}"), st.just("{{ seen | string }}")
)

_calls: tuple[st.SearchStrategy[Task], ...] = (
    st.builds(lambda a: {"copy": a}, _with({"dest": _file, "content": _content}, mode=_mode, force=_flag)),
    st.builds(lambda a: {"copy": a}, _with({"dest": _file, "src": st.just("source.txt")}, backup=_flag)),
    st.builds(lambda a: {"template": a}, _with({"dest": _file, "src": st.just("source.j2")}, mode=_mode)),
    st.builds(lambda a: {"file": {"state": "directory", **a}}, _with({"path": _folder}, mode=st.just("0755"))),
    st.builds(lambda p: {"file": {"path": p, "state": "absent"}}, st.one_of(_file, _folder)),
    st.builds(lambda a: {"file": {"state": "file", **a}}, _with({"path": _file}, mode=_mode)),
    st.builds(lambda p: {"file": {"path": p, "state": "touch", "modification_time": "preserve",
                                  "access_time": "preserve"}}, _file),
    st.builds(lambda p: {"file": {"path": "l", "src": p, "state": "link", "force": True}}, _file),
    st.builds(lambda a: {"lineinfile": {"create": True, **a}},
              _with({"path": _file, "line": st.sampled_from(["key=1", "key=3", "{{ color }}"])},
                    regexp=st.just("^key="))),
    st.builds(lambda p: {"lineinfile": {"path": p, "regexp": "^x", "state": "absent"}}, _file),
    st.builds(lambda a: {"blockinfile": {"create": True, **a}},
              _with({"path": _file, "block": st.sampled_from(["one\ntwo", "", "{{ said.stdout }}"])})),
    st.builds(lambda p: {"replace": {"path": p, "regexp": "x", "replace": "z"}}, _file),
    st.builds(lambda p: {"stat": {"path": p}}, st.one_of(_file, _folder)),
    st.builds(lambda p: {"command": {"cmd": "true", "creates": p}}, _file),
    st.builds(lambda p: {"command": {"cmd": "true", "removes": p}}, _file),
    st.just({"command": "echo hi"}),
    st.builds(lambda v: {"set_fact": {"color": v}},
              st.sampled_from(["red", "{{ said.stdout }}", "{{ seen | string }}"])),
    st.just({"debug": {"msg": "{{ color }}"}}),
)  # fmt: skip

_WHENS = (
    "seen is changed", "seen is not changed", "said.stdout == 'hi'", "color == 'red'", "said is changed", "true",
    "false", "seen.stat.exists | default(true)", "seen is skipped",
)  # fmt: skip


@st.composite
def tasks(draw: Draw) -> Task:
    """One task, with a random selection of keywords around its call."""
    task: Task = dict(draw(st.one_of(*_calls)))
    if draw(st.integers(0, 2)) == 0:
        task["when"] = draw(st.sampled_from(_WHENS))
    if "command" not in task and draw(st.integers(0, 1)) == 0:
        task["register"] = "seen"
    if "command" in task:
        if draw(_flag):
            task["register"] = "said"
        if draw(st.integers(0, 2)) == 0:
            task["changed_when"] = draw(st.sampled_from(["false", "'hi' in (said.stdout | default(''))"]))
    if draw(st.integers(0, 4)) == 0:
        task["check_mode"] = True
    if draw(st.integers(0, 3)) == 0:
        task["notify"] = draw(st.sampled_from(["tell", "write"]))
    if "copy" in task and draw(st.integers(0, 3)) == 0:
        task["loop"] = draw(st.sampled_from([["a", "b"], ["a", "a"], "{{ said.stdout_lines }}"]))
        task["copy"] = {**task["copy"], "dest": "{{ item }}"}
    task["ignore_errors"] = True
    return task


@st.composite
def playbooks(draw: Draw) -> list[dict[str, Any]]:
    """A play with its handlers: `said` and `seen` are registered before the random tasks begin."""
    body = draw(st.lists(tasks(), min_size=1, max_size=6))
    start: list[Task] = [
        {"name": "say", "command": "echo hi", "register": "said"},
        {"name": "see", "stat": {"path": "a"}, "register": "seen"},
    ]
    for number, task in enumerate(body):
        task["name"] = f"task {number}"
    handlers: list[Task] = [
        {"name": "tell", "command": "echo told"},
        {"name": "write", "copy": {"content": "w", "dest": "w"}},
    ]
    return [
        {"hosts": "localhost", "gather_facts": False, "vars": {"color": "blue"}, "tasks": [*start, *body],
         "handlers": handlers}
    ]  # fmt: skip
