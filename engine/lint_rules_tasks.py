"""Rules about single plays and tasks: how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml

from .keyword_values import is_variable
from .lint_rule import Mark, Rules
from .lint_view import FileView, PlayView, TaskView
from .loader_call import Modules, split_words
from .loader_loops import is_with
from .secret_names import is_secret_name
from .values import Template
from .yamlfile import is_null

RULES = Rules()

_COMMANDS = frozenset({"command", "shell"})
_UNNAMED = frozenset({"meta", "include_tasks", "import_tasks", "include_role", "import_role", "include_vars"})
"""What says by itself what it is for."""


def _is_true(node: yaml.Node | None) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value.lower() in ("true", "yes", "on")


# ---------------------------------------------------------------- names


@RULES.rule("name-play", "warning", "play")
def play_without_name(play: PlayView, _modules: Modules) -> Iterator[Mark]:
    """A play has no name.

    The name stands in the report and in `--list-tasks`; without it only the pattern of its hosts does.
    """
    if "name" not in play.keys and "hosts" in play.keys:
        yield Mark(play.node, "This play has no name", "Say what it is for: '- name: ...'.")


@RULES.rule("name-task", "warning", "task")
def task_without_name(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """A task has no name.

    The report, `--start-at-task` and a resume name tasks; without one there is only the module. `meta`, includes
    and imports, and blocks need none.
    """
    if "name" not in task.keys and task.call is not None and task.module not in _UNNAMED:
        yield Mark(task.node, f"This task has no name: '{task.module}'", "Say what it is for: 'name: ...'.")


@RULES.rule("name-capital", "info", "task", optional=True)
def name_in_lower_case(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """The name of a task starts with a small letter."""
    name = task.keys.get("name")
    if name is not None and isinstance(name.node, yaml.ScalarNode) and name.node.value[:1].islower():
        yield Mark(name.node, "A name starts with a capital letter")


# ---------------------------------------------------------------- forms


@RULES.rule("action-form", "warning", "task")
def action_form(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """A task is written with `action:`.

    The name of the module is a key of the task:

        - command: ls
    """
    if task.written is not None and task.written.key == "action":
        hint = f"Write the module as a key: '{task.module or 'MODULE'}:'."
        yield Mark(task.written.position, "'action' is an old form of a task", hint)


@RULES.rule("local-action", "warning", "task")
def local_action(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """A task is written with `local_action:`.

    Write the module as a key, and `delegate_to: localhost`.
    """
    if task.written is not None and task.written.key == "local_action":
        hint = f"Write '{task.module or 'MODULE'}:' and 'delegate_to: localhost'."
        yield Mark(task.written.position, "'local_action' is an old form of a task", hint)


@RULES.rule("free-form", "info", "task")
def arguments_as_text(task: TaskView, modules: Modules) -> Iterator[Mark]:
    """Arguments are written as `key=value` text.

    As a mapping they keep their types, editors complete them, and a problem points to its own line. The text of
    `command` and `shell` is no such thing.
    """
    entry = task.written
    if (
        entry is None
        or task.call is None
        or not isinstance(entry.node, yaml.ScalarNode)
        or not task.call.args
    ):
        return
    if task.module not in _COMMANDS and modules.free_form(task.module) not in task.call.args:
        yield Mark(
            entry.node, f"The arguments of '{task.module}' are one text", "Write each as 'key: value'."
        )


_PLAIN_LOOPS: Mapping[str, str] = {
    "with_items": "loop",
    "with_list": "loop",
    "with_dict": 'loop: "{{ ... | dict2items }}"',
    "with_flattened": 'loop: "{{ ... | flatten }}"',
    "with_indexed_items": "'loop' with 'loop_control: {index_var: NAME}'",
    "with_together": 'loop: "{{ first | zip(second) }}"',
    "with_nested": 'loop: "{{ first | product(second) }}"',
    "with_cartesian": 'loop: "{{ first | product(second) }}"',
    "with_sequence": 'loop: "{{ range(...) }}"',
    "with_subelements": "loop: \"{{ ... | subelements('NAME') }}\"",
    "with_random_choice": 'the filter "random"',
}


@RULES.rule("with-loop", "info", "task")
def with_where_loop_is_plainer(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """A loop is written as `with_...` where `loop` says the same.

    `with_fileglob`, `with_first_found` and `with_lines` have no plainer form and are left alone.
    """
    for key, entry in task.keys.items():
        if is_with(key) and key in _PLAIN_LOOPS:
            yield Mark(entry.position, f"'{key}' has a plainer form", f"Use {_PLAIN_LOOPS[key]}.")


@RULES.rule("bare-variable", "warning", "task")
def bare_variable(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """The list of a `with_...` loop is a variable without braces.

    Without them it is one text, and the loop has one item.
    """
    for key, entry in task.keys.items():
        if is_with(key) and isinstance(entry.node, yaml.ScalarNode) and is_variable(entry.node.value):
            yield Mark(
                entry.node,
                f"'{entry.node.value}' is text here, not the variable",
                f'Write: {key}: "{{{{ {entry.node.value} }}}}"',
            )


@RULES.rule("octal-mode", "error", "task")
def mode_without_quotes(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """A file mode is written without quotes.

    YAML takes `644` for the number six hundred and forty-four, and `0644` for 420. In quotes it is what it looks
    like: `mode: "0644"`.
    """
    entry = task.written
    if entry is None or not isinstance(entry.node, yaml.MappingNode):
        return
    for key, value in entry.node.value:
        if key.value in ("mode", "directory_mode") and value.tag == "tag:yaml.org,2002:int":
            text = value.value if value.value.startswith("0") else f"0{value.value}"
            yield Mark(value, f"The mode {value.value} is a number here", f"Quote it: {key.value}: '{text}'")


@RULES.rule("include-loop-var", "warning", "task")
def loop_variable_of_includes(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """An include loops with the loop variable `item`.

    A loop in the included file has the same variable, and hides this one. Give it a name of its own with
    `loop_control: {loop_var: NAME}`.
    """
    loops = [entry for key, entry in task.keys.items() if key == "loop" or is_with(key)]
    if task.module not in ("include_tasks", "include_role") or not loops:
        return
    control = task.keys.get("loop_control")
    named = control is not None and "loop_var" in _names(control.node)
    if not named:
        hint = "Add: loop_control: {loop_var: NAME}"
        yield Mark(loops[0].position, "A loop in the included file would hide this loop's 'item'", hint)


def _names(node: yaml.Node) -> set[str]:
    return {str(key.value) for key, _ in node.value} if isinstance(node, yaml.MappingNode) else set()


@RULES.rule("ignore-errors", "warning", "task")
def ignored_errors(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """All errors of a task are ignored, and nobody looks at the result.

    Say which failure is none with `failed_when`, or `register` the result and look at it. A comment on the line
    that says why is a reason, too.
    """
    entry = task.keys.get("ignore_errors")
    if entry is None or not _is_true(entry.node) or "register" in task.keys:
        return
    if "#" not in (task.file.source.excerpt(entry.position.line) or ""):
        hint = "Use 'failed_when', or 'register' the result and look at it."
        yield Mark(entry.position, "Errors are ignored, whatever they are", hint)


@RULES.rule("secret-in-command", "info", "task")
def secret_on_command_line(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """A command line holds a secret.

    Every user of the machine sees the command lines of its processes. Hand a secret over by `stdin` or
    `environment`. `no_log: true` says that this is known.
    """
    if task.module not in _COMMANDS or task.here_or_around("no_log"):
        return
    for name in ("cmd", "argv"):
        text = task.args.get(name)
        for part in text if isinstance(text, list) else [text]:
            if not isinstance(part, Template):
                continue
            found = next((word for word in _NAME.findall(part.source) if is_secret_name(word)), None)
            if found is not None:
                hint = "Hand it over by 'stdin' or 'environment', or say 'no_log: true'."
                yield Mark(part.position or task.node, f"The command line shows '{found}'", hint)
                return


_NAME = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*")


# ---------------------------------------------------------------- commands


_INSTEAD: Mapping[str, tuple[str, ...]] = {
    "chmod": ("file",),
    "chown": ("file",),
    "cp": ("copy",),
    "curl": ("uri", "get_url"),
    "find": ("find",),
    "ln": ("file",),
    "mkdir": ("file",),
    "mktemp": ("tempfile",),
    "rm": ("file",),
    "rmdir": ("file",),
    "sed": ("replace", "lineinfile"),
    "sleep": ("pause",),
    "stat": ("stat",),
    "touch": ("file",),
    "wget": ("get_url", "uri"),
}


def _words(task: TaskView) -> list[str]:
    """The words of a command, as far as they show; a template is one."""
    text = task.args.get("cmd")
    argv = task.args.get("argv")
    if isinstance(argv, list):
        return [part.source if isinstance(part, Template) else str(part) for part in argv]
    source = text.source if isinstance(text, Template) else text if isinstance(text, str) else ""
    return [word.strip() for word in split_words(source) or source.split()]


@RULES.rule("command-module", "info", "task")
def command_with_a_module(task: TaskView, modules: Modules) -> Iterator[Mark]:
    """A command does what a module does.

    A module looks first and changes only what differs, shows the difference in a dry run, and works on a machine
    that has other commands.
    """
    words = _words(task) if task.module in _COMMANDS else []
    known = [name for name in _INSTEAD.get(words[0], ()) if modules.has(name)] if words else []
    if known and task.written is not None and not set(words) & {"|", "&&", "||", ";"}:
        there = " or ".join(f"'{name}'" for name in known)
        yield Mark(task.written.position, f"'{words[0]}' has a module", f"Use {there}.")


@RULES.rule("command-aws", "info", "task")
def command_that_is_the_aws_cli(task: TaskView, modules: Modules) -> Iterator[Mark]:
    """A command calls the AWS command line.

    Modules see what there is before they change it, resume, and act in the account and Region of the run; the `aws`
    command takes its own from wherever it finds them. `runbook doc` lists the modules.
    """
    words = _words(task) if task.module in _COMMANDS else []
    if words[:1] != ["aws"] or task.written is None:
        return
    service = words[1] if len(words) > 1 else ""
    near = sorted(name for name in modules.names if service and name.startswith(service))
    hint = f"Use {' or '.join(near)}." if near else "'runbook doc' lists the modules."
    yield Mark(task.written.position, "The 'aws' command acts outside of the run's account and Region", hint)


_SHELL = re.compile(r"[|&;<>$*?`~\n\\#]|\{[^{]*,|\[|(^|\s)(cd|export|source|set|umask|ulimit|\.)\s|==|!")


@RULES.rule("shell-need", "info", "task")
def shell_without_need(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """A `shell` task needs no shell.

    Without one, quotes and spaces in variables can't change what is run: `command` is the safer of the two.
    """
    text = task.args.get("cmd")
    source = text.source if isinstance(text, Template) else text
    if task.module != "shell" or not isinstance(source, str) or "executable" in task.args:
        return
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", source, flags=re.DOTALL)
    if not _SHELL.search(bare.strip()) and task.written is not None:
        yield Mark(task.written.position, "Nothing in this command needs a shell", "Use 'command'.")


@RULES.rule("command-changes", "info", "task")
def command_that_always_changes(task: TaskView, _modules: Modules) -> Iterator[Mark]:
    """A command does not say when it changes something.

    It counts as changed each time, and its handlers run each time. Say when with `changed_when` (`false` for one
    that only looks), or `creates` or `removes` when a file tells.
    """
    if task.module not in _COMMANDS or task.written is None or task.handler:
        return
    if not ({"creates", "removes"} & set(task.args)) and not task.here_or_around("changed_when"):
        hint = "Add 'changed_when', 'creates' or 'removes'."
        yield Mark(task.written.position, f"This '{task.module}' counts as changed each time", hint)


# ---------------------------------------------------------------- secrets


@RULES.rule("secret-in-clear", "error", "file")
def secret_in_clear(file: FileView, _modules: Modules) -> Iterator[Mark]:
    """A value with the name of a secret stands in clear.

    Whoever can read the repository can read it. Encrypt it (`runbook vault encrypt_string`), read it from where
    secrets are kept (`lookup('aws_ssm_parameter', ...)`, `lookup('aws_secret', ...)`), or ask for it
    (`vars_prompt`).
    """
    for key, node in file.scalars:
        if not is_secret_name(key) or node.tag != "tag:yaml.org,2002:str" or is_null(node):
            continue
        if node.value and "{{" not in node.value and not _REFERENCE.match(node.value):
            hint = "Encrypt it, read it from where secrets are kept, or ask for it with 'vars_prompt'."
            yield Mark(node, f"'{key}' looks like a secret, and its value stands here in clear", hint)


_REFERENCE = re.compile(r"arn:|/|alias/|\*+$|present$|absent$|omit$")
"""What names a secret and is none: an ARN, a path, an alias; what only stands for one."""
