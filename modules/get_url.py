"""Fetch a file over HTTP, HTTPS or FTP to this machine.

- get_url:
    url: https://example.com/tool.tar.gz
    dest: /srv/
    checksum: sha256:https://example.com/tool.tar.gz.sha256
    mode: "0644"

A file that is there already is fetched again only when it is newer on the server, its checksum is another, or with
`force: true`. A dry run fetches it to see what would change, and writes nothing.
"""

from __future__ import annotations

import email.utils
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from runbook.contract import (
    Action,
    Change,
    Context,
    LocalPath,
    Params,
    Permissions,
    UndoAnswer,
    aliases,
    no_effect,
)
from runbook.errors import Failed

from . import _files_place, _http
from ._files_result import facts
from ._files_state import md5, read_state, sha1
from ._files_undo import PASSING, put_back
from ._files_world import World, path_of
from ._files_write import Manner

_SCHEMES = (*_http.WEB, "file")
_TEMPORARY = "The file is put in place at once."


class GetUrlParams(_http.RequestParams, frozen=True, kw_only=True):
    dest: Annotated[LocalPath, Meta(description="File or folder to write it to.")]
    checksum: Annotated[
        str, Meta(description="algorithm:digest, or algorithm: and the address of a file of digests.")
    ] = ""
    backup: Annotated[bool, Meta(description="Keep the file that was there beside it.")] = False
    timeout: Annotated[float, Meta(description="Seconds that the server may take.")] = 10
    tmp_dest: Annotated[str | None, no_effect(_TEMPORARY), Meta(description="Folder for drafts.")] = None
    thirsty: Annotated[bool, aliases("thirsty"), no_effect("Use force.")] = False


class GetUrlResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was fetched, and what stands there now."""

    dest: Annotated[str, Meta(description="The file.")]
    url: Annotated[str, Meta(description="Where it comes from.")]
    msg: Annotated[str, Meta(description="OK, or why it was not fetched.")] = ""
    elapsed: Annotated[int, Meta(description="Seconds that it took.")] = 0
    status_code: Annotated[
        int | msgspec.UnsetType | None, Meta(description="Code of the answer; of a file there is none.")
    ] = msgspec.UNSET
    checksum_src: Annotated[Any, Meta(description="SHA-1 of what was fetched.")] = msgspec.UNSET
    checksum_dest: Annotated[Any, Meta(description="SHA-1 of what was there.")] = msgspec.UNSET
    md5sum: Annotated[Any, Meta(description="MD5 of it.")] = msgspec.UNSET
    src: Annotated[str | msgspec.UnsetType, Meta(description="Where it was fetched to.")] = msgspec.UNSET
    backup_file: Annotated[Any, Meta(description="What was there before.")] = msgspec.UNSET
    uid: Annotated[Any, Meta(description="Of the file.")] = msgspec.UNSET
    gid: Annotated[Any, Meta(description="Of the file.")] = msgspec.UNSET
    owner: Annotated[Any, Meta(description="Of the file.")] = msgspec.UNSET
    group: Annotated[Any, Meta(description="Of the file.")] = msgspec.UNSET
    mode: Annotated[Any, Meta(description="Of the file.")] = msgspec.UNSET
    state: Annotated[Any, Meta(description="Of the file.")] = msgspec.UNSET
    size: Annotated[Any, Meta(description="Of the file.")] = msgspec.UNSET


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The place, and what was fetched for it; no answer: it need not be fetched."""

    place: _files_place.Placing
    answer: _http.Answer | None = None

    @property
    def content(self) -> bytes:
        """What should stand there: what was fetched, or what is there."""
        if self.answer is not None and self.answer.status != 304:
            return self.answer.body
        before = self.place.before
        return before.content if before is not None and isinstance(before.content, bytes) else b""


class GetUrl:
    __doc__ = __doc__
    contract_version: ClassVar[int] = 1
    connections: ClassVar[frozenset[str]] = frozenset({"local"})
    Params: ClassVar[type[Params]] = GetUrlParams
    Result: ClassVar[type[msgspec.Struct]] = GetUrlResult
    permissions: ClassVar[Permissions] = Permissions()
    passing: ClassVar[frozenset[str]] = PASSING

    def resource(self, params: GetUrlParams) -> str | None:
        return None  # a folder's file is named by the answer

    def observe(self, ctx: Context, params: GetUrlParams) -> Seen:
        """Look at the place, and fetch what may have to go there. Raises Failed for an answer that is not right."""
        world = World(ctx)
        dest = params.dest.path
        into = dest.endswith("/") or world.is_folder(dest)
        if into:
            dest = f"{dest.rstrip('/')}/{_name(params.url)}"
        place = _files_place.see(ctx, world, params, dest, written=params.dest, follow=True)
        wanted = _digest(params)
        there = place.before is not None and not params.force
        if there and wanted and _matches(Seen(place=place).content, wanted):
            return Seen(place=place)
        headers = {}
        if there and not wanted and not into:  # of a file in a folder Ansible asks for no time
            moment = os.stat(dest).st_mtime if os.path.exists(dest) else 0  # noqa: PTH110, PTH116 (a text)
            headers["If-Modified-Since"] = email.utils.formatdate(moment, usegmt=True)
        answer = _http.send(params, headers=headers, timeout=params.timeout, schemes=_SCHEMES)
        _check(params, answer, place.told)
        found = Seen(place=place, answer=answer)
        if wanted and answer.status != 304 and not _matches(answer.body, wanted):
            _refuse(found, wanted, params)
        return found

    def plan(self, params: GetUrlParams, observed: Seen) -> Change:
        wanted = _files_place.Wanted(content=observed.content, src=params.url, mode=params.mode)
        try:
            change = _files_place.plan(observed.place, wanted, folders=False)
        except Failed as error:
            above = os.path.dirname(observed.place.dest)  # noqa: PTH120 (a text stays a text)
            if observed.place.missing:
                raise Failed(
                    f"Destination {above} does not exist", result=_shown(params, observed)
                ) from error
            raise
        told = _result(params, observed)
        carried = Change(action=Action.NONE, result=(told, change.result))
        shown = msgspec.structs.replace(told, **facts(change.after))
        return replace(change, result=shown, also=(*change.also, carried))

    def apply(self, ctx: Context, params: GetUrlParams, change: Change) -> GetUrlResult:
        told: GetUrlResult = change.also[-1].result[0]
        planned = change.also[-1].result[1]
        placed = _files_place.apply(ctx, replace(change, result=planned), Manner(backup=params.backup))
        found = read_state(path_of(change.resource or ""))
        done: GetUrlResult = msgspec.structs.replace(told, backup_file=placed.backup_file, **facts(found))
        return done

    def undo(self, arguments: Mapping[str, Any], change: Change) -> UndoAnswer:
        return put_back(change)


