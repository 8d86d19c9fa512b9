"""Modules of ansible.builtin that runbook will not have, and what to write instead.

They need a login on the host, a password that becomes root, or Python that is pushed there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_RUN = "Use 'command' or 'shell': on this machine, or with 'connection: ssm' on an instance"


def _all() -> Iterator[tuple[str, str]]:
    packages = f"{_RUN}: command: {{}} install -y NAME"
    for name in ("apt", "dnf", "dnf5", "yum", "package"):
        yield name, packages.format(name.replace("dnf5", "dnf").replace("package", "apt-get"))
    for name in ("apt_key", "apt_repository", "deb822_repository", "yum_repository", "rpm_key", "debconf"):
        yield name, f"{_RUN}, or put the file there with 'copy'."
    yield "dpkg_selections", f"{_RUN}: dpkg --set-selections."
    yield "package_facts", f"{_RUN} and register what it says: dpkg-query -W, rpm -qa."
    yield "service_facts", f"{_RUN} and register what it says: systemctl list-units --output=json."
    yield "mount_facts", f"{_RUN} and register what it says: findmnt --json."
    for name in ("service", "systemd", "systemd_service", "sysvinit"):
        yield name, f"{_RUN}: command: systemctl restart NAME."
    yield "user", f"{_RUN}: useradd, usermod, userdel."
    yield "group", f"{_RUN}: groupadd, groupmod, groupdel."
    yield "getent", f"{_RUN} and register what it says: getent passwd NAME."
    yield "cron", f"{_RUN}: crontab, or put a file into /etc/cron.d with 'copy'."
    yield "hostname", f"{_RUN}: hostnamectl set-hostname NAME."
    yield "reboot", "Use 'command: reboot' with 'connection: ssm', then 'wait_for_connection'."
    yield "iptables", "Rules of an instance's network are those of its security groups: use 'sg_rule'."
    yield "known_hosts", "runbook does not log in to hosts; use 'lineinfile' on the file if you need it."
    yield "git", f"{_RUN}: git clone URL, with 'creates'."
    yield "subversion", f"{_RUN}: svn checkout URL, with 'creates'."
    yield "pip", f"{_RUN}: python3 -m pip install NAME."
    yield "unarchive", f"{_RUN}: tar xf FILE -C FOLDER, with 'creates'; 'get_url' fetches the file."
    yield "expect", f"{_RUN}, with 'stdin' for what it asks."


INSTEAD_OF: Mapping[str, str] = dict(_all())
"""What to write instead, by the module's short name."""
