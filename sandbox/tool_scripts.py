"""The texts of the shell scripts that stand for Amazon Linux's tools in an instance."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SUDO = """\
#!/bin/sh
# sudo of the sandbox: commands are root in the instance already.
while [ $# -gt 0 ]; do
    case $1 in
    -u | -g | -p | -C | -T | -h) shift ;;
    -i | -s) shell=1 ;;
    --) shift; break ;;
    -*) ;;
    *=*) export "$1" ;;
    *) break ;;
    esac
    shift
done
if [ $# -eq 0 ]; then
    [ -n "${shell:-}" ] && exec sh
    echo "usage: sudo command [arg ...]" >&2
    exit 1
fi
exec "$@"
"""

# Finds the real program: the next one on the PATH outside of our folders.
_REAL = """\
here=$(cd "$(dirname "$0")/.." && pwd)
real=
old_ifs=$IFS; IFS=:
for folder in $PATH; do
    case $folder in "$here"/*) continue ;; esac
    if [ -x "$folder/$name" ]; then real=$folder/$name; break; fi
done
IFS=$old_ifs
"""

_YUM = """\
#!/bin/sh
# yum of the sandbox: nothing is installed, this machine's own programs and headers serve.
action= packages=
for word in "$@"; do
    case $word in
    -*) ;;
    *) if [ -z "$action" ]; then action=$word; else packages="$packages $word"; fi ;;
    esac
done
case $action in
install | reinstall | localinstall | groupinstall) ;;
update | upgrade | clean | makecache | check-update)
    echo "Nothing to do."
    echo "Complete!"
    exit 0 ;;
*)
    echo "yum: the sandbox knows install and update only, not: ${action:-nothing}" >&2
    exit 1 ;;
esac
lacking=
for package in $packages; do
    case $package in
@PACKAGES@
    *)
        if found=$(command -v "$package"); then
            echo "Package $package (of this machine: $found) is already installed."
        else
            echo "No match for argument: $package" >&2
            lacking="$lacking $package"
        fi ;;
    esac
done
if [ -n "$lacking" ]; then
    echo "Error: Unable to find a match:$lacking" >&2
    exit 1
fi
echo "Dependencies resolved."
echo "Nothing to do."
echo "Complete!"
"""


_NOT_OFFERED = "not offered by this machine; not needed for valkey-cli."


def yum(found: Mapping[str, str], not_needed: Collection[str]) -> str:
    """yum, which knows what this machine offers (`found`), and what may lack without harm (`not_needed`)."""
    cases = [
        f"    {name}) echo {shlex.quote(f'Package {name} (of this machine: {where}) is already installed.')} ;;"
        for name, where in sorted(found.items())
    ]
    cases += [
        f"    {name}) echo {shlex.quote(f'Package {name}: {_NOT_OFFERED}')} ;;"
        for name in sorted(not_needed)
        if name not in found
    ]
    return _YUM.replace("@PACKAGES@", "\n".join(cases))


_DOWNLOAD = """\
#!/bin/sh
# @NAME@ of the sandbox: one address is answered with Valkey's source archive of this machine.
name=@NAME@
url=@URL@
@REAL@
asked=
for word in "$@"; do
    case $word in
    "$url") asked=1 ;;
    https://github.com/valkey-io/valkey/archive/*)
        echo "@NAME@: this sandbox has the source of Valkey @VERSION@ only; asking the internet for $word" >&2 ;;
    esac
done
if [ -z "$asked" ]; then
    [ -n "$real" ] && exec "$real" "$@"
    echo "@NAME@: this machine has no @NAME@; the sandbox answers only $url" >&2
    exit 127
fi
target=@DEFAULT@ folder=.
while [ $# -gt 0 ]; do
    case $1 in
@OPTIONS@
    esac
    shift
done
if [ "$target" = - ]; then exec cat "$here/valkey-source"; fi
case $target in /*) ;; *) target=$folder/$target ;; esac
mkdir -p "$(dirname "$target")"
exec cp "$here/valkey-source" "$target"
"""
_DOWNLOAD_OPTIONS = {
    "curl": """\
    --output=*) target=${1#--output=} ;;
    --output-dir) folder=$2; shift ;;
    --output | -o) target=$2; shift ;;
    --remote-name | --remote-name-all) target=${url##*/} ;;
    --*) ;;
    -*o) target=$2; shift ;;
    -*O*) target=${url##*/} ;;""",
    "wget": """\
    --output-document=*) target=${1#--output-document=} ;;
    --output-document | -O) target=$2; shift ;;
    --directory-prefix=*) folder=${1#--directory-prefix=} ;;
    --directory-prefix | -P) folder=$2; shift ;;
    --*) ;;
    -*O) target=$2; shift ;;
    -*O-) target=- ;;""",
}


