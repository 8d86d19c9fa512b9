"""Module tests as data: one YAML file a case, under `tests/modules/cases/<module>/<case>.yml`.

    fact: what AWS does that this case holds the module to
    params: {...}                    # as a playbook gives them; `!unknown x` is known after apply only
    world:                           # answers of AWS, in order (tests/support/world.py)
      - {call: memorydb.DescribeClusters, params: {...}, answer: {...}}
      - {call: memorydb.UpdateCluster, error: {code: NoOperationFault, message: ...}}
      - {call: memorydb.CreateCluster, lost: true}         # acted, and the answer was lost
    dry_run: false                   # true: end after the plan
    known: {"cloudformation:stack/lab": ...}   # what earlier steps of the dry run would leave behind
    begun: [create]                  # effects that a killed run had begun
    done: {create: null}             # effects that an earlier part of the run had done
    plan: {action: update, reason: ..., before: {...}, after: {...}, result: {...}}
    calls: [{call: memorydb.UpdateCluster, params: {...}}] # all calls with an effect, whole, in order
    progress: [...]                  # phases shown, in order
    warnings: [part of text, ...]    # all of them, from plan and context
    result: {...}                    # of apply; of the plan when nothing is applied
    error: part of text | {type: Stopped, text: [...]}

What is told of `plan`, `before`, `after` and `result` must be there; more may be. Texts between slashes are regular
expressions. Every entry of `world` must be used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from runbook.contract import LocalFile, LocalPath, Module, RenderedFile
from runbook.errors import Position, RunbookError
from runbook.model import Action, Change
from runbook.params import bind
from runbook.plain import plain
from runbook.values import Unknown

from tests.support.context import RecordingContext
from tests.support.world import World

CASES = Path(__file__).parent.parent / "modules" / "cases"

KEYS = {
    "fact",
    "about",
    "params",
    "world",
    "dry_run",
    "begun",
    "done",
    "variables",
    "connection",
    "known",
    "environment",
    "plan",
    "calls",
    "progress",
    "warnings",
    "result",
    "error",
}


class _Loader(yaml.SafeLoader):
    """YAML with `!unknown`."""


def _unknown(loader: yaml.SafeLoader, node: yaml.nodes.ScalarNode) -> Unknown:
    return Unknown(str(loader.construct_scalar(node) or ""))


_Loader.add_constructor("!unknown", _unknown)


@dataclass(frozen=True, slots=True)
class Case:
    """One case: the module that it is about, its name, and what its file says."""

    module: str
    name: str
    told: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.module}/{self.name}"


def cases() -> list[Case]:
    """All cases, by module and name."""
    return [load_case(path) for path in sorted(CASES.glob("*/*.yml"))]


def load_case(path: Path) -> Case:
    """Read a case. Raises ValueError for a key that no case has."""
    told = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (a SafeLoader)
    if strange := set(told) - KEYS:
        raise ValueError(f"{path}: no case has {sorted(strange)}")
    return Case(path.parent.name, path.stem, told)


def load_module(name: str) -> Module:
    """An instance of one of our own modules, by its file's name."""
    found = getattr(import_module(f"runbook.modules.{name}"), name.title().replace("_", ""))()
    assert isinstance(found, Module)
    return found


def make_params(module: Module, given: Mapping[str, Any]) -> Any:
    """Typed Params, as the engine binds them. A file argument is told as `{path, text}`.

    Raises ParamsError for arguments that do not fit.
    """
    told = {name: value for name, value in given.items() if _is_file(value)}
    args = {name: value["path"] if name in told else value for name, value in given.items()}
    files = _ToldFiles({value["path"]: value["text"] for value in told.values()})
    return bind(module.Params, args, {}, Position("case.yml", 1, 1), files=files)


def _is_file(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"path", "text"}


@dataclass(frozen=True, slots=True)
class _ToldFiles:
    """Files whose text a case tells."""

    texts: Mapping[str, str]

    def rendered(self, name: str) -> RenderedFile:
        return RenderedFile(name, self.texts[name])

    def opened(self, content: bytes, path: str) -> bytes:
        return content

    def place(self, name: str) -> LocalPath:
        return LocalPath(name)

    def local(self, name: str) -> LocalFile:
        return LocalFile(name, self.texts[name].encode())


