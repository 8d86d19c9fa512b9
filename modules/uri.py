"""Ask a server over HTTP or HTTPS, from this machine.

- uri:
    url: https://api.example.com/state
    return_content: true
  register: state
- uri:
    url: https://api.example.com/jobs
    method: POST
    body: {name: nightly}
    body_format: json
    status_code: [201, 202]

GET, HEAD and OPTIONS only look, and are asked in a dry run as well; what other methods would answer is known after
apply. Certificates are verified.

Of another request that was interrupted, or got no answer (a time-out, a connection that breaks), nobody knows
whether it was carried out: the run stops with that question, unless the task says `rerun: safe`, and it is sent
again. That nobody listens at the address fails the task, as any answer does that is not right.
"""

from __future__ import annotations

import contextlib
import json
import mimetypes
import os
import urllib.parse
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, field
from runbook.contract import Action, Change, Context, LocalPath, Params, Permissions
from runbook.errors import Failed, InDoubt

from . import _commands, _files_place, _http
from ._files_world import World
from ._files_write import Manner
from ._unknowns import first_unknown

SEND = "send"
"""The name of the effect that a request is."""

LOOKS = frozenset({"GET", "HEAD", "OPTIONS"})


class UriParams(_http.RequestParams, frozen=True, kw_only=True):
    method: Annotated[str, Meta(description="The method of HTTP.")] = "GET"
    body: Annotated[Any, Meta(description="What to send.")] = None
    body_format: Annotated[
        Literal["json", "form-urlencoded", "form-multipart", "raw"], Meta(description="How to send it.")
    ] = "raw"
    src: Annotated[
        str | None, Meta(description="A file to send; with remote_src its path on this machine.")
    ] = None
    remote_src: Annotated[bool, Meta(description="`src` is a path, not a file of the playbook.")] = False
    dest: Annotated[LocalPath | None, Meta(description="File or folder to write the answer to.")] = None
    creates: Annotated[str | None, Meta(description="Not asked when this is there.")] = None
    removes: Annotated[str | None, Meta(description="Not asked when this is not there.")] = None
    return_content: Annotated[bool, Meta(description="Tell the answer's text, whatever it is.")] = False
    status_code: Annotated[list[int], Meta(description="Which codes are right.")] = field(
        default_factory=lambda: [200]
    )
    follow_redirects: Annotated[_http.Redirects, Meta(description="Which redirects are followed.")] = "safe"
    timeout: Annotated[float, Meta(description="Seconds that the server may take.")] = 30
    unix_socket: Annotated[str | None, Meta(description="A socket in the file system to ask at.")] = None


