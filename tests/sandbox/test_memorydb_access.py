"""ACLs and users: deltas, states, and who reaches the nodes."""

from __future__ import annotations

import pytest

from tests.support.memorydb_account import MemoryDbAccount

PASSWORD = {"Type": "password", "Passwords": ["correct horse battery"]}


@pytest.fixture
def aws() -> MemoryDbAccount:
    account = MemoryDbAccount()
    for name in ("ann", "bob"):
        account.call("CreateUser", UserName=name, AccessString="on ~* +@all", AuthenticationMode=PASSWORD)
    account.call("CreateACL", ACLName="team", UserNames=["ann"])
    account.pass_time(60)
    return account


def users_told(aws: MemoryDbAccount) -> list[str]:
    """The users of the last order to the nodes."""
    aws.service._changes._pool.submit(lambda: None).result()
    return [user.name for user in [asked for asked in aws.nodes.asked if asked[0] == "authorize"][-1][2]]


def test_open_access_is_built_in_with_the_default_user(aws: MemoryDbAccount) -> None:
    acl = aws.call("DescribeACLs", ACLName="open-access")["ACLs"][0]
    assert (acl["Status"], acl["UserNames"]) == ("active", ["default"])
    user = aws.call("DescribeUsers", UserName="default")["Users"][0]
    assert user["Authentication"] == {"Type": "no-password"}
    assert aws.refusal("UpdateACL", ACLName="open-access", UserNamesToAdd=["ann"]) == (
        "InvalidParameterValueException"
    )


def test_passwords_are_counted_and_never_shown(aws: MemoryDbAccount) -> None:
    user = aws.call("DescribeUsers", UserName="ann")["Users"][0]
    assert user["Authentication"] == {"Type": "password", "PasswordCount": 1}
    assert "correct" not in repr(aws.service._state)


@pytest.mark.parametrize(
    "mode",
    [
        {"Type": "password"},
        {"Type": "password", "Passwords": ["short"]},
        {"Type": "password", "Passwords": ["p" * 16, "q" * 16, "r" * 16]},
        {"Passwords": ["p" * 16]},
    ],
)
def test_impossible_authentication_is_refused(aws: MemoryDbAccount, mode: dict[str, object]) -> None:
    asked = {"UserName": "eve", "AccessString": "on ~* +@all", "AuthenticationMode": mode}
    assert aws.refusal("CreateUser", **asked) == "InvalidParameterValueException"


def test_an_acl_update_is_a_delta_and_takes_time(aws: MemoryDbAccount) -> None:
    updated = aws.call("UpdateACL", ACLName="team", UserNamesToAdd=["bob"])["ACL"]
    assert (updated["Status"], updated["UserNames"]) == ("modifying", ["ann", "bob"])
    assert aws.refusal("UpdateACL", ACLName="team", UserNamesToRemove=["bob"]) == "InvalidACLStateFault"
    aws.pass_time(60)
    aws.call("UpdateACL", ACLName="team", UserNamesToRemove=["ann"])
    assert aws.call("DescribeACLs", ACLName="team")["ACLs"][0]["UserNames"] == ["bob"]


def test_users_that_are_there_already_or_not_at_all_are_refused(aws: MemoryDbAccount) -> None:
    assert aws.refusal("UpdateACL", ACLName="team", UserNamesToAdd=["ann"]) == "DuplicateUserNameFault"
    assert aws.refusal("UpdateACL", ACLName="team", UserNamesToAdd=["eve"]) == "UserNotFoundFault"
    assert aws.refusal("UpdateACL", ACLName="team", UserNamesToRemove=["bob"]) == "UserNotFoundFault"
    assert aws.refusal("CreateACL", ACLName="two", UserNames=["ann", "Ann"]) == "DuplicateUserNameFault"
    assert aws.refusal("CreateACL", ACLName="Team", UserNames=["ann"]) == "ACLAlreadyExistsFault"
    again = {"UserName": "ANN", "AccessString": "on", "AuthenticationMode": PASSWORD}
    assert aws.refusal("CreateUser", **again) == "UserAlreadyExistsFault"


def test_an_acl_in_use_can_not_be_deleted(aws: MemoryDbAccount) -> None:
    aws.make_cluster(ACLName="team")
    assert aws.call("DescribeACLs", ACLName="team")["ACLs"][0]["Clusters"] == ["lab"]
    assert aws.refusal("DeleteACL", ACLName="team") == "InvalidACLStateFault"
    aws.call("DeleteCluster", ClusterName="lab")
    aws.pass_time(300)
    aws.call("DeleteACL", ACLName="team")
    aws.pass_time(60)
    assert aws.refusal("DescribeACLs", ACLName="team") == "ACLNotFoundFault"


def test_a_deleted_user_drops_out_of_acls_and_of_live_clusters(aws: MemoryDbAccount) -> None:
    aws.call("UpdateACL", ACLName="team", UserNamesToAdd=["bob"])
    aws.pass_time(60)
    aws.make_cluster(ACLName="team")
    assert users_told(aws) == ["ann", "bob"]
    aws.call("DeleteUser", UserName="ann")
    assert users_told(aws) == ["bob"]
    assert aws.call("DescribeACLs", ACLName="team")["ACLs"][0]["UserNames"] == ["bob"]
    aws.pass_time(60)
    assert aws.refusal("DescribeUsers", UserName="ann") == "UserNotFoundFault"


def test_a_user_of_iam_gets_a_password_that_nobody_knows(aws: MemoryDbAccount) -> None:
    aws.call("CreateUser", UserName="role", AccessString="on ~* +@all", AuthenticationMode={"Type": "iam"})
    aws.call("UpdateACL", ACLName="team", UserNamesToAdd=["role"])
    aws.pass_time(60)
    aws.make_cluster(ACLName="team")
    told = [asked for asked in aws.nodes.asked if asked[0] == "authorize"][-1][2]
    assert all(user.password_digests for user in told)
