"""The programs of Amazon Linux that an instance needs and this machine lacks: yum, sudo, and their kind.

They are small shell scripts, written once for a sandbox. `yum` installs nothing: it says which of the asked
packages this machine offers already, and fails on what it lacks.
"""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import tool_scripts
from .valkey_source import release_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .valkey_source import ValkeyClient

# Where an instance looks for programs of this machine.
MACHINE_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/bin"

_PROGRAMS = {
    "bash": "bash", "bzip2": "bzip2", "coreutils": "ls", "curl": "curl", "curl-minimal": "curl",
    "diffutils": "diff", "findutils": "find", "gawk": "awk", "gcc": "gcc", "gcc-c++": "g++", "git": "git",
    "grep": "grep", "gzip": "gzip", "hostname": "hostname", "jq": "jq", "less": "less", "make": "make",
    "nmap-ncat": "nc", "openssl": "openssl", "patch": "patch", "perl": "perl", "pkgconf-pkg-config": "pkg-config",
    "procps-ng": "ps", "python3": "python3", "sed": "sed", "tar": "tar", "tcl": "tclsh", "unzip": "unzip",
    "util-linux": "mount", "vim-enhanced": "vim", "vim-minimal": "vi", "wget": "wget", "which": "which",
    "xz": "xz", "zip": "zip",
}  # fmt: skip
_HEADERS = {
    "glibc-devel": "stdio.h",
    "jemalloc-devel": "jemalloc/jemalloc.h",
    "openssl-devel": "openssl/ssl.h",
    "systemd-devel": "systemd/sd-daemon.h",
    "tcl-devel": "tcl.h",
    "zlib-devel": "zlib.h",
}
_HEADER_FOLDERS = ("/usr/include/tcl", "/opt/homebrew/opt/openssl/include", "/usr/local/opt/openssl/include")

# Valkey brings its own jemalloc, and its tests alone need Tcl.
NOT_NEEDED_TO_COMPILE = ("jemalloc-devel", "tcl", "tcl-devel")
_NEEDED_TO_COMPILE = {
    "gcc": "C compiler",
    "make": "make",
    "openssl-devel": "OpenSSL headers",
    "tar": "tar",
    "gzip": "gzip",
}


@dataclass(frozen=True, slots=True)
class Offers:
    """What this machine offers of Amazon Linux's packages: where each was found. What is absent it lacks."""

    found: Mapping[str, str]

    @property
    def lacking_to_compile(self) -> list[str]:
        """What valkey-cli can't be compiled without, and this machine has not, in plain words."""
        return [words for package, words in _NEEDED_TO_COMPILE.items() if package not in self.found]


def probe_offers(path: str = MACHINE_PATH) -> Offers:
    """Look for the programs on `path`, and for the headers by compiling a line with each."""
    found = {
        name: where for name, program in _PROGRAMS.items() if (where := shutil.which(program, path=path))
    }
    compiler = found.get("gcc") or shutil.which("cc", path=path)
    if compiler:
        found["gcc"] = compiler
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda header: _compiles(compiler, header), _HEADERS.values())
            found |= {
                name: f"{header}"
                for (name, header), works in zip(_HEADERS.items(), answers, strict=True)
                if works
            }
    return Offers(found)


def _compiles(compiler: str, header: str) -> bool:
    folders = [f"-I{folder}" for folder in _HEADER_FOLDERS if Path(folder).is_dir()]
    source = f"#include <stdio.h>\n#include <{header}>\nint main(void) {{ return 0; }}\n"
    try:
        done = subprocess.run(  # noqa: S603 - the compiler found on the path
            [compiler, *folders, "-x", "c", "-fsyntax-only", "-"],
            input=source.encode(),
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def write_tools(folder: Path, offers: Offers, client: ValkeyClient, authorities: Path) -> None:
    """Write the tools' folder, which the instances see read-only.

    `bin` is for every instance, `private` for those without a file tree of their own; beside them lie the
    certificate `authorities` to trust and, if it is set, Valkey's source archive.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("bin", "private"):
        (folder / name).mkdir(parents=True)
    shutil.copyfile(authorities, folder / "authorities.pem")
    if client.archive is not None:
        shutil.copyfile(client.archive, folder / "valkey-source")
    yum = tool_scripts.yum(offers.found, NOT_NEEDED_TO_COMPILE)
    for name in ("yum", "dnf", "microdnf"):
        _program(folder / "bin" / name, yum)
    _program(folder / "bin/sudo", tool_scripts.SUDO)
    if client.archive is not None:
        for name in ("curl", "wget"):
            script = tool_scripts.download(name, release_url(client.version), client.version)
            _program(folder / "bin" / name, script)
    for name in ("make", "gmake"):
        _program(folder / "private" / name, tool_scripts.private_make(name))
    for name in tool_scripts.REFUSED_OUTSIDE:
        _program(folder / "private" / name, tool_scripts.private_owner_tool(name))
    for name in tool_scripts.REFUSED:
        _program(folder / "private" / name, tool_scripts.refused(name))


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def stand_in(python: str, valkey_cli: Path, client: ValkeyClient) -> str:
    """The text of the instance's `valkey-cli` where none can be compiled; `--version` says so, and why."""
    return tool_scripts.stand_in(python, str(valkey_cli), client.version, client.stand_in_because)


OS_RELEASE = """\
NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PLATFORM_ID="platform:al2023"
PRETTY_NAME="Amazon Linux 2023 (an instance of the runbook sandbox)"
HOME_URL="https://aws.amazon.com/linux/amazon-linux-2023/"
"""
