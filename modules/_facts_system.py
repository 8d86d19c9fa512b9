"""Facts of the system: its names, its distribution, its user, its Python, its time."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PLATFORM = (
    "system", "kernel", "kernel_version", "machine", "python_version", "fqdn", "hostname", "nodename", "domain",
    "userspace_bits", "userspace_architecture", "architecture", "machine_id",
)  # fmt: skip
DISTRIBUTION = (
    "distribution", "distribution_release", "distribution_version", "distribution_major_version", "os_family",
)  # fmt: skip
USER = (
    "user_id", "user_uid", "user_gid", "user_gecos", "user_dir", "user_shell", "real_user_id",
    "effective_user_id", "real_group_id", "effective_group_id",
)  # fmt: skip

_NAMES: Mapping[str, str] = {
    "debian": "Debian", "ubuntu": "Ubuntu", "rhel": "RedHat", "centos": "CentOS", "fedora": "Fedora",
    "amzn": "Amazon", "alpine": "Alpine", "arch": "Archlinux", "sles": "SLES", "opensuse-leap": "openSUSE Leap",
    "opensuse-tumbleweed": "openSUSE Tumbleweed", "rocky": "Rocky", "almalinux": "AlmaLinux",
    "ol": "OracleLinux", "linuxmint": "Linux Mint", "kali": "Kali", "gentoo": "Gentoo", "nixos": "NixOS",
    "pop": "Pop!_OS", "raspbian": "Debian",
}  # fmt: skip
"""Ansible's names, by the ID of /etc/os-release."""

_FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("Debian", "Ubuntu", "Linux Mint", "Kali", "Pop!_OS"), "Debian"),
    **dict.fromkeys(("RedHat", "CentOS", "Fedora", "Amazon", "Rocky", "AlmaLinux", "OracleLinux"), "RedHat"),
    **dict.fromkeys(("SLES", "openSUSE Leap", "openSUSE Tumbleweed"), "Suse"),
    "MacOSX": "Darwin",
}

_MANAGERS = (
    ("RedHat", "dnf"), ("RedHat", "yum"), ("Debian", "apt-get"), ("Suse", "zypper"), ("Alpine", "apk"),
    ("Archlinux", "pacman"), ("Gentoo", "emerge"), ("Darwin", "brew"),
)  # fmt: skip
"""Package managers by family, the better first, as the programs are called."""

_INITS = {
    "init": "sysvinit",
    "runit-init": "runit",
    "svscan": "svc",
    "openrc-init": "openrc",
    "launchd": "launchd",
}


def platform_facts() -> dict[str, Any]:
    uname = platform.uname()
    fqdn = socket.getfqdn()
    bits = "64" if sys.maxsize > 2**32 else "32"
    return {
        "system": uname.system,
        "kernel": uname.release,
        "kernel_version": uname.version,
        "machine": uname.machine,
        "python_version": platform.python_version(),
        "fqdn": fqdn,
        "hostname": uname.node.split(".")[0],
        "nodename": uname.node,
        "domain": ".".join(fqdn.split(".")[1:]),
        "userspace_bits": bits,
        "userspace_architecture": _architecture(uname.machine, bits),
        "architecture": _architecture(uname.machine, "64"),
        "machine_id": _read("/var/lib/dbus/machine-id", "/etc/machine-id"),
    }


def _architecture(machine: str, bits: str) -> str:
    if machine in ("x86_64", "AMD64"):
        return "x86_64" if bits == "64" else "i386"
    return "i386" if machine in ("i386", "i486", "i586", "i686") else machine


def distribution() -> dict[str, Any]:
    if sys.platform == "darwin":
        version = platform.mac_ver()[0]
        return _distribution("MacOSX", version, platform.release())
    if sys.platform != "linux":
        return _distribution(platform.system(), platform.version(), platform.release())
    told = os_release()
    name = _NAMES.get(told.get("ID", ""), told.get("NAME", "Linux"))
    version = told.get("VERSION_ID", "NA")
    if name == "Debian":
        exact = _read("/etc/debian_version")
        version = exact if exact[:1].isdigit() else version
    return _distribution(name, version, told.get("VERSION_CODENAME", "NA"))


