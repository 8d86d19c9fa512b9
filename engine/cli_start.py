"""How a run was started, as the state file keeps it: enough for `resume` to go on with exactly that run."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from .cli_extra_vars import ExtraVars, hidden, read_extra_vars
from .cli_options import DEFAULT_STATE
from .errors import UsageError
from .journal import RunHeader
from .journal_reader import SqliteReader
from .options import Options
from .resume import taken_back
from .run_names import LISTED, find_run
from .values import MASK
from .vault_passwords import VaultOptions

_COMMAND = "play"

_OPTIONS: Mapping[str, str] = {
    "inventory": "--inventory",
    "extra_vars": "--extra-vars",
    "limit": "--limit",
    "tags": "--tags",
    "skip_tags": "--skip-tags",
    "start_at_task": "--start-at-task",
    "connection": "--connection",
    "module_path": "--module-path",
    "roles_path": "--roles-path",
    "forks": "--forks",
    "force_handlers": "--force-handlers",
    "vault_ids": "--vault-id",
    "vault_password_files": "--vault-password-file",
    "ask_vault_pass": "--ask-vault-pass",
    "plan": "--plan",
}
_FLAGS = frozenset({"--force-handlers", "--ask-vault-pass"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What makes a run the run that it is; how it is shown is no part of that."""

    playbooks: tuple[str, ...]
    inventory: tuple[str, ...] = ()
    extra_vars: tuple[str, ...] = ()
    """Texts of `-e`, secrets left out (`ExtraVars.texts`)."""
    limit: str = ""
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    start_at_task: str = ""
    connection: str = ""
    module_path: tuple[str, ...] = ()
    roles_path: tuple[str, ...] = ()
    forks: int = 50
    force_handlers: bool = False
    vault_ids: tuple[str, ...] = ()
    """Where vault passwords come from; never a password."""
    vault_password_files: tuple[str, ...] = ()
    ask_vault_pass: bool = False
    plan: str = ""
    """The plan file that it is held to."""

    @property
    def vault(self) -> VaultOptions:
        return VaultOptions(ids=self.vault_ids, files=self.vault_password_files, ask=self.ask_vault_pass)

    def words(self) -> tuple[str, ...]:
        """As a command line, in one fixed form."""
        words = [_COMMAND, *self.playbooks]
        for name, option in _OPTIONS.items():
            value = getattr(self, name)
            for one in value if isinstance(value, tuple) else (value,) if value else ():
                words += [option] if option in _FLAGS else [option, str(one)]
        return tuple(words)


def read_start(words: Sequence[str]) -> Start:
    """What `Start.words` wrote. Raises UsageError for other words: the run was started by another program."""
    if len(words) < 2 or words[0] != _COMMAND:
        raise _unreadable(words)
    names = {option: name for name, option in _OPTIONS.items()}
    first = next((at for at, word in enumerate(words) if at > 1 and word in names), len(words))
    given: dict[str, tuple[str, ...]] = dict.fromkeys(_OPTIONS, ())
    rest = iter(words[first:])
    for option in rest:
        value = "yes" if option in _FLAGS else next(rest, None)
        if option not in names or value is None:
            raise _unreadable(words)
        given[names[option]] += (value,)
    if not given["forks"]:
        raise _unreadable(words)
    return Start(
        playbooks=tuple(words[1:first]),
        inventory=given["inventory"],
        extra_vars=given["extra_vars"],
        limit="".join(given["limit"]),
        tags=given["tags"],
        skip_tags=given["skip_tags"],
        start_at_task="".join(given["start_at_task"]),
        connection="".join(given["connection"]),
        module_path=given["module_path"],
        roles_path=given["roles_path"],
        force_handlers=bool(given["force_handlers"]),
        vault_ids=given["vault_ids"],
        vault_password_files=given["vault_password_files"],
        ask_vault_pass=bool(given["ask_vault_pass"]),
        plan="".join(given["plan"]),
        forks=int("".join(given["forks"])),
    )


def hide_prompted(start: Start, options: Options, private: Collection[str]) -> Options:
    """What a play asks for in private (`private`: the names) is a secret when `-e` gives it, too."""
    names = sorted(options.extra_vars.keys() & set(private))
    if not names:
        return options
    texts = [
        text if text.startswith("@") else read_extra_vars([text], secret=names).texts[0]
        for text in start.extra_vars
    ]
    return replace(
        options,
        extra_vars={**options.extra_vars, **{name: hidden(name, options.extra_vars[name]) for name in names}},
        argv=replace(start, extra_vars=tuple(texts)).words(),
        again=(*options.again, *(word for name in names for word in ("-e", f"{name}=..."))),
    )


def again_words(words: Sequence[str], state: Path) -> tuple[str, ...]:
    """What `resume` has to be told beside the name of the run: where the state file is, and secrets of `-e`.
    `words`: those of the run."""
    found = []
    if state != DEFAULT_STATE and str(state) != os.environ.get("RUNBOOK_STATE"):
        found += ["--state", shlex.quote(str(state))]
    texts = [text for option, text in pairwise(words) if option == _OPTIONS["extra_vars"]]
    withheld = read_extra_vars([text for text in texts if MASK in text and not text.startswith("@")]).withheld
    for name in withheld:
        found += ["-e", f"{name}=..."]
    return tuple(found)


def _unreadable(words: Sequence[str]) -> UsageError:
    return UsageError(
        f"The state file does not tell how this run was started ({' '.join(words) or 'no words'})",
        hint="Play its playbook again with the same options: that goes on with it.",
    )


def unfinished(state: Path, run: str | None) -> RunHeader:
    """The run of that name (`find_run`), or the last one that is not finished. Raises UsageError when there
    is none."""
    if not state.is_file():
        raise UsageError(f"There is no state file {state}", hint="--state or RUNBOOK_STATE names another.")
    with SqliteReader(state) as reader:
        runs = reader.runs()
    if run is None:
        left = [one for one in runs if not one.finished and taken_back(runs, one.run) is None]
        if not left:
            raise UsageError(f"All runs in {state} are finished", hint=LISTED)
        return left[-1].header
    chosen = find_run(runs, run)
    if chosen.finished:
        raise UsageError(f"Run {chosen.run} is finished", hint="`runbook play` starts a new one.")
    back = taken_back(runs, chosen.run)
    if back is not None:
        raise UsageError(
            f"Run {chosen.run} was taken back by run {back.run}", hint="`runbook play` starts a new one."
        )
    return chosen.header


def again(run: str, kept: ExtraVars, new: ExtraVars) -> ExtraVars:
    """The variables that a run was started with; new ones win. Raises UsageError when one that was not kept is
    missing."""
    missing = [name for name in kept.withheld if name not in new.values]
    if missing:
        options = " ".join(f"-e {name}=..." for name in missing)
        raise UsageError(
            f"Run {run} was started with {', '.join(missing)} by `-e`, and the state file keeps no secrets",
            hint=f"Give it again: runbook resume {run} {options}",
        )
    return ExtraVars((*kept.texts, *new.texts), {**kept.values, **new.values})


def go_back(header: RunHeader) -> None:
    """Go to the folder that the run was started in. Raises UsageError when it is gone."""
    if not header.folder:
        return
    try:
        os.chdir(header.folder)
    except OSError as error:
        raise UsageError(
            f"Run {header.run} was started in {header.folder}, and that can't be entered: {error.strerror}"
        ) from error
