"""Sources become hosts, groups and variables, by Ansible's precedence."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from runbook.errors import LoadError, Problem
from runbook.inventory import ABOUT_SOURCE, IMPLICIT, load_inventory
from runbook.model import Inventory
from runbook.values import SourceFloat, Template


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def load(folder: Path, files: Mapping[str, str], *sources: str, **options: Any) -> Inventory:
    write(folder, files)
    return load_inventory([str(folder / source) for source in sources or (next(iter(files)),)], **options)


def own(found: Inventory, host: str) -> dict[str, Any]:
    """The variables that somebody wrote."""
    return {k: v for k, v in found.hosts[host].vars.items() if k not in (*ABOUT_SOURCE, *IMPLICIT)}


def warned(folder: Path, files: Mapping[str, str], *sources: str) -> list[str]:
    problems: list[Problem] = []
    load(folder, files, *sources, warn=problems.append)
    return [problem.message for problem in problems]


def told(folder: Path, files: Mapping[str, str], *sources: str) -> list[str]:
    with pytest.raises(LoadError) as caught:
        load(folder, files, *sources)
    return [
        f"{Path(p.position.file).name}:{p.position.line}:{p.position.column} {p.message}"
        if p.position
        else p.message
        for p in caught.value.problems
    ]


YAML = """
all:
  hosts: {lone: {}}
  vars: {level: all}
  children:
    web:
      hosts:
        web[1:3]:
        web9: {own: 1, level: host}
      vars: {level: web}
    db:
      hosts: [db-a]
      children: {cache: {hosts: redis}}
    prod:
      children: [web, db]
      vars: {level: prod, prod: true}
"""

INI = """
# hosts before any section are ungrouped
lone

[web]
web[1:3]
web9 own=1 level=host ; comment

[db]
db-a

[cache]
redis

[db:children]
cache

[prod:children]
web
db

[all:vars]
level=all
[web:vars]
level = web
[prod:vars]
level=prod
prod=True
"""


@pytest.mark.parametrize(
    ("name", "text"), [("hosts.yml", YAML), ("hosts.ini", INI.replace(" ; comment", " # c"))]
)
class TestBothForms:
    def test_groups_hold_their_hosts_and_their_childrens(self, tmp_path: Path, name: str, text: str) -> None:
        found = load(tmp_path, {name: text})
        assert set(found.hosts) == {"lone", "web1", "web2", "web3", "web9", "db-a", "redis", "localhost"}
        assert found.groups["web"] == ("web1", "web2", "web3", "web9")
        assert found.groups["db"] == ("db-a", "redis")
        assert found.groups["prod"] == ("web1", "web2", "web3", "web9", "db-a", "redis")
        assert found.groups["ungrouped"] == ("lone",)
        assert set(found.groups["all"]) == set(found.hosts) - {"localhost"}

    def test_a_host_knows_its_groups(self, tmp_path: Path, name: str, text: str) -> None:
        found = load(tmp_path, {name: text})
        assert found.hosts["web1"].groups == ("prod", "web")
        assert found.hosts["redis"].groups == ("cache", "db", "prod")
        assert found.hosts["lone"].groups == ("ungrouped",)

    def test_the_nearest_variable_wins(self, tmp_path: Path, name: str, text: str) -> None:
        found = load(tmp_path, {name: text})
        levels = {host: found.hosts[host].vars["level"] for host in found.hosts}
        assert levels == {
            "lone": "all", "web1": "web", "web2": "web", "web3": "web", "web9": "host",
            "db-a": "prod", "redis": "prod", "localhost": "all",
        }  # fmt: skip
        assert own(found, "web9") == {"own": 1, "level": "host", "prod": True}
        assert len(found.hosts["web9"].vars) == 3 + len(ABOUT_SOURCE)


class TestPrecedence:
    FILES: Mapping[str, str] = {
        "inv/hosts.ini": "[web]\nw a=host b=host\n[all:vars]\nz=all\n"
        "[web:vars]\na=web\nc=web\nd=web\ne=web\nf=web\n",
        "inv/group_vars/all.yml": "d: inv all\ne: inv all\nf: inv all\ng: inv all\n",
        "inv/group_vars/web/one.yml": "e: inv web\nf: inv web\n",
        "inv/group_vars/web/.hidden.yml": "e: hidden\n",
        "inv/host_vars/w": "b: inv host\nh: inv host\n",
        "play/group_vars/all": "e: play all\ng: play all\n",
        "play/group_vars/web.yaml": "f: play web\n",
        "play/host_vars/w.json": '{"h": "play host"}',
        "play/host_vars/nobody.yml": "not: read: at all",
    }

    def test_each_layer_overrules_the_one_below(self, tmp_path: Path) -> None:
        found = load(tmp_path, self.FILES, "inv/hosts.ini", playbook_dir=tmp_path / "play")
        assert own(found, "w") == {
            "z": "all",
            "c": "web",
            "d": "inv all",
            "g": "play all",
            "e": "inv web",
            "f": "play web",
            "a": "host",
            "b": "inv host",
            "h": "play host",
        }

    def test_the_same_folder_counts_once(self, tmp_path: Path) -> None:
        found = load(tmp_path, self.FILES, "inv/hosts.ini", playbook_dir=tmp_path / "play" / ".." / "inv")
        assert found.hosts["w"].vars["e"] == "inv web"

    def test_children_beat_parents_then_priority_then_the_alphabet(self, tmp_path: Path) -> None:
        text = """
