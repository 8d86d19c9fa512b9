"""Inventories that are made: scripts, and `constructed`."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook.errors import LoadError
from runbook.inventory import load_inventory
from runbook.values import Template

LISTED = """{"web": {"hosts": ["a", "b"], "vars": {"v": "{{ x }}!", "n": 1}}, "db": ["c"],
 "par": {"children": ["web", "void"]}, "lone": {"x": 1},
 "_meta": {"hostvars": {"a": {"h": [1, "{{ v }}"]}, "nobody": {"q": 1}}}}"""


def script(folder: Path, text: str) -> str:
    path = folder / "hosts"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


class TestScripts:
    def test_what_it_lists(self, tmp_path: Path) -> None:
        told = []
        found = load_inventory([script(tmp_path, f"cat <<'EOF'\n{LISTED}\nEOF")], warn=told.append)
        assert found.groups["par"] == ("a", "b")
        assert (found.groups["db"], found.groups["void"], found.groups["lone"]) == (("c",), (), ("lone",))
        assert found.hosts["a"].vars["h"] == [1, Template("{{ v }}")]
        assert found.hosts["b"].vars["v"] == Template("{{ x }}!")
        assert (found.hosts["b"].vars["n"], found.hosts["lone"].vars["x"]) == (1, 1)
        assert "nobody" not in found.hosts
        assert found.hosts["a"].vars["inventory_file"] == str(tmp_path / "hosts")
        assert "it is read as a host" in told[0].message

    def test_without_meta_each_host_is_asked_for(self, tmp_path: Path) -> None:
        text = """if [ "$1" = --list ]; then echo '{"g": ["a", "b"]}'; else echo "{\\"me\\": \\"$2\\"}"; fi"""
        found = load_inventory([script(tmp_path, text)])
        assert [found.hosts[host].vars["me"] for host in "ab"] == ["a", "b"]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("echo bad luck >&2; exit 3", "ended with code 3\n  bad luck"),
            ("echo nothing", "prints no JSON"),
            ("echo '[1]'", "must print a mapping, not list"),
            ("""echo '{"g": {"hosts": [1]}}'""", "1 can't be one of the hosts of the group 'g'"),
            ("""echo '{"g": 1}'""", "'g' must be a mapping or a list of hosts"),
        ],
    )
    def test_what_is_wrong_is_told(self, tmp_path: Path, text: str, problem: str) -> None:
        with pytest.raises(LoadError) as caught:
            load_inventory([script(tmp_path, text)])
        assert problem in str(caught.value)

    def test_a_file_that_is_only_marked_as_executable_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "hosts"
        path.write_text("a\n")
        path.chmod(0o755)
        assert load_inventory([str(path)]).groups["all"] == ("a",)


HOSTS = """
w1 env=prod n=1 lst="['x','y z']" tags="{'a': 'b', 'c': ''}" emp=''
w2 env=dev maybe=''
o3 env='pr-od x' maybe='k'
"""
PLUGIN = """
plugin: ansible.builtin.constructed
compose:
  url: "'http://' ~ inventory_hostname"
  num: n | default(5) + 1
  bad: nope.x
groups:
  w: inventory_hostname.startswith('w')
  bad-g: nope
keyed_groups:
  - {key: env, prefix: env}
  - {key: env, separator: ""}
  - {key: tags, prefix: tag}
  - {key: tags, prefix: cut, trailing_separator: false}
  - {key: lst, prefix: l, separator: "-"}
  - {key: env, prefix: p, parent_group: "par_{{ env }}"}
  - {key: maybe, prefix: m, default_value: none1}
  - {key: emp, prefix: e}
"""


class TestConstructed:
    def load(self, folder: Path, plugin: str = PLUGIN) -> dict[str, tuple[str, ...]]:
        (folder / "h.ini").write_text(HOSTS)
        (folder / "p.yml").write_text(plugin)
        self.found = load_inventory([str(folder / "h.ini"), str(folder / "p.yml")])
        return {host: self.found.hosts[host].groups for host in ("w1", "w2", "o3")}

    def test_groups_are_those_of_ansible(self, tmp_path: Path) -> None:
        assert self.load(tmp_path) == {
            "w1": (
                "cut_a_b", "cut_c", "env_prod", "l_x", "l_y_z", "p_prod", "par_prod", "prod", "tag_a_b",
                "tag_c_", "w",
            ),
            "w2": ("dev", "env_dev", "m_none1", "p_dev", "par_dev", "w"),
            "o3": ("env_pr_od_x", "m_k", "p_pr_od_x", "par_pr_od_x", "pr_od_x"),
        }  # fmt: skip

    def test_variables_are_made_and_bad_ones_left_out(self, tmp_path: Path) -> None:
        self.load(tmp_path)
        found = self.found.hosts["w1"].vars
        assert (found["url"], found["num"], "bad" in found) == ("http://w1", 2, False)

    def test_a_strict_one_tells_the_place(self, tmp_path: Path) -> None:
        with pytest.raises(LoadError, match=r"p\.yml:7:8: 'nope' is undefined"):
            self.load(tmp_path, PLUGIN.replace("compose:", "strict: true\ncompose:").replace("  url", "# "))

    def test_a_wrong_setting_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(LoadError, match="has no 'key'"):
            self.load(tmp_path, "plugin: constructed\nkeyed_groups: [{prefix: x}]\n")
