"""The lookup `url`: what an address answers. Certificates are verified unless `validate_certs` says otherwise."""

from __future__ import annotations

import base64
import netrc
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .lookups_base import Site, flag


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    validate_certs: Any = True
    split_lines: Any = True
    use_proxy: Any = True
    username: str | None = None
    password: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    force: Any = False
    timeout: Any = 10
    http_agent: str = "ansible-httpget"
    force_basic_auth: Any = False
    follow_redirects: str = "urllib2"
    ca_path: str | None = None
    use_netrc: Any = True
    unredirected_headers: Sequence[str] = ()
    ciphers: Sequence[str] = ()


def url(_site: Site, *terms: Any, **options: Any) -> list[Any]:
    how = _Options(**options)
    found: list[Any] = []
    for term in terms:
        text = _fetch(str(term), how).decode("utf-8", "backslashreplace")
        found += text.splitlines() if flag(how.split_lines) else [text]
    return found


def _fetch(address: str, how: _Options) -> bytes:
    if urlsplit(address).scheme not in ("http", "https", "ftp", "file"):
        raise ValueError(f"{address} is not an address of the web")
    request = urllib.request.Request(address, headers={"User-agent": how.http_agent})  # noqa: S310 (looked at above)
    for name, value in how.headers.items():
        late = name.lower() in {header.lower() for header in how.unredirected_headers}
        (request.add_unredirected_header if late else request.add_header)(str(name), str(value))
    if flag(how.force):
        request.add_header("Cache-control", "no-cache")
    who = _credentials(address, how)
    if who is not None and flag(how.force_basic_auth):
        token = base64.b64encode(":".join(who).encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with _opener(address, how, who).open(request, timeout=float(how.timeout)) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        raise ValueError(f"{address} answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, OSError) as error:
        raise ValueError(f"{address} can't be read: {getattr(error, 'reason', error)}") from None


def _credentials(address: str, how: _Options) -> tuple[str, str] | None:
    if how.username is not None:
        return how.username, how.password or ""
    host = urlsplit(address).hostname or ""
    if flag(how.use_netrc) and Path("~/.netrc").expanduser().is_file():
        try:
            known = netrc.netrc().authenticators(host)
        except netrc.NetrcParseError:
            known = None
        if known is not None:
            return known[0], known[2] or ""
    return None


def _opener(address: str, how: _Options, who: tuple[str, str] | None) -> urllib.request.OpenerDirector:
    trust = ssl.create_default_context(cafile=how.ca_path)
    if not flag(how.validate_certs):
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    if how.ciphers:
        trust.set_ciphers(":".join(how.ciphers))
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=trust)]
    if not flag(how.use_proxy):
        handlers.append(urllib.request.ProxyHandler({}))
    if how.follow_redirects in ("no", "none"):
        handlers.append(_Stay())
    if who is not None:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, address, *who)
        handlers += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
    return urllib.request.build_opener(*handlers)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """None: the answer that says where else to go is an error."""
