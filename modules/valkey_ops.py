"""Reads and writes the data of a Valkey cluster, directly or through an instance in its VPC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from runbook.contract import CONTRACT_VERSION, SECRET, Context, Params, Permissions, UndoAnswer
from runbook.errors import Failed
from runbook.model import Action, Change
from runbook.values import Unknown

from . import _valkey_records as declared
from ._ssm_script import refuse_secrets
from ._unknowns import first_unknown
from ._valkey import Direct
from ._valkey_cli import Reply
from ._valkey_records import Record, Records, State
from ._valkey_ssm import ThroughInstance
from ._valkey_transport import Endpoint, Transport, binaries, plain, refuse_errors
from ._valkey_undo import put_back
from ._valkey_words import command_of, reads_only, shown, text
from ._valkey_writing import Written, look, write, written

SENT = ("ca_file", "commands", "endpoint", "keys", "password_from", "records", "username")
"""Arguments that travel in a command's parameters, with `ssm`."""


NEW_CLUSTER = "memorydb:cluster/"
"""How the origin of an Unknown begins that a cluster's creation will bring."""


class Arguments(Params, frozen=True, kw_only=True):
    """Which cluster, which way, and exactly one of `records`, `commands` and `keys`."""

    endpoint: Annotated[str, Meta(description="Host name or address of the cluster's endpoint.")]
    port: Annotated[int, Meta(description="Its port.")] = 6379
    tls: Annotated[bool, Meta(description="Speak TLS, and verify who answers.")] = True
    ca_file: Annotated[
        str | None, Meta(description="File of the authorities to trust; with `ssm` a path on the instance.")
    ] = None
    username: Annotated[str | None, Meta(description="User of the cluster's ACL.")] = None
    password: Annotated[str | None, SECRET, Meta(description="Its password; with `direct` only.")] = None
    password_from: Annotated[
        str | None,
        Meta(description="Where its password is kept: `ssm:/name` or `secretsmanager:id`."),
    ] = None
    transport: Annotated[
        Literal["direct", "ssm"], Meta(description="From this machine, or by valkey-cli on an `instance`.")
    ] = "direct"
    instance: Annotated[str | None, Meta(description="Id or `Name` of the instance; with `ssm`.")] = None
    records: Annotated[
        tuple[Record, ...] | None,
        Meta(description="Records that are to be as declared; only what differs is written."),
    ] = None
    commands: Annotated[
        tuple[str | tuple[str, ...], ...] | None,
        Meta(description="Commands, each a text quoted as for valkey-cli, or a list of words."),
    ] = None
    keys: Annotated[str | None, Meta(description="A pattern: the keys of all primaries that fit it.")] = None
    timeout: Annotated[float, Meta(gt=0, description="Seconds to wait for one reply.")] = 60.0
    wait_online: Annotated[int, Meta(ge=0, description="Seconds to wait for the instance's agent.")] = 600


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Replies, keys or records, depending on what was asked for."""

    replies: Annotated[
        Sequence[Any], Meta(description="Reply of each command: text, whole number, list, null.")
    ] = ()
    reply: Annotated[Any, Meta(description="The first reply.")] = None
    binary: Annotated[
        dict[str, str], Meta(description="Base64 of replies that are not UTF-8, by their place (`0`, `0.2`).")
    ] = msgspec.field(default_factory=dict)
    keys: Annotated[Sequence[str], Meta(description="Keys that fit the pattern, sorted.")] = ()
    records: Annotated[Sequence[Written], Meta(description="What became of each declared record.")] = ()


class Commands(msgspec.Struct, frozen=True, kw_only=True):
    """What would be sent."""

    endpoint: Any
    commands: Any


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was looked at: it is known after apply only, or there is nothing to look at."""

    unknown: Any = None


