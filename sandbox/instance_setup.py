"""What an instance finds when it starts: its file tree's plan, its tools, its environment, its valkey-cli."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from . import instance_tools, overlay, private_folder, valkey_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .instance_agent import Plan
    from .valkey_source import ValkeyClient

_PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "TZ")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Kind(Enum):
    """How an instance's files are kept apart from this machine's."""

    OVERLAY = "overlay"
    OVERLAY_IN_MEMORY = "overlay-in-memory"
    PRIVATE = "private-folder"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Way:
    """A kind, and in plain words what it is, or why there is none. `owner` is as in `Ready`."""

    kind: Kind
    words: str = ""
    owner: int | None = None


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What the instances of a sandbox have in common.

    `authorities` is a PEM file with all certificate authorities to trust, the sandbox's own among them.
    `valkey_source` names Valkey's source archive, a file or an address; empty means the lab's own address.
    `environment` is given to every command.
    """

    authorities: Path
    region: str
    valkey_source: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    ways: tuple[Kind, ...] = (Kind.OVERLAY, Kind.OVERLAY_IN_MEMORY, Kind.PRIVATE)


class InstanceSetup:
    """Prepares the tools in the background, then answers what an instance is made of."""

    def __init__(self, directory: Path, settings: HostSettings) -> None:
        """`directory` is where the tools are written. Nothing is started yet."""
        self._directory = directory
        self._tools = directory / "tools"
        self.settings = settings
        self._client: Future[ValkeyClient] = Future()

    def start(self) -> None:
        """Look at this machine and write the tools, in a thread of its own."""
        threading.Thread(target=self._prepare, name="instance-tools", daemon=True).start()

    @property
    def client(self) -> ValkeyClient:
        """How the instances get their valkey-cli. Waits until it is decided."""
        return self._client.result()

    def _prepare(self) -> None:
        try:
            offers = instance_tools.probe_offers()
            client = valkey_source.choose_client(
                self.settings.valkey_source, offers, self._directory / "source"
            )
            instance_tools.write_tools(self._tools, offers, client, self.settings.authorities)
            if client.stand_in_because:
                shutil.copyfile(Path(__file__).with_name("valkey_cli.py"), self._tools / "valkey_cli.py")
        except OSError as error:
            self._client.set_exception(error)
            return
        self._client.set_result(client)

    def command(self, way: Way, folder: Path) -> list[str]:
        """The command line of an agent process."""
        agent = [sys.executable, "-P", "-m", "runbook.sandbox.instance_agent"]
        if way.kind is Kind.PRIVATE and _seatbelt():
            profile = private_folder.seatbelt_profile([private_folder.root_of(folder), folder / "ssm"])
            return ["/usr/bin/sandbox-exec", "-p", profile, *agent]
        return agent

    def empty_plan(self, way: Way, folder: Path) -> Plan:
        """A plan with nothing in it, to try whether the way works."""
        tools = folder / "tools"
        tools.mkdir(parents=True, exist_ok=True)
        return self._plan(way, folder, "probe", tools, {}, {})

    def plan(self, way: Way, folder: Path, hostname: str) -> Plan:
        """The plan of the instance in `folder`. Waits until the tools are written."""
        client = self.client
        files = {
            "/etc/os-release": instance_tools.OS_RELEASE,
            "/etc/system-release": "Amazon Linux release 2023\n",
        }
        programs: dict[str, str] = {}
        if client.stand_in_because:
            inner_tools = self._tools if way.kind is Kind.PRIVATE else overlay.TOOLS
            python = str(Path(sys.base_prefix, "bin", Path(sys.executable).resolve().name))
            programs["/usr/local/bin/valkey-cli"] = instance_tools.stand_in(
                python, inner_tools / "valkey_cli.py", client
            )
            files["/etc/motd"] = f"valkey-cli is a stand-in here: {client.stand_in_because}\n"
        return self._plan(way, folder, hostname, self._tools, files, programs)

    def _plan(
        self,
        way: Way,
        folder: Path,
        hostname: str,
        tools: Path,
        files: dict[str, str],
        programs: dict[str, str],
    ) -> Plan:
        if way.kind is Kind.PRIVATE:
            return private_folder.PrivatePlan(
                tree=str(folder),
                ssm=str(folder / "ssm"),
                files=files,
                programs=programs,
                guarded_outside=_seatbelt(),
            )
        return overlay.OverlayPlan(
            tree=str(folder),
            tools=str(tools),
            ssm=str(folder / "ssm"),
            hostname=hostname,
            visible=overlay.hidden_folders([Path(sys.base_prefix)]),
            files=files,
            programs=programs,
            links=_posix_bash(),
            in_memory=way.kind is Kind.OVERLAY_IN_MEMORY,
        )

    def shell(self, way: Way) -> str:
        """The program behind `sh`, as the instance sees it: bash, as on Amazon Linux, where there is one."""
        if way.kind is Kind.PRIVATE:
            return shutil.which("bash", path=instance_tools.MACHINE_PATH) or "/bin/sh"
        return "/bin/sh"

    def ssm_folder(self, way: Way, folder: Path) -> Path:
        """Where the instance sees its commands' scripts and outputs."""
        return folder / "ssm" if way.kind is Kind.PRIVATE else overlay.SSM_FOLDER

    def working_directory(self, way: Way, folder: Path) -> str:
        """Where commands start when they name no folder: the SSM agent's own is /usr/bin."""
        return str(private_folder.root_of(folder) / "root") if way.kind is Kind.PRIVATE else "/usr/bin"

    def environment(self, way: Way, folder: Path, instance_id: str) -> dict[str, str]:
        """The environment of the instance's commands."""
        shared = {name: value for name in _PASSED_ON if (value := os.environ.get(name))}
        shared |= {"USER": "root", "LOGNAME": "root", "LANG": "C.UTF-8", "SHELL": "/bin/bash"}
        shared |= {"AWS_SSM_INSTANCE_ID": instance_id, "AWS_SSM_REGION_NAME": self.settings.region}
        if way.kind is Kind.PRIVATE:
            tools = self._tools
            shared |= private_folder.environment(folder, tools)
        else:
            tools = overlay.TOOLS
            shared |= {"PATH": f"{tools}/bin:{_PATH}", "HOME": "/root"}
        authorities = str(tools / "authorities.pem")
        shared |= {"SSL_CERT_FILE": authorities, "CURL_CA_BUNDLE": authorities}
        return {**shared, **self.settings.environment}


def _seatbelt() -> bool:
    return sys.platform == "darwin" and Path("/usr/bin/sandbox-exec").exists()


def _posix_bash() -> dict[str, str]:
    """On Amazon Linux `sh` is bash."""
    bash = shutil.which("bash", path="/usr/bin:/bin")
    return {"/bin/sh": bash} if bash else {}