def _distribution(name: str, version: str, release: str) -> dict[str, Any]:
    return {
        "distribution": name,
        "distribution_release": release,
        "distribution_version": version,
        "distribution_major_version": version.split(".")[0],
        "os_family": _FAMILIES.get(name, name),
    }


def os_release() -> dict[str, str]:
    """What /etc/os-release says."""
    lines = _read("/etc/os-release", "/usr/lib/os-release").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def user() -> dict[str, Any]:
    if sys.platform == "win32":
        return {}
    import pwd

    name = getpass.getuser()
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        entry = pwd.getpwuid(os.getuid())
    return {
        "user_id": name,
        "user_uid": entry.pw_uid,
        "user_gid": entry.pw_gid,
        "user_gecos": entry.pw_gecos,
        "user_dir": entry.pw_dir,
        "user_shell": entry.pw_shell,
        "real_user_id": os.getuid(),
        "effective_user_id": os.geteuid(),
        "real_group_id": os.getgid(),
        "effective_group_id": os.getegid(),
    }


def python() -> dict[str, Any]:
    parts = ("major", "minor", "micro", "releaselevel", "serial")
    return {
        "python": {
            "version": dict(zip(parts, sys.version_info, strict=True)),
            "version_info": list(sys.version_info),
            "executable": sys.executable,
            "has_sslcontext": hasattr(ssl, "SSLContext"),
            "type": sys.implementation.name,
        }
    }


def date_time(moment: datetime) -> dict[str, str]:
    """The moment in the machine's own time zone; `iso8601` in UTC."""
    here, there = moment.astimezone(), moment.astimezone(UTC)
    return {
        "year": f"{here:%Y}",
        "month": f"{here:%m}",
        "weekday": f"{here:%A}",
        "weekday_number": f"{here:%w}",
        "weeknumber": f"{here:%W}",
        "day": f"{here:%d}",
        "hour": f"{here:%H}",
        "minute": f"{here:%M}",
        "second": f"{here:%S}",
        "epoch": str(int(moment.timestamp())),
        "epoch_int": str(int(moment.timestamp())),
        "date": f"{here:%Y-%m-%d}",
        "time": f"{here:%H:%M:%S}",
        "iso8601_micro": f"{there:%Y-%m-%dT%H:%M:%S.%fZ}",
        "iso8601": f"{there:%Y-%m-%dT%H:%M:%SZ}",
        "iso8601_basic": f"{here:%Y%m%dT%H%M%S%f}",
        "iso8601_basic_short": f"{here:%Y%m%dT%H%M%S}",
        "tz": f"{here:%Z}",
        "tz_dst": time.tzname[1],
        "tz_offset": f"{here:%z}",
    }


def fips() -> dict[str, Any]:
    return {"fips": _read("/proc/sys/crypto/fips_enabled") == "1"}


def selinux() -> dict[str, Any]:
    """`disabled` is true where there is none; where there is, its library would have to be asked."""
    return {"selinux": {"status": "disabled"}, "selinux_python_present": True}


def apparmor() -> dict[str, Any]:
    there = Path("/sys/kernel/security/apparmor").exists()
    return {"apparmor": {"status": "enabled" if there else "disabled"}}


def pkg_mgr() -> dict[str, Any]:
    import shutil

    family = distribution()["os_family"]
    found = next(
        (program for kind, program in _MANAGERS if kind == family and shutil.which(program)), "unknown"
    )
    return {"pkg_mgr": {"apt-get": "apt", "emerge": "portage", "brew": "homebrew"}.get(found, found)}


def service_mgr() -> dict[str, Any]:
    if sys.platform == "darwin":
        return {"service_mgr": "launchd"}
    first = _read("/proc/1/comm")
    return {"service_mgr": _INITS.get(first, first) or "service"}


def is_chroot() -> dict[str, Any]:
    try:
        mine, first = Path("/").stat(), Path("/proc/1/root/.").stat()
    except OSError:
        return {"is_chroot": False}
    return {"is_chroot": (mine.st_ino, mine.st_dev) != (first.st_ino, first.st_dev)}


def _read(*paths: str) -> str:
    """The text of the first file that can be read, without spaces around it."""
    for path in paths:
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue
    return ""