[zz]
w
[aa]
w
[mm]
w
[top:children]
zz
aa
[top:vars]
x=top
ansible_group_priority=50
[aa:vars]
x=aa
y=aa
z=aa
ansible_group_priority=10
[zz:vars]
x=zz
y=zz
[mm:vars]
y=mm
z=mm
q=mm
"""
        found = load(tmp_path, {"h.ini": text}).hosts["w"].vars
        assert (found["x"], found["y"], found["z"], found["q"]) == ("aa", "aa", "aa", "mm")

    def test_localhost_is_there_without_being_in_all(self, tmp_path: Path) -> None:
        found = load(
            tmp_path, {"h.ini": "web\n", "group_vars/all.yml": "x: 1\n", "host_vars/localhost.yml": "y: 2\n"}
        )
        assert own(found, "localhost") == {"x": 1, "y": 2}
        assert found.hosts["localhost"].implicit
        assert dict(found.hosts["localhost"].vars).items() >= IMPLICIT.items()
        assert found.groups["all"] == ("web",)

    def test_localhost_that_is_written_is_a_host_like_any_other(self, tmp_path: Path) -> None:
        found = load(tmp_path, {"h.ini": "[me]\nlocalhost x=1\n"})
        assert found.groups["all"] == found.groups["me"] == ("localhost",)
        assert found.hosts["localhost"].vars["x"] == 1

    def test_of_two_files_for_one_group_the_first_ending_counts(self, tmp_path: Path) -> None:
        files = {"h.ini": "w\n", "group_vars/all.yml": "x: 1\n", "group_vars/all/a.yml": "x: 2\n"}
        assert load(tmp_path, files).hosts["w"].vars["x"] == 2
        assert "all.yml is not read" in warned(tmp_path, files)[0]

    def test_groups_of_one_depth_and_their_priority(self, tmp_path: Path) -> None:
        text = "[aa]\nw\n[zz]\nw\n[aa:vars]\nt=aa\nansible_group_priority='7'\n[zz:vars]\nt=zz\n"
        found = load(tmp_path, {"h.ini": text})
        assert own(found, "w") == {"t": "aa"}

    def test_a_host_knows_the_source_that_first_named_it(self, tmp_path: Path) -> None:
        files = {"inv/1": "a\n", "inv/sub/2.yml": "web: {hosts: {a: , b: }}\n"}
        write(tmp_path, files)
        found = load_inventory([str(tmp_path / "inv"), "c,"])
        assert {h: found.hosts[h].vars["inventory_file"] for h in "abc"} == {
            "a": str(tmp_path / "inv" / "1"), "b": str(tmp_path / "inv" / "sub" / "2.yml"), "c": "c,",
        }  # fmt: skip
        assert [found.hosts[h].vars["inventory_dir"] for h in "bc"] == [str(tmp_path / "inv" / "sub"), None]
        assert "inventory_file" not in found.hosts["localhost"].vars

    def test_later_sources_win(self, tmp_path: Path) -> None:
        files = {
            "one": "w x=1\n[g]\nw\n[g:vars]\ny=1\n",
            "two.yml": "g: {hosts: {w: {x: 2}}, vars: {y: 2}}\n",
        }
        assert own(load(tmp_path, files, "one", "two.yml"), "w") == {"x": 2, "y": 2}
        assert own(load(tmp_path, files, "two.yml", "one"), "w") == {"x": 1, "y": 1}


class TestOrder:
    TEXT = "lone\n[g1]\nh2\nh1\n[g2]\nh1\nh4\n[par:children]\ng2\ng1\n[last]\nz\n"

    def test_a_groups_own_hosts_come_first_then_those_of_its_children_level_by_level(
        self, tmp_path: Path
    ) -> None:
        found = load(tmp_path, {"h.ini": self.TEXT})
        assert found.groups["all"] == ("lone", "z", "h1", "h4", "h2")
        assert found.groups["par"] == ("h1", "h4", "h2")
        assert list(found.groups) == ["all", "ungrouped", "g1", "g2", "par", "last"]

    def test_ungrouped_loses_hosts_that_have_a_group_and_gets_those_of_all(self, tmp_path: Path) -> None:
        text = "all: {hosts: {a: , b: }, children: {ungrouped: {hosts: {u: , b: }}, g: {hosts: b}}}\n"
        found = load(tmp_path, {"h.yml": text})
        assert found.groups["ungrouped"] == ("u", "a")
        assert found.groups["all"] == ("a", "b", "u")


class TestSources:
    def test_a_list_of_names(self) -> None:
        found = load_inventory(["web1,db[1:2],"])
        assert found.groups["all"] == ("web1", "db1", "db2")
        assert found.sources == ("web1,db[1:2],",)

    def test_a_folder_of_sources_with_its_variables(self, tmp_path: Path) -> None:
        files = {
            "inv/1.ini": "[web]\na x=1\n",
            "inv/2.yml": "web: {hosts: {b: {x: 2}, a: {x: 3}}}\n",
            "inv/sub/more": "[web]\nc\n",
            "inv/notes.txt": "not an inventory [",
            "inv/.hidden": "[",
            "inv/group_vars/web.yml": "y: 1\n",
        }
        found = load(tmp_path, files, "inv")
        assert found.groups["web"] == ("a", "b", "c")
        assert own(found, "a") == {"x": 3, "y": 1}

    def test_a_file_without_an_ending_is_yaml_when_it_looks_so(self, tmp_path: Path) -> None:
        assert load(tmp_path, {"one": "# c\nweb:\n  hosts: a\n"}).groups["web"] == ("a",)
        assert load(tmp_path, {"two": "# c\n[web]\na\n"}).groups["web"] == ("a",)

    def test_the_digest_changes_with_every_file(self, tmp_path: Path) -> None:
        files = {"h.ini": "w\n", "group_vars/all.yml": "x: 1\n", "host_vars/w.yml": "x: 1\n"}
        digests = {load(tmp_path, files).digest}
        for name in files:
            digests.add(load(tmp_path, {**files, name: files[name] + "# changed\n"}, "h.ini").digest)
        assert len(digests) == 4

    def test_an_unknown_plugin_is_told(self, tmp_path: Path) -> None:
        assert told(tmp_path, {"p.yml": "plugin: aws_ec3\n"}) == [
            "p.yml:1:1 There is no inventory plugin 'aws_ec3'"
        ]

    def test_a_missing_source_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "hosts.yml").touch()
        with pytest.raises(LoadError, match=r"(?s)There is no file .*Did you mean 'hosts.yml'"):
            load_inventory([str(tmp_path / "host.yml")])


class TestProblems:
    def test_all_of_a_yaml_inventory_are_told_together(self, tmp_path: Path) -> None:
        text = """
