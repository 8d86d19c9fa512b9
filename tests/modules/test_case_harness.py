"""A case can't lie: what AWS could not be asked, or could not answer, is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError
from runbook.values import Unknown

from tests.support.module_cases import Case, check, load_case, run_case
from tests.support.world import World

THERE = {"Clusters": [{"Name": "c", "Status": "available", "ARN": "arn:c", "Description": "x"}]}


def case(**told: Any) -> Case:
    look = [
        {"call": "memorydb.DescribeClusters", "answer": THERE},
        {"call": "memorydb.ListTags", "answer": {"TagList": []}},
    ]
    return Case("memorydb_cluster", "made", {"params": {"name": "c"}, "world": look, **told})


def call(answer: Mapping[str, Any], method: str = "describe_clusters", **params: Any) -> Any:
    world = World([{"call": "memorydb.DescribeClusters", **answer}])
    with world.running():
        return getattr(world.client("memorydb"), method)(**params)


def test_a_true_case_passes() -> None:
    run_case(case(plan={"action": "none"}, result={"description": "x"}))


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"plan": {"action": "create"}}, "plan.action: told 'create', is 'none'"),
        ({"plan": {"before": {"description": "y"}}}, "told 'y', is 'x'"),
        ({"result": {"nonsense": 1}}, "no 'nonsense'"),
        ({"calls": [{"call": "memorydb.DeleteCluster"}]}, "calls with an effect"),
        ({"error": "trouble"}, "it did not fail"),
        ({"warnings": ["beware"]}, "warnings"),
        ({"progress": ["creating"]}, ""),
        ({"params": {"name": "c", "state": "absent"}}, "it failed: "),
    ],
)
def test_a_case_that_tells_otherwise_fails(told: dict[str, Any], text: str) -> None:
    with pytest.raises(AssertionError) as error:
        run_case(case(**told))
    assert text in str(error.value)


def test_an_effect_that_the_case_does_not_tell_fails() -> None:
    with pytest.raises(AssertionError, match="calls with an effect"):
        run_case(case(params={"name": "c", "description": "new", "wait": False}))


def test_answers_that_nothing_asked_for_fail() -> None:
    told = case()
    world = [*told.told["world"], {"call": "memorydb.DescribeACLs", "answer": {}}]
    with pytest.raises(AssertionError, match=r"nothing asked for .*DescribeACLs"):
        run_case(case(world=world))


def test_a_call_without_an_answer_fails() -> None:
    with pytest.raises(AssertionError, match=r"nothing that answers memorydb\.DescribeClusters"):
        run_case(case(world=[]))


def test_requests_are_checked_against_the_service_model() -> None:
    with pytest.raises(ParamValidationError, match="Nonsense"):
        call({"answer": {}}, Nonsense=1)


@pytest.mark.parametrize("answer", [{"Cluster": []}, {"Clusters": [{"Nodes": 1}]}, {"Clusters": "c"}])
def test_answers_are_checked_against_the_service_model(answer: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="not an answer of DescribeClusters"):
        call({"answer": answer})


def test_errors_are_checked_against_the_service_model() -> None:
    with pytest.raises(AssertionError, match="DescribeClusters knows no ClusterAlreadyExistsFault"):
        call({"error": {"code": "ClusterAlreadyExistsFault"}})


def test_entries_are_used_once_and_the_last_read_stays() -> None:
    world = World(
        [
            {
                "call": "memorydb.DescribeClusters",
                "params": {"ClusterName": "a"},
                "answer": {"NextToken": "1"},
            },
            {
                "call": "memorydb.DescribeClusters",
                "params": {"ClusterName": "a"},
                "answer": {"NextToken": "2"},
            },
            {
                "call": "memorydb.DescribeClusters",
                "params": {"ClusterName": "b"},
                "answer": {"NextToken": "3"},
            },
        ]
    )
    with world.running():
        seen = [world.client("memorydb").describe_clusters(ClusterName=name)["NextToken"] for name in "abaaa"]
    assert seen == ["1", "3", "2", "2", "2"]


def test_an_unknown_is_told_by_its_origin() -> None:
    check(Unknown("the endpoint"), Unknown("the endpoint"), "x")
    check(Unknown(""), Unknown("the endpoint"), "x")
    for wanted in ("text", Unknown("another")):
        with pytest.raises(AssertionError):
            check(wanted, Unknown("the endpoint"), "x")


def test_lists_agree_item_by_item() -> None:
    check([{"a": 1}], [{"a": 1, "b": 2}], "x")
    with pytest.raises(AssertionError):
        check([{"a": 1}], [{"a": 1}, {"a": 2}], "x")


def test_a_misspelt_key_of_a_case_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "memorydb_cluster" / "x.yml"
    path.parent.mkdir()
    path.write_text("params: {}\nresults: {}\n")
    with pytest.raises(ValueError, match="no case has \\['results'\\]"):
        load_case(path)
