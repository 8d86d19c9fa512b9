"""Modules are found by name, checked when loaded, and described from what they declare."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
from runbook.contract import Computation, Module, Params, aliases, no_effect, refused
from runbook.errors import ContractError, Position
from runbook.manual import manual
from runbook.params_schema import json_schema
from runbook.registry import Registry
from runbook.registry_check import check_class
from runbook.values import Template

AT = Position("play.yml", 1, 3)

GREETING = '''
"""Greets."""
from __future__ import annotations
from typing import Annotated, ClassVar
from msgspec import Meta
from runbook.contract import FREE_FORM, Decision, LocalFile, Params, RenderedFile

class GreetingParams(Params, frozen=True, kw_only=True):
    name: Annotated[str, FREE_FORM, Meta(description="Whom to greet.")]
    times: Annotated[int, Meta(ge=1, description="How often.")] = 1
    loud: bool = False
    letter: RenderedFile | None = None
    tags: dict[str, str] | None = None

class Greeting:
    __doc__ = __doc__
    contract_version = 1
    Params = GreetingParams

    def compute(self, params, scope):
        return Decision(result={"msg": "hello " + params.name})
'''

LOOKER = '''
import msgspec
from runbook.contract import Params, Permissions

class LookerParams(Params, frozen=True, kw_only=True):
    name: str

class LookerResult(msgspec.Struct, frozen=True):
    name: str

class Looker:
    """Looks."""
    contract_version = 1
    Params = LookerParams
    Result = LookerResult
    permissions = Permissions(read=("ec2:DescribeVpcs",))
    def resource(self, params): ...
    def observe(self, ctx, params): ...
    def plan(self, params, _observed): ...
    def apply(self, ctx, params, change): ...
'''


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "greeting.py").write_text(GREETING)
    (folder / "looker.py").write_text(LOOKER)
    (folder / "_helper.py").write_text("raise RuntimeError('never imported')")
    return folder


def test_our_own_modules_are_found_by_file_name() -> None:
    registry = Registry()
    assert {"debug", "set_fact", "assert", "memorydb_cluster"} <= set(registry.names())
    assert isinstance(registry.get("debug"), Computation)
    assert isinstance(registry.get("memorydb_cluster"), Module)
    assert registry.get("debug") is registry.get("debug")


def test_all_our_own_modules_keep_the_contract_and_have_a_page() -> None:
    registry = Registry()
    for name in registry.names():
        page = registry.manual(name)
        assert "No description." not in page, name
        assert registry.json_schema(name)["type"] == "object"


def test_modules_of_a_library_folder_are_found_and_win(library: Path) -> None:
    (library / "debug.py").write_text(GREETING.replace("Greeting", "Debug"))
    registry = Registry([library])
    assert "greeting" in registry.names()
    assert "_helper" not in registry.names()
    assert isinstance(registry.get("looker"), Module)
    assert registry.free_form("debug") == "name"
    assert type(registry.get("debug")).__module__ == "runbook_library.debug"


def test_installed_modules_are_found_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_package.py").write_text(GREETING)
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[runbook.modules]\ngreeting = their_package:Greeting\nbad = gone:It\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry()
    assert isinstance(registry.get("greeting"), Computation)
    with pytest.raises(
        ContractError, match=r"'bad', gone:It \(installed by .*\), can't be loaded: ModuleNotFound"
    ):
        registry.get("bad")


def test_nothing_is_imported_before_it_is_used() -> None:
    code = """
        import sys
        from runbook.registry import Registry
        registry = Registry()
        assert "debug" in registry.names()
        registry.get("debug")
        heavy = {"boto3", "botocore", "valkey", "rich", "asyncio", "importlib.metadata", "runbook.modules.shell"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


BAD = LOOKER.replace("Looker", "Bad")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("def (:", "can't be loaded: SyntaxError"),
        ("import gone_for_good\nclass Bad: pass", "can't be loaded: ModuleNotFoundError"),
        ("x = 1", "has no class Bad"),
        ("raise SystemExit('done')", "has no class Bad"),  # a program of Ansible's old kind is not run
        ("from ansible.module_utils.basic import AnsibleModule", "is written for Ansible's own program"),
        ("def main():\n    import ansible.release", "is written for Ansible's own program"),
        ("class Bad: pass", "it has no `contract_version`"),
        (BAD.replace("contract_version = 1", "contract_version = 2"), "wants contract version 2"),
        (BAD.replace("Params = BadParams", "Params = dict"), "`Params` is not a class"),
        (BAD.replace("self, ctx, params)", "self, params)"), "must be observe(self, ctx, params)"),
        (BAD.replace("def plan", "def plane"), "no method plan(self, params, observed)"),
        (BAD.replace("Permissions(", "dict("), "its `permissions`"),
        (BAD.replace("Result = BadResult", ""), "its `Result`"),
        (BAD.replace("name: str", "name: 'Gone'", 1), "its `Params` can't be read"),
        (BAD.replace("name: str", "name: bytearray", 1), "no argument can be a ByteArray, as `name` is"),
    ],
)  # fmt: skip
def test_a_module_that_does_not_keep_the_contract_is_refused_by_name_and_reason(
    tmp_path: Path, file: str, words: str
) -> None:
    (tmp_path / "bad.py").write_text(file)
    with pytest.raises(ContractError) as caught:
        Registry([tmp_path]).get("bad")
    assert words in caught.value.message
    assert "bad" in caught.value.message
    assert str(tmp_path / "bad.py") in caught.value.message