class ValkeyOps:
    """Read and write the data of a Valkey cluster.

    Two ways lead to a cluster, with the same results: `direct` from this machine, and `ssm`, by valkey-cli on an
    EC2 instance in the cluster's VPC, sent through Systems Manager. A MemoryDB cluster can't be reached from
    outside its VPC, so in AWS it is usually `ssm`.

    Example::

        - name: People and products
          valkey_ops:
            endpoint: "{{ cluster.endpoint }}"
            transport: ssm
            instance: LabInstance
            records:
              - {key: "person:1", string: John}
              - {key: "product:1", json: {id: 1, name: Widget, price: 9.99}}
              - {key: "product:2", json: 19.99, path: $.price}
              - {key: "person:3", absent: true}

        - name: Who is there
          valkey_ops:
            endpoint: "{{ cluster.endpoint }}"
            commands: ["GET person:2", [JSON.GET, "product:1", $.price]]
          register: read

        - valkey_ops: {endpoint: "{{ cluster.endpoint }}", keys: "person:*"}
          register: people

    Notes:

    * `records` are compared first and written only where they differ. JSON is compared by value: the order of keys
      is nothing and 10.10 is 10.1, so an equal document keeps the text that it has. A string replaces whatever is
      there.
    * `commands` that are known to read only never count as changed, and a dry run leaves them out. With any other
      one the task counts as changed. An error reply fails the task, and the commands after it are not sent.
    * A run that was killed goes on with what is missing: records are compared again; commands sent through `ssm`
      are found again by the comment of their sending, and answered; of a `direct` command the data tells where it
      can (SET, DEL, JSON.SET); where it can't (INCR, LPUSH) the task's `rerun` decides, or the operator is asked.
    * `KEYS` as a command asks the one node that the endpoint leads to; the argument `keys` asks all primaries.
    * Commands of several keys need all of them in one slot (`{tag}` in their names).
    * With `ssm`, keys and values stand in the account's command history. A password never does: the instance reads
      it from where `password_from` says, with its own role.
    """

    contract_version: ClassVar[int] = CONTRACT_VERSION
    Params: ClassVar[type[Arguments]] = Arguments
    Result: ClassVar[type[Output]] = Output
    permissions: ClassVar[Permissions] = Permissions(
        read=(
            "ec2:DescribeInstances",
            "ssm:DescribeInstanceInformation",
            "ssm:GetCommandInvocation",
            "ssm:ListCommandInvocations",
            "ssm:ListCommands",
            "ssm:SendCommand",
        ),
    )

    def resource(self, params: Arguments) -> str | None:
        return None  # a later step may look at other records of the same cluster: `observe` asks for each

    def observe(self, ctx: Context, params: Arguments) -> Records | Unseen:
        """What the declared records are now. Raises Failed for arguments that exclude each other."""
        _check(params)
        if params.transport == "ssm":
            refuse_secrets(ctx, SENT)
        unknown = first_unknown(
            params.endpoint, params.port, params.instance, params.username, params.password, params.records
        )
        if unknown is not None or params.records is None:
            return Unseen(unknown=unknown)
        declared.check(params.records)
        planned = _planned(ctx, params)
        left = [record for record in params.records if record.name not in planned]
        if not left:
            return Records(planned)
        with _transport(ctx, params) as transport:
            return Records({**planned, **look(transport, left).records})

    def plan(self, params: Arguments, observed: Records | Unseen) -> Change:
        """Which records differ; or what would be sent."""
        if params.records is None:
            return _plan_commands(params)
        if isinstance(observed, Unseen):
            return _plan_unseen(params, observed)
        return _plan_records(params.records, observed, _keyspace(params))

    def apply(self, ctx: Context, params: Arguments, change: Change) -> Output:
        """Send, and read back what was written. Raises Failed for an error reply, with the replies so far."""
        with _transport(ctx, params) as transport:
            if params.records is not None:
                return Output(records=write(transport, params.records, change))
            if params.keys is not None:
                return Output(keys=[text(key) for key in transport.keys(params.keys.encode())])
            commands = [command_of(one) for one in params.commands or ()]
            send = transport.ask if all(map(reads_only, commands)) else transport.change
            replies = send(commands)
            refuse_errors(commands, replies)
            return _replied(replies)

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        """Declare the records as they were. What commands did nothing can tell."""
        return put_back(arguments, change)


def _check(params: Arguments) -> None:
    given = [name for name in ("records", "commands", "keys") if getattr(params, name) is not None]
    if len(given) != 1:
        told = " and ".join(given) or "nothing"
        raise Failed(
            f"valkey_ops was told {told}.", hint="Give exactly one of `records`, `commands` and `keys`."
        )
    if params.transport == "ssm" and params.instance is None:
        raise Failed(
            "`transport: ssm` needs an instance that can reach the cluster.", hint="Name it: `instance`."
        )
    if params.transport == "ssm" and params.password is not None:
        raise Failed(
            "With `transport: ssm` a password would stand in the account's command history.",
            hint="Keep it in a parameter or in Secrets Manager, and say where: `password_from`.",
        )
    if params.password is not None and params.password_from is not None:
        raise Failed("Both `password` and `password_from` are given.", hint="Leave one of them out.")


def _keyspace(params: Arguments) -> str:
    """The data of one cluster, as plans name it."""
    return f"valkey:{params.endpoint}:{params.port}"


