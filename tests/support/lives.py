"""Effects in a sandbox, with trouble at each of them: what one call must come to, whatever happens on its way."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from runbook.attempt import Attempt
from runbook.contract import Target
from runbook.modules._aws import Clients
from runbook.sandbox.folder import Sandbox

from tests.support.cli import PLAYBOOKS
from tests.support.killable import Life, before_the_answer, before_the_call
from tests.support.module_cases import load_module

TEMPLATE = PLAYBOOKS / "files/prerequisites.template.yml"


@dataclass
class Account:
    """A sandbox, reached as the modules reach AWS; faults and the record of calls at once, without a process."""

    sandbox: Sandbox
    target: Target
    clients: Clients = field(default_factory=Clients)

    @classmethod
    def up(cls, folder: Path, speed: float) -> Account:
        sandbox = Sandbox(folder)
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("RUNBOOK_SANDBOX")]:
                patch.delenv(name)  # such as a source that the instance would compile Valkey from
            contact, _ = sandbox.up(
                ["--speed", str(speed), "--region", "eu-west-2", "--template", str(TEMPLATE)]
            )
        names = ("endpoint_url", "region", "access_key_id", "secret_access_key", "ca_file", "speed")
        return cls(sandbox, Target(**{name: contact[name] for name in names}))

    def life(self, module: str, **args: Any) -> Life:
        """A run with one step. Its tokens differ from those of all others."""
        run = uuid.uuid4().hex[:8]
        return Life(module=load_module(module), args=args, target=self.target, clients=self.clients, run=run)

    def play(self, module: str, **args: Any) -> Attempt:
        """A step that nothing happens to."""
        made = self.life(module, **args).play()
        assert not made.failed, made.result
        return made

    def fault(self, kind: str, service: str, call: str, **more: Any) -> None:
        self.sandbox.ask("POST", "faults", {"kind": kind, "service": service, "call": call, **more})

    def clear(self) -> None:
        self.sandbox.ask("DELETE", "faults")

    def calls(self, action: str) -> list[Mapping[str, Any]]:
        """What was asked of it so far under that name."""
        lines = self.sandbox.ask("GET", "calls").splitlines()
        return [told for told in map(json.loads, lines) if told["action"] == action]

    def done(self, action: str) -> int:
        """How often it carried such a call out."""
        return sum(call["outcome"] == "ok" for call in self.calls(action))

    def client(self, service: str) -> Any:
        return self.clients.client(self.target, service)


Trouble: TypeAlias = Callable[["Account", "Effect", Life], Attempt]
"""Plays a life with something going wrong at the effect."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One effecting call of a module."""

    name: str
    module: str
    args: Mapping[str, Any]
    call: str
    """`memorydb.CreateCluster`"""
    number: int = 1
    """Which effect of the step it is."""
    before: Callable[[Account], None] = lambda _account: None
    """Makes the world in which the step has this to do."""
    check: Callable[[Account, Attempt], None] = lambda _account, _made: None
    """What must hold afterwards, of the world and of the result."""
    count: Callable[[Account], int] | None = None
    """How many such calls were carried out so far; None: all of that name."""
    troubles: tuple[Trouble, ...] | None = None
    """Those that the suite has time for; None: all. With RUNBOOK_TROUBLES=all, all of them always."""

    def __str__(self) -> str:
        return self.name

    @property
    def service(self) -> str:
        return self.call.partition(".")[0]

    @property
    def action(self) -> str:
        return self.call.partition(".")[2]


def struck(account: Account, effect: Effect, life: Life, kind: str, **more: Any) -> None:
    """Order a fault for the very call of the effect."""
    order = lambda: account.fault(kind, effect.service, effect.action, **more)  # noqa: E731 (told to be done later)
    life.when_it_begins(effect.number, order)


def lost_response(account: Account, effect: Effect, life: Life) -> Attempt:
    struck(account, effect, life, "lose-response")
    return life.play()


def lost_request(account: Account, effect: Effect, life: Life) -> Attempt:
    struck(account, effect, life, "lose-request")
    return life.play()


def throttled(account: Account, effect: Effect, life: Life) -> Attempt:
    struck(account, effect, life, "throttle", count=3)
    return life.play()


def broken_off(account: Account, effect: Effect, life: Life) -> Attempt:
    """The service answers that it failed, and did nothing."""
    struck(account, effect, life, "refuse", code="InternalFailure")
    return life.play()


def killed_after_it(_account: Account, effect: Effect, life: Life) -> Attempt:
    return life.resumed(before_the_answer(effect.number))


def killed_before_it(_account: Account, effect: Effect, life: Life) -> Attempt:
    return life.resumed(before_the_call(effect.number))


def lost_and_killed(account: Account, effect: Effect, life: Life) -> Attempt:
    """The response is lost; once the step has found out what came of it, it is killed."""
    struck(account, effect, life, "lose-response")
    return life.resumed(before_the_answer(effect.number))


def never_sent_and_killed(account: Account, effect: Effect, life: Life) -> Attempt:
    """The request is lost; killed after the next try was sent."""
    struck(account, effect, life, "lose-request")
    return life.resumed(before_the_answer(effect.number))


TROUBLES: tuple[Trouble, ...] = (
    lost_response,
    lost_request,
    throttled,
    broken_off,
    killed_after_it,
    killed_before_it,
    lost_and_killed,
    never_sent_and_killed,
)


VOLATILE = frozenset(
    {"id", "arn", "endpoint", "address", "command", "seconds", "nodes", "events", "output", "outputs"}
)
"""Fields of results that differ each time."""


def told(made: Attempt) -> tuple[Any, ...]:
    """What a step tells, without what differs each time."""
    return made.changed, [(one.action, one.resource) for one in made.changes], _steady(made.result)


def _steady(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _steady(one) for key, one in value.items() if key not in VOLATILE}
    return [_steady(one) for one in value] if isinstance(value, list | tuple) else value


_undisturbed: dict[str, tuple[Any, ...]] = {}


def happens_once(account: Account, effect: Effect, trouble: Trouble) -> None:
    """Whatever the trouble: the call is carried out once, and the step tells what it tells when nothing happens."""
    if effect.name not in _undisturbed:
        effect.before(account)
        _undisturbed[effect.name] = told(account.play(effect.module, **effect.args))
    effect.before(account)
    count = effect.count or (lambda account: account.done(effect.action))
    before = count(account)
    life = account.life(effect.module, **effect.args)
    made = trouble(account, effect, life)
    account.clear()
    assert not made.failed, made.result
    assert count(account) == before + 1, f"{effect.call} was carried out more often than once"
    assert made.changed
    now, undisturbed = told(made), _undisturbed[effect.name]
    assert now == undisturbed, f"it tells\n{now}\nand undisturbed\n{undisturbed}"
    effect.check(account, made)


def matrix(effects: Sequence[Effect]) -> list[Any]:
    """Parameters of a test: each effect with each trouble."""
    return [
        pytest.param(effect, trouble, id=f"{effect.name}-{trouble.__name__}")
        for effect in effects
        for trouble in (None if os.environ.get("RUNBOOK_TROUBLES") == "all" else effect.troubles) or TROUBLES
    ]
