"""Requests over HTTP and HTTPS by the standard library, as Ansible's `uri` and `get_url` make them."""

from __future__ import annotations

import base64
import gzip
import http.client
import http.cookiejar
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field
from runbook.contract import SECRET, aliases, no_effect
from runbook.errors import Failed

from ._files_arguments import FileParams

Redirects = Literal["all", "yes", "safe", "urllib2", "none", "no"]
AGENT = "ansible-httpget"
SAFE = ("GET", "HEAD")
WEB = ("http", "https", "ftp")
_UNSENT: Mapping[str, Any] = {"status": -1}
NO_STATUS = 0
"""Of an answer that has no code: of `ftp` and `file`."""


class RequestParams(FileParams, frozen=True, kw_only=True):
    """What both modules take."""

    url: Annotated[str, Meta(description="http://, https:// or ftp:// address.")]
    force: Annotated[bool, Meta(description="Ask for it, and write it, though it may be here already.")] = (
        False
    )
    http_agent: Annotated[str, Meta(description="What the client calls itself.")] = AGENT
    use_proxy: Annotated[bool, Meta(description="Take the proxy that the environment names.")] = True
    validate_certs: Annotated[bool, Meta(description="Trust only certificates that are in order.")] = True
    ca_path: Annotated[str | None, Meta(description="File of the certificates to trust.")] = None
    client_cert: Annotated[str | None, Meta(description="File of our own certificate, for the server.")] = (
        None
    )
    client_key: Annotated[str | None, Meta(description="File of its key.")] = None
    ciphers: Annotated[list[str] | None, Meta(description="Ciphers to allow, in OpenSSL's names.")] = None
    url_username: Annotated[
        str | None, aliases("user", "username"), Meta(description="User, for basic auth.")
    ] = None
    url_password: Annotated[
        str | None, SECRET, aliases("password"), Meta(description="Password, for basic auth.")
    ] = None
    force_basic_auth: Annotated[bool, Meta(description="Send them before they are asked for.")] = False
    decompress: Annotated[bool, Meta(description="Unpack what is sent with gzip.")] = True
    headers: Annotated[dict[str, Any], Meta(description="More headers.")] = field(default_factory=dict)
    unredirected_headers: Annotated[
        list[str], Meta(description="Headers that a redirect must not carry on.")
    ] = field(default_factory=list)
    use_gssapi: Annotated[bool, no_effect("Kerberos is not used.")] = False
    use_netrc: Annotated[bool, no_effect("No .netrc is read.")] = True


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server said. `status` -1: there was no answer, and `error` tells why; NO_STATUS: it has none."""

    status: int
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    """Names in small letters with `_`, as Ansible's results have them."""
    cookies: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    elapsed: float = 0.0
    lost: bool = False
    """The request may have been carried out: it was sent, as far as can be told, and nobody answered."""

    @property
    def said(self) -> str:
        """Ansible's `msg`."""
        return self.error or f"OK ({self.headers.get('content_length', 'unknown')} bytes)"


def send(
    params: RequestParams,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    redirects: str = "urllib2",
    timeout: float = 30,
    unix_socket: str | None = None,
    schemes: Sequence[str] = WEB,
) -> Answer:
    """Ask once. A refusal is an answer; raises Failed only for arguments that can't be used."""
    jar = http.cookiejar.CookieJar()
    given = {str(k): str(v) for k, v in {**params.headers, **(headers or {})}.items()}
    given.setdefault("User-Agent", params.http_agent)
    if params.decompress:
        given.setdefault("Accept-Encoding", "gzip")
    if params.force:
        given.setdefault("Cache-Control", "no-cache")
    url, user, password = _without_user(params)
    if user and params.force_basic_auth:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        given["Authorization"] = f"Basic {token}"
    request = _request(params.url, url, body, method, schemes)
    held_back = {name.lower() for name in params.unredirected_headers}
    for name, value in given.items():
        add = request.add_unredirected_header if name.lower() in held_back else request.add_header
        add(name, value)
    opener = urllib.request.build_opener(*_handlers(params, jar, url, user, password, redirects, unix_socket))
    began = time.monotonic()
    try:
        with opener.open(request, timeout=timeout) as response:
            return _answer(params, response, response.status or NO_STATUS, jar, began)
    except urllib.error.HTTPError as error:
        return _answer(params, error, error.code, jar, began, f"HTTP Error {error.code}: {error.reason}")
    except (ValueError, OverflowError) as error:
        raise Failed(f"'{params.url}' can't be asked for: {error}", result={**_UNSENT, "url": url}) from error
    except (OSError, http.client.HTTPException) as error:
        elapsed, why = time.monotonic() - began, f"Request failed: {error}"
        return Answer(status=-1, url=params.url, error=why, elapsed=elapsed, lost=not _unsent(error))