def run_case(case: Case) -> None:
    """Play a case. Raises AssertionError where the module does not do what the case tells."""
    told = case.told
    world = World(told.get("world", ()))
    ctx = RecordingContext(
        clients=world.client,
        begun=frozenset(told.get("begun", ())),
        done=told.get("done") or {},
        variables=told.get("variables", {}),
        environment=told.get("environment", {}),
        connection=told.get("connection", "local"),
        known=told.get("known", {}),
    )
    module = load_module(case.module)
    planned: list[Change] = []
    with world.running():
        try:
            result = _play(module, ctx, told, planned)
        except RunbookError as error:
            _check_error(told, error)
        else:
            assert "error" not in told, f"it did not fail; result {plain(result)}"
            if "result" in told:
                check(told["result"], result, "result")
    _check_world(told, world, ctx, planned)


def _play(module: Module, ctx: RecordingContext, told: Mapping[str, Any], planned: list[Change]) -> Any:
    params = make_params(module, told["params"])
    observed = module.observe(ctx, params)
    change = module.plan(params, observed)
    planned.append(change)
    assert isinstance(change, Change)
    if change.action is not Action.NONE:
        assert change.reason, "a change must say why"
    if "plan" in told:
        check(told["plan"], change, "plan")
    assert change.resource in (None, module.resource(params)), "plan and resource() name it differently"
    if change.action is Action.NONE or told.get("dry_run"):
        return change.result
    result = module.apply(ctx, params, change)
    assert isinstance(result, module.Result)
    return result


def _check_error(told: Mapping[str, Any], error: RunbookError) -> None:
    wanted = told.get("error")
    if wanted is None:
        raise AssertionError(f"it failed: {error}") from error
    if not isinstance(wanted, Mapping):
        wanted = {"type": "Failed", "text": wanted}
    kinds = [kind.__name__ for kind in type(error).__mro__]
    assert wanted.get("type", "Failed") in kinds, f"it is a {kinds[0]}: {error}"
    texts = wanted.get("text", [])
    for text in [texts] if isinstance(texts, str) else texts:
        assert _holds(text, str(error)), f"{text!r} is not in: {error}"
    if "result" in wanted:
        check(wanted["result"], getattr(error, "result", None), "error's result")


def _check_world(told: Mapping[str, Any], world: World, ctx: RecordingContext, planned: list[Change]) -> None:
    made = [{"call": call.name, "params": dict(call.params)} for call in world.calls if not call.reads]
    expected = [{"call": entry["call"], "params": entry.get("params", {})} for entry in told.get("calls", ())]
    assert made == expected, f"calls with an effect:\n{yaml.safe_dump(made)}told:\n{yaml.safe_dump(expected)}"
    if "progress" in told:
        assert ctx.phases == told["progress"]
    warned = [*(planned[0].warnings if planned else ()), *ctx.warnings]
    texts = told.get("warnings", ())
    assert len(warned) == len(texts), f"warnings: {warned}"
    for text, warning in zip(texts, warned, strict=True):
        assert _holds(text, warning), f"{text!r} is not in: {warning}"
    assert not world.unused(), f"nothing asked for {world.unused()}"


def _holds(wanted: str, text: str) -> bool:
    if len(wanted) > 2 and wanted[0] == wanted[-1] == "/":
        return re.search(wanted[1:-1], text) is not None
    return wanted in text


def check(wanted: Any, actual: Any, where: str) -> None:
    """Assert that `actual` holds all that `wanted` tells; lists must agree item by item."""
    actual = plain(actual)
    if isinstance(wanted, Unknown) or isinstance(actual, Unknown):
        assert isinstance(wanted, Unknown), _differ(wanted, actual, where)
        assert isinstance(actual, Unknown), _differ(wanted, actual, where)
        origin = Unknown.describe(wanted)
        assert origin in ("", Unknown.describe(actual)), f"{where}: unknown from {Unknown.describe(actual)}"
    elif isinstance(wanted, Mapping):
        assert isinstance(actual, Mapping), _differ(wanted, actual, where)
        for key, value in wanted.items():
            assert key in actual, f"{where}: no {key!r} in {sorted(actual)}"
            check(value, actual[key], f"{where}.{key}")
    elif isinstance(wanted, list):
        assert isinstance(actual, list), _differ(wanted, actual, where)
        assert len(wanted) == len(actual), _differ(wanted, actual, where)
        for n, (one, other) in enumerate(zip(wanted, actual, strict=True)):
            check(one, other, f"{where}[{n}]")
    else:
        same = _holds(wanted, actual) if _is_pattern(wanted) and isinstance(actual, str) else wanted == actual
        assert same, _differ(wanted, actual, where)


def _is_pattern(wanted: Any) -> bool:
    return isinstance(wanted, str) and len(wanted) > 2 and wanted[0] == wanted[-1] == "/"


def _differ(wanted: Any, actual: Any, where: str) -> str:
    shown = [Unknown.describe(v) if isinstance(v, Unknown) else repr(v) for v in (wanted, actual)]
    return f"{where}: told {shown[0]}, is {shown[1]}"