class UriResult(msgspec.Struct, frozen=True, kw_only=True):
    """The headers of the answer stand in it as well, in small letters with `_`."""

    status: Annotated[int | msgspec.UnsetType, Meta(description="Code of the answer.")] = msgspec.UNSET
    url: Annotated[str | msgspec.UnsetType, Meta(description="Who answered, after redirects.")] = (
        msgspec.UNSET
    )
    json: Annotated[Any, Meta(description="The answer as data, when it is JSON.")] = msgspec.UNSET
    content: Annotated[str | msgspec.UnsetType, Meta(description="The answer's text.")] = msgspec.UNSET
    cookies: Annotated[dict[str, str] | msgspec.UnsetType, Meta(description="Cookies.")] = msgspec.UNSET
    elapsed: Annotated[int | msgspec.UnsetType, Meta(description="Seconds that it took.")] = msgspec.UNSET
    redirected: Annotated[bool | msgspec.UnsetType, Meta(description="Another place answered.")] = (
        msgspec.UNSET
    )
    msg: Annotated[str | msgspec.UnsetType, Meta(description="OK, or what is wrong.")] = msgspec.UNSET


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the guards say, and the answer where asking changes nothing."""

    held: _commands.Held = _commands.Held()
    answer: _http.Answer | None = None
    place: _files_place.Placing | None = None


class Uri:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    Params: ClassVar[type[Params]] = UriParams
    Result: ClassVar[type[msgspec.Struct]] = UriResult
    permissions: ClassVar[Permissions] = Permissions()

    def resource(self, params: UriParams) -> str | None:
        """None: what a server changes is not known."""
        return None

    def observe(self, ctx: Context, params: UriParams) -> Seen:
        """Ask, when that only looks. Raises Failed for an answer that is not right."""
        held = _commands.guards(ctx, SEND, ctx.base, params.creates, params.removes)
        if held.path or params.method.upper() not in LOOKS or first_unknown(params.url) is not None:
            return Seen(held=held)
        answer = _ask(ctx, params)
        _check(params, answer)
        return Seen(answer=answer, place=_place(ctx, params, answer))

    def plan(self, params: UriParams, observed: Seen) -> Change:
        if observed.held.path:
            said = f"skipped, since '{observed.held.path}' {observed.held.fact}"
            told = {"stdout": said, "stdout_lines": [said]}
            return Change(action=Action.NONE, reason=observed.held.told, result=told)
        checked = {"skipped": True, "msg": "This action (uri) does not support check mode."}
        if observed.answer is None:
            reason = f"sends {params.method.upper()} to {params.url}"
            return Change(
                action=Action.RUN, after=_commands.Run(params.method), reason=reason, checked=checked
            )
        told = result_of(params, observed.answer)
        if observed.place is None:
            return Change(action=Action.NONE, reason="it answers", result=told, checked=checked)
        wanted = _files_place.Wanted(content=observed.answer.body, src=params.url, mode=params.mode)
        change = _files_place.plan(observed.place, wanted, folders=False)
        carried = Change(action=Action.NONE, result=(told, change.result))
        complete = {**told, **_of_file(change.result)}
        return replace(change, result=complete, checked=checked, also=(*change.also, carried))

    def apply(self, ctx: Context, params: UriParams, change: Change) -> Any:
        if change.action is not Action.RUN:
            told, planned = change.also[-1].result
            placed = _files_place.apply(ctx, replace(change, result=planned), Manner())
            return {**told, **_of_file(placed)}
        answer = msgspec.convert(ctx.effect(SEND, lambda _intent: _sent(ctx, params)), _http.Answer)
        _check(params, answer)
        told = {**result_of(params, answer), "changed": False}  # as Ansible counts it
        place = _place(ctx, params, answer)
        if place is None:
            return told
        wanted = _files_place.Wanted(content=answer.body, src=params.url, mode=params.mode)
        made = _files_place.plan(place, wanted, folders=False)
        placed = _files_place.apply(ctx, made, Manner())
        return {**told, **_of_file(placed), "changed": made.action.changes}


def _sent(ctx: Context, params: UriParams) -> Any:
    """What was answered, as plain data. Raises InDoubt where nobody did."""
    answer = _ask(ctx, params)
    if answer.lost:
        asked = f"{params.method.upper()} {params.url}"
        raise InDoubt(f"{asked} got no answer, and may have been carried out: {answer.error}")
    return msgspec.to_builtins(answer, builtin_types=(bytes,))


def _ask(ctx: Context, params: UriParams) -> _http.Answer:
    if params.src is not None and params.body is not None:
        raise Failed("parameters are mutually exclusive: body|src")
    headers = {}
    body: bytes | None = None
    if params.src is not None:
        path = ctx.files.place(params.src).path if params.remote_src else ctx.files.find(params.src)
        body = Path(path).read_bytes()
    elif params.body is not None:
        body, kind = _encoded(params)
        if kind and "content-type" not in {str(name).lower() for name in params.headers}:
            headers["Content-Type"] = kind
    return _http.send(
        params,
        method=params.method.upper(),
        body=body,
        headers=headers,
        redirects=params.follow_redirects,
        timeout=params.timeout,
        unix_socket=params.unix_socket,
    )


def _encoded(params: UriParams) -> tuple[bytes, str]:
    """The body as bytes, and its kind."""
    body = params.body
    if params.body_format == "json":
        text = body if isinstance(body, str) else json.dumps(body)
        return text.encode(), "application/json"
    if params.body_format == "form-urlencoded":
        if not isinstance(body, str):
            pairs = body.items() if isinstance(body, Mapping) else body
            body = urllib.parse.urlencode(list(pairs), doseq=True)
        return body.encode(), "application/x-www-form-urlencoded"
    if params.body_format == "form-multipart":
        if not isinstance(body, Mapping):
            raise Failed("failed to parse body as form-multipart: a mapping of fields is needed")
        return _multipart(body)
    return (body if isinstance(body, str) else json.dumps(body)).encode(), ""


def _multipart(fields: Mapping[str, Any]) -> tuple[bytes, str]:
    mark = uuid.uuid4().hex
    parts = []
    for name, value in fields.items():
        told = value if isinstance(value, Mapping) else {"content": value}
        shown = f'form-data; name="{name}"'
        filename, content = told.get("filename"), told.get("content")
        if filename and content is None:
            content = Path(str(filename)).read_bytes()
        if filename:
            shown += f'; filename="{os.path.basename(str(filename))}"'  # noqa: PTH119 (a text stays a text)
        guessed = mimetypes.guess_type(str(filename))[0] if filename else None
        kind = told.get("mime_type") or guessed or ("application/octet-stream" if filename else "text/plain")
        raw = content if isinstance(content, bytes) else str(content).encode()
        head = f"--{mark}\r\nContent-Disposition: {shown}\r\nContent-Type: {kind}\r\n\r\n"
        parts.append(head.encode() + raw + b"\r\n")
    return b"".join(parts) + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def _check(params: UriParams, answer: _http.Answer) -> None:
    """Raises Failed for a status that is not asked for."""
    if answer.status in params.status_code:
        return
    wanted = list(params.status_code)
    told = f"Status code was {answer.status} and not {wanted}: {answer.said}"
    raise Failed(told, result=result_of(params, answer))


def result_of(params: UriParams, answer: _http.Answer) -> dict[str, Any]:
    """What `register` holds of an answer: its headers among the rest."""
    kind = answer.headers.get("content_type", "").split(";")[0].strip().lower()
    told: dict[str, Any] = {
        **answer.headers,
        "status": answer.status,
        "url": answer.url,
        "elapsed": int(answer.elapsed),
        "redirected": answer.url != params.url,
        "msg": answer.said,
    }
    if answer.error and answer.status in params.status_code:
        told["body"] = answer.body.decode(
            "utf-8", "backslashreplace"
        )  # as Ansible's, of a refusal that is welcome
    elif not answer.error:
        told["cookies"] = answer.cookies
        told["cookies_string"] = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    text = answer.body.decode("utf-8", "backslashreplace")
    if kind.endswith(("/json", "+json")) or kind == "application/javascript":
        with contextlib.suppress(ValueError):
            told["json"] = json.loads(text)
    if params.return_content:
        told["content"] = text
    return told


def _place(ctx: Context, params: UriParams, answer: _http.Answer) -> _files_place.Placing | None:
    if params.dest is None:
        return None
    world = World(ctx)
    dest = params.dest.path
    if world.is_folder(dest):
        dest = f"{dest.rstrip('/')}/{file_name(answer.url)}"
    return _files_place.see(
        ctx,
        world,
        params,
        dest,
        written=params.dest,
        follow=True,
        secret="url_password" in ctx.secret_arguments,
    )


def file_name(url: str) -> str:
    """The name of what an address names."""
    return urllib.parse.unquote(urllib.parse.urlsplit(url).path).rpartition("/")[2] or "index.html"


def _of_file(result: Any) -> dict[str, Any]:
    """What a file's own result adds."""
    names: Sequence[str] = ("uid", "gid", "owner", "group", "mode", "state", "size")
    found = {name: getattr(result, name) for name in names if getattr(result, name) is not msgspec.UNSET}
    return {**found, "path": result.dest}