def test_every_fault_of_a_class_is_told_together() -> None:
    class Poor:
        contract_version = 1

    with pytest.raises(ContractError) as caught:
        check_class("poor", Poor, "somewhere")
    assert caught.value.message.count("\n  - ") == 7


def test_a_role_brings_modules_which_come_behind_those_of_the_playbook(library: Path, tmp_path: Path) -> None:
    role = tmp_path / "role"
    role.mkdir()
    (role / "mine.py").write_text(GREETING.replace("Greeting", "Mine"))
    (role / "greeting.py").write_text("no module at all")
    registry = Registry([library])
    assert not registry.has("mine")

    registry.bring(role)

    assert "mine" in registry.names()
    assert type(registry.get("mine")).__name__ == "Mine"
    assert type(registry.get("greeting")).__name__ == "Greeting"


def test_calls_are_checked_before_anything_is_run(library: Path) -> None:
    registry = Registry([library])
    assert registry.check("greeting", {"name": Template("{{ x }}")}, {}, AT) == []
    (problem,) = registry.check("greting", {}, {}, AT)
    assert (problem.message, problem.hint) == ("There is no module 'greting'", "Did you mean 'greeting'?")
    told = [p.message for p in registry.check("greeting", {"times": 0, "lout": 1}, {}, AT)]
    assert told == [
        "There is no argument 'lout'",
        "The argument 'name' is missing",
        "'times' must be a whole number of at least 1, not 0",
    ]


def test_files_that_arguments_name_may_be_brought_by_an_earlier_step(library: Path) -> None:
    assert Registry([library]).check("greeting", {"name": "x", "letter": "hi.j2"}, {}, AT) == []


def test_an_unknown_module_is_told_with_the_nearest_name() -> None:
    with pytest.raises(ContractError) as caught:
        Registry().get("set_fect")
    assert caught.value.hint == "Did you mean 'set_fact'?"


def test_the_manual_page(library: Path) -> None:
    assert Registry([library]).manual("greeting") == textwrap.dedent(
        """\
        greeting
        ========

        Greets.

        Arguments
          name: text (required, takes free-form text)
              Whom to greet.
          times: a whole number of at least 1 (default 1)
              How often.
          loud: true or false (default false)
          letter: the name of a template file
          tags: a mapping
        """
    )


def test_other_names_and_arguments_that_are_not_kept_are_told() -> None:
    class Place(Params, frozen=True, kw_only=True):
        path: Annotated[str, aliases("dest")]
        mode: str
        unsafe: Annotated[bool, no_effect("files are always replaced whole")] = False
        selevel: Annotated[Any, refused("it needs SELinux")] = None

    class Placed:
        """Puts."""

        Params = Place

    page = manual("placed", cast(Any, Placed()))
    assert "path: text (required, also dest)" in page
    assert "(default false, taken, without effect: files are always replaced whole)" in page
    assert "selevel: anything (refused: it needs SELinux)" in page
    schema = json_schema(Place)
    assert list(schema["properties"]) == ["path", "dest", "mode", "unsafe"]
    assert schema["required"] == ["mode"]
    assert schema["allOf"] == [{"anyOf": [{"required": ["path"]}, {"required": ["dest"]}]}]


def test_the_json_schema_lets_a_template_stand_for_any_value(library: Path) -> None:
    schema = Registry([library]).json_schema("greeting")
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False
    template = {"type": "string", "pattern": r"\{\{|\{%"}
    assert schema["properties"]["times"]["description"] == "How often."
    assert schema["properties"]["times"]["anyOf"][0] == {"type": "integer", "minimum": 1}
    assert template in schema["properties"]["times"]["anyOf"]
    assert schema["properties"]["name"]["type"] == ["string", "number"]


def test_the_client_factory_is_found_without_naming_it_in_the_engine() -> None:
    assert hasattr(Registry().client_factory(), "client")
