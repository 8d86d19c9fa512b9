"""Find out about this machine: its facts, as variables.

- setup:
    gather_subset: ["!all", env]
- setup:
    filter: ansible_distribution*
  register: found

A play gathers facts by itself unless it says `gather_facts: false`; that costs nothing until one is read. This
module gathers them now, into `ansible_facts` and variables named `ansible_NAME`. They are Ansible's, as far as they
can be told without running a program: no `ansible_mounts`, `ansible_devices`, `ansible_lsb`, `ansible_cmdline`,
`ansible_virtualization_type`.

A host that is not this machine has no facts: ask AWS with `ec2_info`, or the host with `command` and
`connection: ssm`.
"""

from __future__ import annotations

from . import _setup


class Setup(_setup.Setup):
    __doc__ = __doc__
