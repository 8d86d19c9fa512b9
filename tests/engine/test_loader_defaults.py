"""`module_defaults`: which arguments a call gets from around it."""

from __future__ import annotations

import pytest
from runbook.errors import Position
from runbook.loader_call import Call, Modules
from runbook.loader_defaults import with_defaults
from runbook.loader_session import Inherited
from runbook.values import Template

from tests.support.catalog import SmallCatalog

HERE = Position("site.yml", 1, 1)
MODULES = Modules(SmallCatalog())


def call(module: str = "debug", **args: object) -> Call:
    return Call(module, HERE, args)


def test_the_innermost_layer_that_names_the_module_counts_alone() -> None:
    outer, inner = {"debug": {"msg": "a", "verbosity": 1}}, {"ansible.builtin.debug": {"msg": "b"}}
    made = with_defaults(call(), Inherited(module_defaults=(outer, inner)), MODULES)
    assert made.call.args == {"msg": "b"}
    assert made.late == ()


def test_what_the_task_says_wins() -> None:
    around = Inherited(module_defaults=({"debug": {"msg": "a", "verbosity": 1}},))
    assert with_defaults(call(msg="own"), around, MODULES).call.args == {"msg": "own", "verbosity": 1}


@pytest.mark.parametrize("layer", [Template("{{ x }}"), {"debug": Template("{{ x }}")}])
def test_what_only_the_run_can_tell_is_kept_for_it(layer: object) -> None:
    made = with_defaults(call(), Inherited(module_defaults=(layer,)), MODULES)
    assert made.late == (layer,)
    assert made.call.args == {}


def test_a_group_gives_settings_to_what_asks_aws() -> None:
    layer = {"group/aws": {"region": "eu-west-2", "profile": "lab"}}
    around = Inherited(module_defaults=(layer,), settings={"aws": {"profile": "own"}})
    assert with_defaults(call("shell"), around, MODULES).settings == {
        "aws": {"region": "eu-west-2", "profile": "own"}
    }
    assert with_defaults(call(), around, MODULES).settings == {}