def _result(params: GetUrlParams, seen: Seen) -> GetUrlResult:
    answer, before = seen.answer, seen.place.before
    if answer is None:
        return GetUrlResult(
            dest=seen.place.told,
            url=params.url,
            msg="file already exists",
            checksum_src=None,
            checksum_dest=None,
        )
    told = GetUrlResult(
        dest=seen.place.told,
        url=params.url,
        msg=answer.said,
        elapsed=int(answer.elapsed),
        status_code=None if answer.status == _http.NO_STATUS else answer.status,
    )
    if answer.status == 304:
        return told
    return msgspec.structs.replace(
        told,
        checksum_src=sha1(answer.body),
        checksum_dest=before.checksum if before is not None else None,
        md5sum=md5(answer.body),
        src=params.url,
    )


def _shown(params: GetUrlParams, seen: Seen) -> dict[str, Any]:
    told = _result(params, seen)
    names = ("dest", "url", "elapsed", "checksum_src", "checksum_dest", "src")
    return {name: value for name in names if (value := getattr(told, name)) is not msgspec.UNSET}


def _check(params: GetUrlParams, answer: _http.Answer, dest: str) -> None:
    """Raises Failed for anything but the file, or word that it is the same."""
    if answer.status in (200, 304, _http.NO_STATUS):
        return
    told = {"dest": dest, "url": params.url, "elapsed": int(answer.elapsed)}
    if answer.status < 0:
        raise Failed(answer.error, result=told)
    told |= {"status_code": answer.status, "response": answer.error}
    raise Failed("Request failed", hint=answer.error, result=told)


def _name(url: str) -> str:
    name = url.split("?")[0].split("#")[0].rstrip("/").rpartition("/")[2]
    return name or "index.html"


# ---------------------------------------------------------------- checksums


def _digest(params: GetUrlParams) -> tuple[str, str] | None:
    """Algorithm and digest that are asked for. Raises Failed for ones that can't be told."""
    if not params.checksum:
        return None
    algorithm, colon, digest = params.checksum.partition(":")
    algorithm, digest = algorithm.strip().lower(), digest.strip()
    if not colon:
        raise Failed("The checksum parameter has to be in format <algorithm>:<checksum>")
    if algorithm not in hashlib.algorithms_available:
        raise Failed(f"There is no checksum '{algorithm}'", hint="Such as sha256, sha512, sha1, md5.")
    if digest.startswith(("http://", "https://", "ftp://", "file://")):
        digest = _looked_up(params, digest)
    digest = re.sub(r"\W+", "", digest).lower()
    if not digest or not re.fullmatch(r"[0-9a-f]+", digest):
        raise Failed("The checksum format is invalid", hint="A digest is written in hex.")
    return algorithm, digest


def _looked_up(params: GetUrlParams, address: str) -> str:
    """The digest of our file in a file of digests, or its only one."""
    asked = msgspec.structs.replace(params, url=address)
    answer = _http.send(asked, timeout=params.timeout, schemes=_SCHEMES)
    if answer.status not in (200, _http.NO_STATUS):
        raise Failed(f"The checksums at {address} can't be read: {answer.said}")
    lines = [line.split() for line in answer.body.decode("utf-8", "replace").splitlines() if line.strip()]
    name = _name(params.url)
    for words in lines:
        if len(words) > 1 and words[-1].lstrip("*").removeprefix("./").rpartition("/")[2] == name:
            return words[0]
    if len(lines) == 1 and len(lines[0]) == 1:
        return lines[0][0]
    raise Failed(f"Unable to find a checksum for file '{name}' in '{address}'")


def _matches(content: bytes, wanted: tuple[str, str]) -> bool:
    algorithm, digest = wanted
    return hashlib.new(algorithm, content).hexdigest() == digest  # the operator names the algorithm


def _refuse(seen: Seen, wanted: tuple[str, str], params: GetUrlParams) -> None:
    algorithm, digest = wanted
    made = hashlib.new(algorithm, seen.content).hexdigest()
    raise Failed(
        f"The checksum for {params.url} did not match {digest}; it was {made}.", result=_shown(params, seen)
    )