web:
  host: {a: }
  hosts: {"b[3:1]": , "c?d": , e: [1], f: {x-y: 1}}
  children: {web: }
  vars: [1]
"a*b": {}
db: {hosts: {g: {x: "{{ y"}}}
"""
        *found, last = told(tmp_path, {"h.yml": text})
        assert found == [
            "h.yml:4:11 The range can't be used: [3:1] is empty: it ends before it starts",
            "h.yml:4:23 'c?d' can't be the name of a host",
            "h.yml:4:35 The host 'e' must be a mapping of 'key: value', not a list",
            "h.yml:5:14 The group 'web' is its own child",
            "h.yml:6:9 'vars' of the group 'web' must be a mapping of 'key: value', not a list",
            "h.yml:7:1 'a*b' can't be the name of a group",
        ]
        assert last.startswith("h.yml:8:22 ")

    def test_all_of_an_ini_inventory_are_told_together(self, tmp_path: Path) -> None:
        text = """
a b
c x="open
[web:kids]
d[1:x]
[web:vars]
nothing
[web:children]
wbe
[we b]
[x:y:z]
[1:3]
"""
        assert told(tmp_path, {"h.ini": text}) == [
            "h.ini:2:1 'b' is no key=value",
            "h.ini:3:1 A quote in this line is never closed",
            "h.ini:4:1 A section can't be of the kind 'kids'",
            (
                "h.ini:5:1 The range can't be used: "
                "[1:x] must go from a number to a number or from a letter to a letter"
            ),
            "h.ini:7:1 This is no variable of the group 'web'",
            "h.ini:10:1 'we b' can't be the name of a group",
            "h.ini:11:1 This is no section",
            "h.ini:12:1 A section can't be of the kind '3'",
            "h.ini:9:1 There is no group 'wbe'",
        ]

    def test_what_works_and_is_hardly_meant_is_told(self, tmp_path: Path) -> None:
        files = {
            "h.yml": "web: {host: {a: }, hosts: {b: {x-y: 1}}}\ndb: [c]\nweb2: {hosts: d}\n",
            "group_vars/all.yml": "z: 1\nz: 2\n",
        }
        assert warned(tmp_path, files) == [
            "'host' is no part of a group; it is left out",
            "No expression can name the variable 'x-y'",
            "'db' is no group: it is a list; it is left out",
            "The key 'z' stands here twice",
        ]

    def test_groups_in_a_circle_are_refused(self, tmp_path: Path) -> None:
        text = "[a:children]\nb\n[b:children]\nc\n[c:children]\na\n[c]\nhost\n"
        assert told(tmp_path, {"h.ini": text}) == [
            "These groups hold each other in a circle: a -> b -> c -> a"
        ]

    def test_bad_variables_files_are_told(self, tmp_path: Path) -> None:
        files = {"h.ini": "w\n", "group_vars/all.yml": "a: [\n", "host_vars/w.yml": "b: {{ x }}\n"}
        assert [one.partition(" ")[0] for one in told(tmp_path, files)] == ["all.yml:1:5", "w.yml:1:4"]


class TestIniValues:
    def test_a_hash_outside_of_quotes_ends_the_line(self, tmp_path: Path) -> None:
        text = "a x=http://h/#frag y=1\nb x='p#w' y=1 # z\nc x=1 #z\n"
        found = load(tmp_path, {"h.ini": text})
        assert [own(found, host) for host in "abc"] == [{"x": "http://h/"}, {"x": "p#w", "y": 1}, {"x": 1}]
        assert warned(tmp_path, {"h.ini": text}) == ["'#' begins a comment here, whatever stands before it"]

    def test_hosts_of_all_forms(self, tmp_path: Path) -> None:
        text = (
            '"two words" x=1\nn[1:2].ex.com:99\np[01:03:2]\nq[a:e:2]-[1:2]\n[2001:db8::1]:22 z=1\nfe80::1\n'
            "r a=\"b\\\"c\" b=d\\ e c='' d=(1,2) e=1_000 f='\"5\"' g=['{{ x }}',2]\n"
        )
        found = load(tmp_path, {"h.ini": text})
        assert list(found.hosts)[:-1] == [
            "two words", "n1.ex.com", "n2.ex.com", "p01", "p03", "qa-1", "qa-2", "qc-1", "qc-2", "qe-1", "qe-2",
            "2001:db8::1", "fe80::1", "r",
        ]  # fmt: skip
        assert own(found, "n2.ex.com") == {"ansible_port": 99}
        assert own(found, "2001:db8::1") == {"ansible_port": 22, "z": 1}
        assert own(found, "r") == {
            "a": 'b"c', "b": "d e", "c": "", "d": [1, 2], "e": 1000, "f": "5",
            "g": Template("[{{ x }},2]"),
        }  # fmt: skip

    def test_they_are_read_as_ansible_reads_them(self, tmp_path: Path) -> None:
        text = """