def _unsent(error: Exception) -> bool:
    """Whether the request certainly was not sent: there was no connection to send it by. urllib wraps what comes
    before the answer; a connection that breaks then may have carried the request."""
    if not isinstance(error, urllib.error.URLError):
        return False
    return not isinstance(error.reason, ConnectionResetError | BrokenPipeError | ConnectionAbortedError)


def _request(
    written: str, url: str, body: bytes | None, method: str, schemes: Sequence[str]
) -> urllib.request.Request:
    """Raises Failed for what is no address."""
    hint = "An address begins with https:// or http://."
    try:
        request = urllib.request.Request(url, data=body, method=method)  # noqa: S310 (it is looked at below)
    except ValueError as error:
        raise Failed(str(error), hint=hint, result={**_UNSENT, "url": written}) from error
    if request.type not in schemes:
        raise Failed(f"'{written}' is no address of the web", hint=hint)
    return request


def _answer(
    params: RequestParams,
    response: Any,
    status: int,
    jar: http.cookiejar.CookieJar,
    began: float,
    error: str = "",
) -> Answer:
    body = response.read() if response.fp is not None else b""
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.replace("-", "_").lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    if params.decompress and headers.get("content_encoding") == "gzip" and body:
        body = gzip.decompress(body)
    return Answer(
        status=status,
        url=response.geturl(),
        headers=headers,
        cookies={cookie.name: cookie.value or "" for cookie in jar},
        body=body,
        error=error,
        elapsed=time.monotonic() - began,
    )


def _without_user(params: RequestParams) -> tuple[str, str, str]:
    """The address without `user:password@`, and these two. Raises Failed for what is no address."""
    try:
        parts = urllib.parse.urlsplit(params.url)
    except ValueError as error:
        raise Failed(str(error), result={**_UNSENT, "url": params.url}) from error
    user, password = params.url_username or "", params.url_password or ""
    if "@" not in parts.netloc:
        return params.url, user, password
    login, _, netloc = parts.netloc.rpartition("@")
    name, _, word = login.partition(":")
    url = urllib.parse.urlunsplit(parts._replace(netloc=netloc))
    return url, user or urllib.parse.unquote(name), password or urllib.parse.unquote(word)


class _NoFurther(urllib.request.HTTPRedirectHandler):
    """Follows what `follow_redirects` says."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        method = req.get_method()
        if self._kind in ("none", "no") or (self._kind == "safe" and method not in SAFE):
            return None
        if self._kind == "urllib2" or method in SAFE or code not in (307, 308):
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        return urllib.request.Request(  # noqa: S310 (where the server that was asked sends us)
            newurl, data=req.data, headers=req.headers, method=method, unverifiable=True
        )


def _handlers(
    params: RequestParams,
    jar: http.cookiejar.CookieJar,
    url: str,
    user: str,
    password: str,
    redirects: str,
    unix_socket: str | None,
) -> list[Any]:
    context = _trust(params)
    found: list[Any] = [
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPCookieProcessor(jar),
        _NoFurther(redirects),
    ]
    if not params.use_proxy:
        found.append(urllib.request.ProxyHandler({}))
    if user and not params.force_basic_auth:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, user, password)
        found += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
    if unix_socket is not None:
        found.append(_unix(unix_socket))
    return found


def _trust(params: RequestParams) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=params.ca_path)
        if params.client_cert:
            context.load_cert_chain(params.client_cert, params.client_key)
        if params.ciphers:
            context.set_ciphers(":".join(params.ciphers))
    except (OSError, ssl.SSLError) as error:
        raise Failed(f"The certificates can't be used: {error}") from error
    if not params.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _unix(path: str) -> urllib.request.HTTPHandler:
    """A way to a server that listens at a socket in the file system."""

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(path)

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Connection, req)

    return Handler()