def _planned(ctx: Context, params: Arguments) -> dict[str, State]:
    """Records that earlier steps of this dry run would write."""
    name = _keyspace(params)
    if name not in ctx.planned(name):
        return {}
    there: Records = ctx.observe(name, lambda: Records({}))
    return there.records


# ---------------------------------------------------------------- the way to the cluster


@contextmanager
def _transport(ctx: Context, params: Arguments) -> Iterator[Transport]:
    transport = _direct(ctx, params) if params.transport == "direct" else _through(ctx, params)
    try:
        yield transport
    finally:
        transport.close()


def _direct(ctx: Context, params: Arguments) -> Transport:
    password = params.password if params.password_from is None else _password(ctx, params.password_from)
    return Direct(ctx, _endpoint(params, params.ca_file or ctx.target.ca_file), password)


def _through(ctx: Context, params: Arguments) -> Transport:
    endpoint = _endpoint(params, params.ca_file)
    return ThroughInstance(ctx, endpoint, params.instance or "", params.password_from, params.wait_online)


def _endpoint(params: Arguments, ca_file: str | None) -> Endpoint:
    return Endpoint(
        host=params.endpoint,
        port=params.port,
        tls=params.tls,
        username=params.username,
        ca_file=ca_file,
        timeout=params.timeout,
    )


def _password(ctx: Context, source: str) -> str:
    kind, _, name = source.partition(":")
    if kind == "ssm":
        answer = ctx.client("ssm").get_parameter(Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])
    if kind == "secretsmanager":
        return str(ctx.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
    raise Failed(
        f"'{source}' does not say where a secret is kept.", hint="`ssm:/name` or `secretsmanager:id`."
    )


# ---------------------------------------------------------------- commands


def _plan_commands(params: Arguments) -> Change:
    if params.keys is not None:
        after = Commands(
            endpoint=params.endpoint, commands=[f"KEYS {_shown(params.keys)} (on every primary)"]
        )
        return Change(action=Action.READ, after=after, reason="reads the keys of all primaries")
    asked = params.commands or ()
    after = Commands(endpoint=params.endpoint, commands=[_shown(one) for one in asked])
    if first_unknown(asked) is not None:
        return Change(action=Action.RUN, after=after, reason="commands that are known after apply")
    commands = [command_of(one) for one in asked]
    writing = [command for command in commands if not reads_only(command)]
    if writing:
        names = sorted({text(command[0]).upper() for command in writing})
        return Change(action=Action.RUN, after=after, reason=f"{', '.join(names)} may change data")
    return Change(action=Action.READ, after=after, reason="only reads")


def _shown(written: Any) -> Any:
    if first_unknown(written) is not None:
        return written
    return shown(command_of(written))


def _replied(replies: Sequence[Reply]) -> Output:
    binary: dict[str, str] = {}
    for number, reply in enumerate(replies):
        binary |= binaries(reply, str(number))
    told = [plain(reply) for reply in replies]
    return Output(replies=told, reply=told[0] if told else None, binary=binary)


# ---------------------------------------------------------------- records


def _plan_unseen(params: Arguments, observed: Unseen) -> Change:
    """Records that can't be looked at. A cluster that an earlier task will create is empty, so what will be written
    to it is known all the same."""
    origin = Unknown.describe(observed.unknown)
    records = params.records
    if records is None or first_unknown(records) is not None or not origin.startswith(NEW_CLUSTER):
        return Change(action=Action.UNDECIDED, reason=f"what is there is known only after {origin}")
    declared.check(records)
    empty = Records({record.name: State(kind=declared.ABSENT) for record in records})
    change = _plan_records(records, empty, None)
    if change.action is Action.NONE:
        return change
    return replace(change, reason=f"{change.reason}: the cluster will be new")


def _plan_records(records: Sequence[Record], there: Records, resource: str | None) -> Change:
    differing = list(declared.differing(records, there))
    if not differing:
        result = Output(records=[written(record, there, there) for record in records])
        return Change(
            action=Action.NONE,
            resource=resource,
            before=there,
            after=there,
            result=result,
            reason="all as declared",
        )
    for record in differing:
        declared.command_for(record, there.records[record.name])
    after = Records({**there.records, **{record.name: declared.wanted(record) for record in differing}})
    return Change(
        action=_action(differing, there),
        resource=resource,
        before=there,
        after=after,
        result=Output(records=[written(record, there, after) for record in records]),
        reason=f"{len(differing)} of {len(records)} not as declared",
    )


def _action(differing: Sequence[Record], there: Records) -> Action:
    if all(record.absent for record in differing):
        return Action.DELETE
    if all(there.records[record.name].kind == declared.ABSENT for record in differing):
        return Action.CREATE
    return Action.UPDATE