[g]
h:2222 a=5 b=5.10 c='x y' d="z" e=[1,2] f="{'k':1}" g=True h=yes i=0644 j=a=b k="{{ x }}" l= m=None
[g:vars]
text=two words
list=[1, 2]
tmpl={{ a }} and {{ b }}
"""
        found = own(load(tmp_path, {"h.ini": text}), "h")
        assert found.pop("b").text == "5.10"
        assert found == {
            "ansible_port": 2222, "a": 5, "c": "x y", "d": "z", "e": [1, 2], "f": {"k": 1}, "g": True, "h": "yes",
            "i": "0644", "j": "a=b", "k": Template("{{ x }}"), "l": "", "m": None, "text": "two words",
            "list": [1, 2],
            "tmpl": Template("{{ a }} and {{ b }}"),
        }  # fmt: skip

    def test_numbers_keep_their_text(self, tmp_path: Path) -> None:
        assert isinstance(load(tmp_path, {"h.ini": "h b=5.10\n"}).hosts["h"].vars["b"], SourceFloat)


class TestSpeed:
    def test_ten_thousand_hosts_list_under_a_second_and_share_their_variables(self, tmp_path: Path) -> None:
        hosts = "".join(f"    h{n}:\n" for n in range(10_000))
        files = {"big.yml": f"web:\n  vars: {{x: 1}}\n  hosts:\n{hosts}", "group_vars/web.yml": "y: 2\n"}
        write(tmp_path, files)
        started = time.process_time()
        found = load_inventory([str(tmp_path / "big.yml")])
        assert time.process_time() - started < 1.0
        assert len(found.groups["web"]) == 10_000
        assert found.hosts["h1"].vars is found.hosts["h9999"].vars
