"""`vars_prompt`: what is asked when a play begins, and what the answers are.

An answer is data, never a template. What was typed at a private prompt is a secret and never written down: a resume
asks again. A default stands in the playbook for everybody to read, so it is no secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import TemplateError, UsageError
from .filters import FILTERS
from .model import Play, Value
from .plain import plain
from .scope import VariableScope
from .template import Templates, as_truth
from .values import Secret, Template


class Ask(Protocol):
    """Asks the person at the terminal."""

    def __call__(self, question: str, *, private: bool = False) -> str:
        """What was typed. Raises Stopped when the run is cancelled."""
        ...


def private_names(plays: Iterable[Play]) -> frozenset[str]:
    """Variables that plays ask for in private."""
    return frozenset(
        str(one["name"])
        for play in plays
        for one in play.vars_prompt
        if isinstance(one.get("private"), Template) or _flag(one.get("private"), otherwise=True)
    )


@dataclass(frozen=True, slots=True)
class Prompter:
    """Asks what a play wants to know."""

    templates: Templates
    given: Mapping[str, Value]
    """Variables that need no question: those of `-e`."""

    def answers(
        self, play: Play, scope: VariableScope, known: Mapping[str, Any], ask: Ask | None
    ) -> Mapping[str, str | Secret]:
        """The variables of all questions that `-e` leaves open. known: answers from before a resume. ask: None when
        there is no terminal; defaults answer then.

        Raises UsageError when there is none, TemplateError, Stopped.
        """
        found: dict[str, str | Secret] = {}
        for written in self._open(play):
            name = str(written["name"])
            if name in known:
                found[name] = known[name]
            else:
                rendered = {key: self.templates.render(value, scope) for key, value in written.items()}
                found[name] = _answer(name, rendered, ask)
        return found

    def defaults(self, play: Play, scope: VariableScope) -> Mapping[str, str | Secret]:
        """What the answers are when nobody is asked; questions without a default are left out."""
        return {
            str(written["name"]): _text(self.templates.render(written["default"], scope))
            for written in self._open(play)
            if written.get("default") is not None
        }

    def _open(self, play: Play) -> Iterator[Mapping[str, Value]]:
        return (one for one in play.vars_prompt if one["name"] not in self.given)

    def check(self, play: Play, known: Mapping[str, Any]) -> None:
        """Raises UsageError for the first question that stays open without a terminal."""
        for written in self._open(play):
            name = str(written["name"])
            if written.get("default") is None and name not in known:
                raise _no_answer(name)


def _answer(name: str, written: Mapping[str, Any], ask: Ask | None) -> str | Secret:
    default = written.get("default")
    private = _flag(written.get("private"), otherwise=True)
    typed = _typed(name, written, private, ask) if ask is not None else ""
    answer: str | Secret
    if not typed and default is not None:
        answer = _text(default)
    elif ask is None:
        raise _no_answer(name)
    else:
        answer = Secret(typed, f"vars_prompt {name}") if private else typed
    return _hashed(answer, written) if written.get("encrypt") else answer


def _typed(name: str, written: Mapping[str, Any], private: bool, ask: Ask) -> str:
    question = str(written.get("prompt") or name)
    default = written.get("default")
    shown = f" [{_text(default)}]" if default is not None and not private else ""
    typed = ask(question + shown, private=private)
    while typed and _flag(written.get("confirm"), otherwise=False):
        if ask(f"confirm {question}", private=private) == typed:
            break
        typed = ask(f"The two answers differ. {question}{shown}", private=private)
    return typed


def _no_answer(name: str) -> UsageError:
    return UsageError(
        f"The playbook asks for '{name}', and there is no terminal to ask at",
        hint=f"Give it with -e {name}=..., or give the question a `default`.",
    )


def _flag(value: Any, *, otherwise: bool) -> bool:
    return otherwise if value is None else bool(as_truth(value))


def _text(value: Any) -> str | Secret:
    """Answers are text, as if they had been typed."""
    if isinstance(value, Secret):
        return Secret(str(plain(Secret.reveal(value))), value.origin)
    return str(plain(value))


def _hashed(answer: str | Secret, written: Mapping[str, Any]) -> str | Secret:
    """`encrypt`: the hash of the answer, as the filter `password_hash` makes it."""
    password_hash = FILTERS.get("password_hash")
    if password_hash is None:
        raise TemplateError("'encrypt' needs the filter 'password_hash'")
    scheme = str(written["encrypt"]).removesuffix("_crypt")
    more = {key: written[key] for key in ("salt", "salt_size") if written.get(key) is not None}
    made = str(password_hash(Secret.reveal(answer), scheme, **more))
    return Secret(made, answer.origin) if isinstance(answer, Secret) else made
