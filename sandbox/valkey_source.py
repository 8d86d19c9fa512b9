"""Where the instance's valkey-cli comes from: compiled from its source, or our stand-in, and why."""

from __future__ import annotations

import re
import shutil
import tarfile
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .instance_tools import Offers

SETTING = "RUNBOOK_SANDBOX_VALKEY_SOURCE"
LAB_VERSION = "7.2.7"
_RELEASES = "https://github.com/valkey-io/valkey/archive/refs/tags"
_VERSION_LINE = re.compile(rb'#define\s+VALKEY_VERSION\s+"([^"]+)"')
_ROUTE_SECONDS = 4.0
_DOWNLOAD_SECONDS = 60.0


def release_url(version: str) -> str:
    """The address from which the lab downloads that version's source."""
    return f"{_RELEASES}/{version}.tar.gz"


@dataclass(frozen=True, slots=True)
class ValkeyClient:
    """How an instance gets its valkey-cli.

    `archive` is the source archive that the setting names, of Valkey `version`: the instance's curl and wget
    answer with it when that version's release is asked for. `stand_in_because` is empty where valkey-cli is
    compiled, else the one line that says why it can't be.
    """

    version: str = LAB_VERSION
    archive: Path | None = None
    stand_in_because: str = ""

    @property
    def words(self) -> str:
        """In one line, for people."""
        if self.stand_in_because:
            return f"stand-in, not compiled: {self.stand_in_because}"
        source = self.archive or release_url(self.version)
        return f"compiled on the instance by its playbook, version {self.version} from {source}"


def choose_client(setting: str, offers: Offers, cache: Path) -> ValkeyClient:
    """Look at this machine, in a few seconds at most, and decide. Never raises: a trouble is a reason."""
    archive: Path | None = None
    version = LAB_VERSION
    if setting:
        try:
            archive = _fetched(setting, cache)
            version = source_version(archive)
        except (OSError, ValueError) as error:
            return ValkeyClient(stand_in_because=f"{SETTING} names {setting}, which is no use: {error}")
    if lacking := offers.lacking_to_compile:
        return ValkeyClient(version, archive, f"this machine has no {' and no '.join(lacking)}")
    if archive is None and (why := _no_route(release_url(version))):
        return ValkeyClient(version, None, f"no route from this machine to {release_url(version)} ({why})")
    return ValkeyClient(version, archive)


def _fetched(setting: str, cache: Path) -> Path:
    """The archive as a file of this machine. Raises OSError."""
    if urlsplit(setting).scheme not in {"http", "https"}:
        path = Path(setting.removeprefix("file://")).expanduser().absolute()
        path.stat()
        return path
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / (Path(urlsplit(setting).path).name or "valkey.tar.gz")
    if not target.exists():
        partial = target.with_name(target.name + ".part")
        with urllib.request.urlopen(setting, timeout=_DOWNLOAD_SECONDS) as answer, partial.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file)
        partial.rename(target)
    return target


def source_version(archive: Path) -> str:
    """The version that a source archive of Valkey compiles to. Raises ValueError or OSError."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                if not member.name.endswith("/src/version.h"):
                    continue
                file = tar.extractfile(member)
                if file and (found := _VERSION_LINE.search(file.read())):
                    return found[1].decode()
    except tarfile.TarError as error:
        raise ValueError(f"not a source archive ({error})") from error
    raise ValueError("it holds no src/version.h with a VALKEY_VERSION")


def _no_route(url: str) -> str:
    """Why `url` can't be downloaded from here; empty if it can."""
    answers: Queue[str] = Queue()
    # A thread of its own: no time-out holds for the look-up of a name.
    threading.Thread(target=lambda: answers.put(_head(url)), name="valkey-route", daemon=True).start()
    try:
        return answers.get(timeout=_ROUTE_SECONDS)
    except Empty:
        return f"no answer in {_ROUTE_SECONDS:.0f} seconds"


def _head(url: str) -> str:
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - our own https address
    try:
        with urllib.request.urlopen(request, timeout=_ROUTE_SECONDS):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except (OSError, HTTPException) as error:
        return str(getattr(error, "reason", error))
