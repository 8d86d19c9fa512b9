"""ACLs and users: who may enter a cluster."""

from __future__ import annotations

import functools
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from . import access
from .memorydb_checks import COMBINATION, INVALID, refuse
from .memorydb_state import Acl, User, page, resource_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .memorydb_changes import Changes
    from .memorydb_state import Nodes, State

OPEN_ACCESS = "open-access"


class Access:
    """The operations on ACLs and users; both exist at once, and changes reach the clusters that use them.

    `open-access` is built in and holds the password-less user `default` with full rights.
    """

    def __init__(self, state: State, nodes: Nodes, changes: Changes) -> None:
        self._state = state
        self._nodes = nodes
        self._changes = changes
        state.users["default"] = User("default", "on ~* &* +@all", "no-password")
        state.acls[OPEN_ACCESS] = Acl(OPEN_ACCESS, ["default"])

    def rules(self, acl: str) -> list[access.User] | None:
        """The users of an ACL for the data plane; None for `open-access`."""
        if acl == OPEN_ACCESS:
            return None
        users = [self._state.users[name] for name in self._state.acls[acl].users]
        return [_visitor(user) for user in users]

    # ACLs

    def create_acl(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateACL."""
        state = self._state
        name = resource_name(params["ACLName"], "ACLName")
        if name in state.acls:
            refuse("ACLAlreadyExistsFault", f"ACL {name} already exists.")
        if len(state.acls) >= state.assumptions.acls_per_customer:
            refuse("ACLQuotaExceededFault", "The quota of ACLs is used up.")
        users = self._known_users(params.get("UserNames", []))
        state.put_tags(state.arn("acl", name), params.get("Tags", []))
        acl = Acl(name, users, "creating", self._later())
        state.acls[name] = acl
        return {"ACL": self._acl_shape(acl)}

    def describe_acls(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeACLs."""
        if name := params.get("ACLName"):
            return {"ACLs": [self._acl_shape(self._acl(name))]}
        acls = [self._state.acls[name] for name in sorted(self._state.acls)]
        chunk, token = page(acls, params, lambda acl: str(acl.name))
        return {"ACLs": [self._acl_shape(acl) for acl in chunk], "NextToken": token}

    def update_acl(self, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateACL: users to add and to remove, not the whole list."""
        acl = self._changeable_acl(params["ACLName"])
        add = self._known_users(params.get("UserNamesToAdd", []))
        remove = [name.lower() for name in params.get("UserNamesToRemove", [])]
        if not add and not remove:
            refuse(COMBINATION, "No users to add or to remove were given.")
        if already := sorted(set(add) & set(acl.users)):
            refuse("DuplicateUserNameFault", f"{', '.join(already)} is in ACL {acl.name} already.")
        if missing := sorted(set(remove) - set(acl.users)):
            refuse("UserNotFoundFault", f"{', '.join(missing)} is not in ACL {acl.name}.")
        acl.users = [name for name in acl.users if name not in remove] + add
        acl.status, acl.until = "modifying", self._later()
        self._reach([acl.name])
        return {"ACL": self._acl_shape(acl)}

    def delete_acl(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteACL: it must not be any cluster's."""
        acl = self._changeable_acl(params["ACLName"])
        if clusters := self._clusters(acl.name):
            refuse("InvalidACLStateFault", f"ACL {acl.name} is used by {', '.join(clusters)}.")
        acl.status, acl.until = "deleting", self._later()
        return {"ACL": self._acl_shape(acl)}

    def _acl(self, name: str) -> Acl:
        return self._state.acls.get(name.lower()) or refuse("ACLNotFoundFault", f"ACL {name} not found.")

    def _changeable_acl(self, name: str) -> Acl:
        acl = self._acl(name)
        if acl.name == OPEN_ACCESS:
            refuse(INVALID, "The ACL open-access can't be changed or deleted.")
        if acl.status != "active":
            refuse("InvalidACLStateFault", f"ACL {acl.name} is not active: {acl.status}.")
        return acl

    def _known_users(self, names: Sequence[str]) -> list[str]:
        lowered = [name.lower() for name in names]
        if len(set(lowered)) < len(lowered):
            refuse("DuplicateUserNameFault", "A user is named twice.")
        for name in lowered:
            if name not in self._state.users:
                refuse("UserNotFoundFault", f"User {name} not found.")
        return lowered

    def _clusters(self, acl: str) -> list[str]:
        clusters = self._state.clusters.values()
        return sorted(c.name for c in clusters if acl in {c.acl, c.pending_acl})

    def _acl_shape(self, acl: Acl) -> dict[str, Any]:
        return {
            "Name": acl.name,
            "Status": acl.status,
            "UserNames": acl.users,
            "MinimumEngineVersion": "6.2",
            "Clusters": self._clusters(acl.name),
            "ARN": self._state.arn("acl", acl.name),
        }

    # Users

    def create_user(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateUser."""
        state = self._state
        name = resource_name(params["UserName"], "UserName")
        if name in state.users:
            refuse("UserAlreadyExistsFault", f"User {name} already exists.")
        if len(state.users) >= state.assumptions.users_per_customer:
            refuse("UserQuotaExceededFault", "The quota of users is used up.")
        kind, digests = _authentication(params["AuthenticationMode"])
        state.put_tags(state.arn("user", name), params.get("Tags", []))
        user = User(name, params["AccessString"], kind, digests)
        state.users[name] = user
        return {"User": self._user_shape(user)}

    def describe_users(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeUsers."""
        if name := params.get("UserName"):
            return {"Users": [self._user_shape(self._user(name))]}
        users = [self._state.users[name] for name in sorted(self._state.users)]
        chunk, token = page(users, params, lambda user: str(user.name))
        return {"Users": [self._user_shape(user) for user in chunk], "NextToken": token}

    def update_user(self, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateUser: access string and passwords, each only if given."""
        user = self._changeable_user(params["UserName"])
        if "AuthenticationMode" not in params and "AccessString" not in params:
            refuse(COMBINATION, "No modifications were requested.")
        if "AuthenticationMode" in params:
            user.kind, user.digests = _authentication(params["AuthenticationMode"])
        user.access = params.get("AccessString", user.access)
        user.status, user.until = "modifying", self._later()
        self._reach(self._acls_of(user.name))
        return {"User": self._user_shape(user)}

    def delete_user(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteUser: drops the user from every ACL, and so from live clusters."""
        user = self._changeable_user(params["UserName"])
        acls = self._acls_of(user.name)
        shape = self._user_shape(user)
        user.status, user.until = "deleting", self._later()
        for name in acls:
            self._state.acls[name].users.remove(user.name)
        self._reach(acls)
        return {"User": shape | {"Status": "deleting"}}

    def _user(self, name: str) -> User:
        return self._state.users.get(name.lower()) or refuse("UserNotFoundFault", f"User {name} not found.")

    def _changeable_user(self, name: str) -> User:
        user = self._user(name)
        if user.name == "default":
            refuse(INVALID, "The user default can't be changed or deleted.")
        if user.status != "active":
            refuse("InvalidUserStateFault", f"User {user.name} is not active: {user.status}.")
        return user

    def _acls_of(self, user: str) -> list[str]:
        return sorted(acl.name for acl in self._state.acls.values() if user in acl.users)

    def _user_shape(self, user: User) -> dict[str, Any]:
        authentication: dict[str, Any] = {"Type": user.kind}
        if user.kind == "password":
            authentication["PasswordCount"] = len(user.digests)
        return {
            "Name": user.name,
            "Status": user.status,
            "AccessString": user.access,
            "ACLNames": self._acls_of(user.name),
            "MinimumEngineVersion": "7.0" if user.kind == "iam" else "6.2",
            "Authentication": authentication,
            "ARN": self._state.arn("user", user.name),
        }

    # Reaching the clusters

    def _later(self) -> float:
        return self._state.clock.monotonic() + self._state.assumptions.acl_seconds

    def _reach(self, acls: Sequence[str]) -> None:
        """Let changed users in on, and keep removed ones out of, the live clusters of these ACLs."""
        for cluster in self._state.clusters.values():
            if cluster.acl in acls and cluster.view is not None:
                job = functools.partial(self._nodes.authorize, cluster.name, self.rules(cluster.acl))
                self._changes.background(job)

    @property
    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """By name."""
        return {
            "CreateACL": self.create_acl,
            "DescribeACLs": self.describe_acls,
            "UpdateACL": self.update_acl,
            "DeleteACL": self.delete_acl,
            "CreateUser": self.create_user,
            "DescribeUsers": self.describe_users,
            "UpdateUser": self.update_user,
            "DeleteUser": self.delete_user,
        }


def _authentication(mode: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The kind and the digests of the passwords: one or two of 16 to 128 characters, or IAM without any."""
    kind = mode.get("Type")
    passwords = mode.get("Passwords", [])
    if kind == "iam":
        if passwords:
            refuse(COMBINATION, "A user that authenticates by IAM has no passwords.")
        return "iam", ()
    if kind != "password":
        refuse(INVALID, "AuthenticationMode needs a Type: password or iam.")
    if not 1 <= len(passwords) <= 2:
        refuse(INVALID, "A user has one or two passwords.")
    if not all(16 <= len(password) <= 128 for password in passwords):
        refuse(INVALID, "A password has 16 to 128 characters.")
    return "password", tuple(hashlib.sha256(password.encode()).hexdigest() for password in passwords)


def _visitor(user: User) -> access.User:
    """A user for the data plane. Tokens of IAM are not served: nobody knows such a user's password."""
    digests = user.digests
    if user.kind == "iam":
        digests = (hashlib.sha256(secrets.token_bytes(32)).hexdigest(),)
    return access.User(user.name, user.access, digests)
