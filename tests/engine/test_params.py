"""Arguments into typed parameters: Ansible's leniency, all problems at once, plain words."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta
from runbook.contract import (
    FREE_FORM,
    REST,
    SECRET,
    LocalFile,
    LocalPath,
    Params,
    RenderedFile,
    aliases,
    no_effect,
    refused,
)
from runbook.errors import Failed, ParamsError, Position
from runbook.params import (
    bind,
    check_literals,
    expression_fields,
    field_names,
    free_form_field,
    secret_fields,
)
from runbook.values import OMIT, Expression, Secret, SourceFloat, SourceInt, Template, Unknown, UnknownValue

AT = Position("play.yml", 3, 5)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    port: Annotated[int, Meta(ge=0, le=65535)]
    cidr: str | None = None


class ById(msgspec.Struct, frozen=True, kw_only=True, tag_field="by", tag="id"):
    id: str


class ByName(msgspec.Struct, frozen=True, kw_only=True, tag_field="by", tag="name"):
    name: str


class Everything(Params, frozen=True, kw_only=True):
    name: Annotated[str, Meta(description="The cluster's name.", min_length=1)]
    state: Literal["present", "absent"] = "present"
    power: Literal["on", "off"] = "on"
    wait: bool = True
    replicas: Annotated[int, Meta(ge=0, le=5)] | None = None
    ratio: float = 1.0
    version: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    zones: list[str] = msgspec.field(default_factory=list)
    ports: tuple[int, ...] = ()
    rules: list[Rule] = msgspec.field(default_factory=list)
    that: list[Expression] = msgspec.field(default_factory=list)
    peer: ById | ByName | None = None
    size: int | str = 0
    color: Color = Color.RED
    anything: Any = None
    folder: Path | None = None
    password: Annotated[str | None, SECRET] = None
    src: LocalFile | None = None
    text: RenderedFile | None = None


class User(msgspec.Struct):
    name: str
    password: Annotated[str, SECRET]


class Users(Params, frozen=True, kw_only=True):
    users: list[User]
    by_name: dict[str, User] = msgspec.field(default_factory=dict)


class Script(Params, frozen=True, kw_only=True):
    script: Annotated[str | None, FREE_FORM] = None
    file: LocalFile | None = None

    def __post_init__(self) -> None:
        if (self.script is None) == (self.file is None):
            raise ValueError("give exactly one of script and file")


class Facts(Params, frozen=True, kw_only=True):
    facts: Annotated[dict[str, Any], REST]
    cacheable: bool = False


class FolderFiles:
    """Files of a folder, as the run finds them."""

    def __init__(self, folder: Path = Path()) -> None:
        self.folder = folder

    def local(self, name: str) -> LocalFile:
        path = self.folder / name
        if not path.is_file():
            raise Failed(f"There is no file '{name}'")
        return LocalFile(str(path), path.read_bytes())

    def place(self, name: str) -> LocalPath:
        return LocalPath(str(self.folder / name))

    def rendered(self, name: str) -> RenderedFile:
        return RenderedFile(name, (self.folder / name).read_text().upper())


def bound(**args: Any) -> Everything:
    return bind(Everything, {"name": "lab", **args}, {}, AT, files=FolderFiles())


def message(params: type[Params] = Everything, **args: Any) -> str:
    with pytest.raises(ParamsError) as caught:
        bind(params, args, {}, AT, files=FolderFiles(), module="stat")
    return caught.value.message


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"wait": "maybe", "foo": 1}, "missing required arguments: name"),
        ({"name": "x", "replicas": "abc", "state": "gone"}, "argument 'replicas' is of type str"),
        (
            {"name": "x", "state": "gone", "foo": 1},
            "value of state must be one of: absent, present, got: gone",
        ),
        ({"name": "x", "foo": 1, "bar": 2}, "Unsupported parameters for (stat) module: bar, foo. Supported"),
        ({"name": "x", "rules": [{"cidr": "x"}]}, "missing required arguments: port found in rules"),
    ],
)
def test_the_message_is_what_ansibles_modules_say_of_the_first_kind_of_mistake(
    args: dict[str, Any], said: str
) -> None:
    assert message(**args).startswith(said)


def problems(params: type[Params] = Everything, **args: Any) -> list[str]:
    with pytest.raises(ParamsError) as caught:
        bind(params, args, {}, AT, files=FolderFiles())
    return [problem.message for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        ("wait", "yes", True),
        ("wait", "Off", False),
        ("wait", 0, False),
        ("wait", "t", True),
        ("replicas", "2", 2),
        ("replicas", 2.0, 2),
        ("replicas", " 3 ", 3),
        ("replicas", None, None),
        ("ratio", "0.5", 0.5),
        ("ratio", 2, 2.0),
        ("version", SourceFloat(7.1, "7.10"), "7.10"),
        ("version", SourceInt(8, "0o10"), "0o10"),
        ("version", 7.2, "7.2"),
        ("version", "7.10", "7.10"),
        ("state", "absent", "absent"),
        ("power", True, "on"),
        ("power", False, "off"),
        ("tags", {"Name": "x", "Number": 5}, {"Name": "x", "Number": "5"}),
        ("zones", "a, b,c", ["a", "b", "c"]),
        ("zones", "a", ["a"]),
        ("zones", "", []),
        ("zones", ["a,b"], ["a,b"]),
        ("ports", "80,443", (80, 443)),
        ("ports", 80, (80,)),
        ("rules", {"port": "80"}, [Rule(port=80)]),
        ("rules", [{"port": 80, "cidr": "10.0.0.0/8"}], [Rule(port=80, cidr="10.0.0.0/8")]),
        ("that", "a in [1, 2]", [Expression("a in [1, 2]")]),
        ("that", ["a", True], [Expression("a"), Expression("True")]),
        ("peer", {"name": "x"}, ByName(name="x")),
        ("peer", {"by": "id", "id": "x"}, ById(id="x")),
        ("size", "12", "12"),
        ("size", 12, 12),
        ("color", "blue", Color.BLUE),
        ("anything", {"a": SourceFloat(7.1, "7.10")}, {"a": 7.1}),
        ("folder", "/tmp/x", Path("/tmp/x")),  # noqa: S108 (a name only)
        ("state", OMIT, "present"),
        ("wait", None, True),
    ],
)
def test_values_become_what_the_module_declares(field: str, given: Any, value: Any) -> None:
    made = getattr(bound(**{field: given}), field)
    assert made == value
    assert type(made) is type(value)


def test_numbers_lose_the_memory_of_how_they_were_written() -> None:
    assert type(bound(anything=[SourceInt(8, "010")]).anything[0]) is int
    assert type(bound(replicas=SourceInt(3, "0b11")).replicas) is int


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"replicas": 9}, "'replicas' must be a whole number from 0 to 5, not 9"),
        ({"replicas": "many"}, "'replicas' must be a whole number from 0 to 5, not 'many'"),
        ({"replicas": True}, "'replicas' must be a whole number from 0 to 5, not true"),
        ({"wait": "maybe"}, "'wait' must be true or false, not 'maybe'"),
        ({"state": "there"}, "'state' must be one of: absent, present, not 'there'"),
        ({"name": ""}, "'name' must be text that is not empty, not ''"),
        ({"name": None}, "'name' must be text that is not empty, not null"),
        ({"version": True}, "'version' must be text, not true"),
        ({"version": ["7"]}, "'version' must be text, not a list"),
        ({"tags": "Name=x"}, "'tags' must be a mapping, not 'Name=x'"),
        ({"tags": {"Name": ["x"]}}, "'tags.Name' must be text, not a list"),
        ({"ports": [80, "x"]}, "'ports[1]' must be a whole number, not 'x'"),
        ({"ports": {"a": 1}}, "'ports' must be a list of whole numbers, not a mapping"),
        ({"rules": [{"prot": 80}]}, "There is no argument 'rules[0].prot'"),
        ({"rules": [{"port": 70000}]}, "'rules[0].port' must be a whole number from 0 to 65535, not 70000"),
        ({"peer": 5}, "'peer' must be a mapping, not 5"),
        ({"peer": {"name": ["x"]}}, "'peer.name' must be text, not a list"),
        ({"size": ["x"]}, "'size' must be a whole number or text, not a list"),
        ({"color": "green"}, "'color' must be one of: red, blue, not 'green'"),
        ({"nmae": "x"}, "There is no argument 'nmae'"),
        ({"src": "gone.txt"}, "'src': There is no file 'gone.txt'"),
        ({"src": ["x"]}, "'src' must be the name of a file, not a list"),
    ],
)
def test_what_does_not_fit_is_told_in_plain_words(args: dict[str, Any], message: str) -> None:
    assert message in problems(**{"name": "lab", **args})


def test_all_problems_are_told_together_where_they_stand() -> None:
    positions = {"replicas": Position("play.yml", 5, 17), "sttate": Position("play.yml", 6, 7)}
    with pytest.raises(ParamsError) as caught:
        bind(Everything, {"replicas": "x", "sttate": "y"}, positions, AT, files=FolderFiles())
    told = {problem.message: problem for problem in caught.value.problems}
    assert len(told) == 3
    missing = told["The argument 'name' is missing"]
    assert (missing.position, missing.hint) == (AT, "name: text that is not empty. The cluster's name.")
    unknown = told["There is no argument 'sttate'"]
    assert (unknown.position, unknown.hint) == (positions["sttate"], "Did you mean 'state'?")
    assert next(p for m, p in told.items() if "replicas" in m).position == positions["replicas"]


def test_a_problem_shows_its_line(tmp_path: Path) -> None:
    file = tmp_path / "p.yml"
    file.write_text("a: b\n  wait: maybe\n")
    position = {"wait": Position(str(file), 2, 9)}
    with pytest.raises(ParamsError, match=r"2 \|   wait: maybe"):
        bind(Everything, {"name": "x", "wait": "maybe"}, position, AT, files=FolderFiles())


def test_unknown_values_go_in_as_they_are() -> None:
    unknown = Unknown("x")
    made: Any = bound(replicas=unknown, zones=["a", unknown], name=unknown, rules=[{"port": unknown}])
    assert made.replicas is unknown
    assert made.zones[1] is unknown
    assert made.name is unknown
    assert made.rules[0].port is unknown


def test_secrets_are_opened_and_never_told() -> None:
    assert bound(password=Secret("pw"), tags={"a": Secret("b")}, anything=Secret([Secret(1)])).anything == [1]
    assert bound(password=Secret("pw")).password == "pw"
    (message,) = problems(name="x", replicas=Secret("hunter2"))
    assert message == "'replicas' must be a whole number from 0 to 5, not this secret value"


def test_a_computations_values_keep_their_secrets() -> None:
    args = {"pw": Secret("x"), "cacheable": Secret("yes")}
    made = bind(Facts, args, {}, AT, files=FolderFiles(), keep_secrets=True)
    assert type(made.facts["pw"]) is Secret
    assert made.cacheable is True


def test_arguments_of_any_name_go_where_the_module_takes_them() -> None:
    made = bind(Facts, {"color": "red", "facts": 1, "cacheable": "yes"}, {}, AT, files=FolderFiles())
    assert made == Facts(facts={"color": "red", "facts": 1}, cacheable=True)


class Place(Params, frozen=True, kw_only=True):
    path: Annotated[str, aliases("dest", "name"), Meta(description="Where.")]
    key: Annotated[str | None, SECRET, aliases("password")] = None
    when: Annotated[Expression | None, aliases("if")] = None
    unsafe: Annotated[bool, no_effect("files are always replaced whole")] = False
    selevel: Annotated[Any, refused("it needs SELinux")] = None


@pytest.mark.parametrize("name", ["path", "dest", "name"])
def test_an_argument_may_be_written_by_each_of_its_names(name: str) -> None:
    made = bind(Place, {name: "/x", "password": "k", "unsafe": "yes"}, {}, AT, files=FolderFiles())
    assert made == Place(path="/x", key="k", unsafe=True)


def test_an_argument_is_told_by_the_name_that_was_written() -> None:
    positions = {"name": Position("play.yml", 5, 7), "dest": Position("play.yml", 6, 7)}
    said = check_literals(Place, {"name": "a", "dest": OMIT, "unsafe": "x"}, positions, AT)
    assert [p.message for p in said] == ["'unsafe' must be true or false, not 'x'"]
    (twice,) = check_literals(Place, {"name": "a", "dest": "b"}, positions, AT)
    assert (twice.message, twice.position) == ("'dest' and 'name' are the same argument", positions["dest"])
    (wrong,) = check_literals(Place, {"name": ["a"]}, positions, AT)
    assert (wrong.message, wrong.position) == ("'name' must be text, not a list", positions["name"])
    (near,) = check_literals(Place, {"name": "a", "pasword": "b"}, {}, AT)
    assert near.hint == "Did you mean 'password'?"


def test_an_argument_that_can_not_be_kept_is_refused_with_the_reason() -> None:
    (told,) = check_literals(Place, {"path": "a", "selevel": "s0"}, {}, AT)
    assert told.message == "'selevel' can't be used here: it needs SELinux"
    assert check_literals(Place, {"path": "a", "selevel": OMIT}, {}, AT) == []


def test_files_are_found_beside_the_playbook(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc")
    made = bind(
        Everything, {"name": "x", "src": "a.txt", "text": "a.txt"}, {}, AT, files=FolderFiles(tmp_path)
    )
    assert made.src == LocalFile(str(tmp_path / "a.txt"), b"abc")
    assert made.text == RenderedFile("a.txt", "ABC")


def test_bad_syntax_of_an_expression_is_found_at_load_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "p.yml"
    file.write_text("that:\n  - a\n  - a is defind\n")
    positions = {"that": Position(str(file), 2, 3)}
    args = {"name": "x", "that": ["a", "a is defind"]}
    (problem,) = check_literals(Everything, args, positions, AT)
    assert problem.message == "No test named 'defind'"
    assert problem.position == Position(str(file), 3, 10)
    assert bind(Everything, args, positions, AT, files=FolderFiles()).that[0].position == positions["that"]


def test_fields_that_are_checked_together_tell_a_problem() -> None:
    assert problems(Script) == ["Give exactly one of script and file"]


def test_fields_that_are_checked_together_wait_for_an_unknown_one() -> None:
    class Twice(Params, frozen=True, kw_only=True):
        low: int
        high: int

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low must not be above high")

    with pytest.raises(UnknownValue):
        bind(Twice, {"low": Unknown("x"), "high": 3}, {}, AT, files=FolderFiles())
    assert problems(Twice, low=4, high=3) == ["Low must not be above high"]


# ---------------------------------------------------------------- before anything is rendered


def test_literals_are_checked_and_templates_are_left_for_the_run() -> None:
    later = Template("{{ x }}")
    args = {"name": later, "replicas": "x", "zones": later, "tags": {"a": later}}
    assert [p.message for p in check_literals(Everything, args, {}, AT)] == [
        "'replicas' must be a whole number from 0 to 5, not 'x'"
    ]


def test_an_expression_may_stand_in_braces() -> None:
    for that in (Template("{{ a }}"), [Template("{{ a }}")]):
        assert check_literals(Everything, {"name": "x", "that": that}, {}, AT) == []


def test_fields_are_checked_together_at_load_when_all_is_literal() -> None:
    assert [p.message for p in check_literals(Script, {}, {}, AT)] == ["Give exactly one of script and file"]
    assert check_literals(Script, {"script": Template("{{ x }}")}, {}, AT) == []
    assert check_literals(Script, {"file": "x"}, {}, AT) == []


def test_marks_of_fields() -> None:
    assert expression_fields(Everything) == {"that"}
    assert expression_fields(Place) == {"when", "if"}
    assert field_names(Place)["password"] == "key"
    assert secret_fields(Everything) == {("password",)}
    assert free_form_field(Script) == "script"
    assert free_form_field(Everything) is None


def test_marks_inside_nested_fields_are_found() -> None:
    assert secret_fields(Users) == {("users", "*", "password"), ("by_name", "*", "password")}