def download(name: str, url: str, version: str) -> str:
    """curl or wget (`name`), which answers `url` with the archive in the tools' folder."""
    default = "-" if name == "curl" else "${url##*/}"
    text = _DOWNLOAD.replace("@NAME@", name).replace("@URL@", shlex.quote(url)).replace("@VERSION@", version)
    text = text.replace("@OPTIONS@", _DOWNLOAD_OPTIONS[name]).replace("@DEFAULT@", default)
    return text.replace("@REAL@", _REAL)


def private_make(name: str) -> str:
    """make of an instance in a private folder: what it installs goes into the folder."""
    return f"""\
#!/bin/sh
# {name} of the sandbox: "install" goes to the instance's own folder, whatever the makefile says.
name={name}
{_REAL}
if [ -z "$real" ]; then echo "{name}: this machine has none" >&2; exit 127; fi
exec "$real" "$@" PREFIX="$RUNBOOK_SANDBOX_ROOT/usr/local" prefix="$RUNBOOK_SANDBOX_ROOT/usr/local"
"""


# What changes files in ways that the guards can't refuse.
REFUSED_OUTSIDE = ("chmod", "chown", "chgrp", "setfacl", "chattr", "setfattr")
# What changes the machine as a whole.
REFUSED = (
    "systemctl", "service", "reboot", "shutdown", "poweroff", "halt", "init", "mount", "umount", "sysctl",
    "modprobe", "insmod", "rmmod", "hostnamectl", "timedatectl", "useradd", "userdel", "usermod", "groupadd",
    "passwd", "iptables", "nft", "ip", "ifconfig", "route", "launchctl", "diskutil",
)  # fmt: skip


def private_owner_tool(name: str) -> str:
    """chmod and its kind, which refuse paths outside of the instance's folder."""
    return f"""\
#!/bin/sh
name={name}
{_REAL}
for word in "$@"; do
    case $word in
    "$RUNBOOK_SANDBOX_ROOT"/*) ;;
    /* | *../*)
        echo "{name}: $word is outside of this instance's folder: refused by the sandbox" >&2
        exit 1 ;;
    esac
done
if [ -z "$real" ]; then echo "{name}: this machine has none" >&2; exit 127; fi
exec "$real" "$@"
"""


def refused(name: str) -> str:
    """A program that would change this machine: it only says no."""
    return f"""\
#!/bin/sh
echo "{name}: would change this machine, not the instance: refused by the sandbox" >&2
exit 1
"""


def stand_in(python: str, script: str, version: str, because: str) -> str:
    """The `valkey-cli` of an instance where none can be compiled."""
    first = f"valkey-cli {version} (stand-in of the runbook sandbox)"
    return f"""\
#!/bin/sh
case "$*" in
--version | -v)
    echo {shlex.quote(first)}
    echo {shlex.quote(f"not compiled: {because}")}
    exit 0 ;;
esac
exec {shlex.quote(python)} -I -S {shlex.quote(script)} "$@"
"""
