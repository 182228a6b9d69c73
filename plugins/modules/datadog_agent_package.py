# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Repair or remove the Agent's package."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_agent_package
short_description: Repair or remove the package of the Datadog Agent
version_added: 0.1.0
description:
  - Does what C(ansible.builtin.apt) does not do with this package. An installation that was interrupted it takes for
    finished, a purge it leaves half done where the package's own scripts fail, and it installs C(python3-apt) on hosts
    that have nothing to remove.
author: Kennel contributors (@kennel)
options:
  state:
    description:
      - With V(whole), what dpkg was stopped in is finished, and the package is installed again if dpkg has left it in
        between. Otherwise nothing is done, whether it is installed or not.
      - With V(absent), the package is removed.
    type: str
    choices: [whole, absent]
    default: whole
  version:
    description: The version to install with O(state=whole), as apt writes it. Empty for the newest.
    type: str
    default: ""
  purge:
    description:
      - With O(state=absent), whether all that the package and the Agent leave behind is removed, too. These are
        configuration, logs, the user C(dd-agent), units, links, and C(/opt/datadog-packages) unless other packages of
        Datadog's are in it.
    type: bool
    default: false
  signing_keys:
    description:
      - With O(purge), whether C(datadog-signing-keys) is purged as well, which apt installs with the Agent. It is kept
        where another package depends on it.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Says what would change and changes nothing.
  diff_mode:
    support: none
    description: There is no text to compare.
"""

EXAMPLES = r"""
- name: Leave nothing of the Agent on the host
  kennel.fleet.datadog_agent_package:
    state: absent
    purge: true
"""

RETURN = r"""
actions:
  description: What was repaired or removed, or in check mode would be, as packages, paths and accounts.
  returned: always
  type: list
  elements: str
  sample: [datadog-agent, /etc/datadog-agent, dd-agent]
"""

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._host.dpkg import (
    ABSENT,
    ADMINDIR,
    REMOVED,
    read_package,
    was_interrupted,
)

PACKAGE = "datadog-agent"
KEYS_PACKAGE = "datadog-signing-keys"
USER = "dd-agent"
APT = ("apt-get", "--yes", "--quiet", "-o", "DPkg::Lock::Timeout=120")
# As ansible.builtin.apt answers dpkg's question which configuration file to take.
KEEP = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
# What is left where the package's own scripts could not do their part, and what they leave always (datadog-agent 7.84,
# datadog_agent_linux.go and package-scripts/agent-deb): the units were written by a script, so that dpkg forgets them.
FOLDERS = ("/etc/datadog-agent", "/opt/datadog-agent", "/var/log/datadog")
UNITS = (
    "/etc/systemd/system/datadog-agent*.service",
    "/etc/systemd/system/*.wants/datadog-agent*.service",
    "/usr/lib/systemd/system/datadog-agent*.service",
    "/lib/systemd/system/datadog-agent*.service",
)
LINKS = ("/usr/bin/datadog-agent", "/usr/bin/datadog-installer")
# Where the installer keeps packages, the Agent's and those of other products.
INSTALLER = "/opt/datadog-packages"
OWN = ("datadog-agent", "run", "tmp", "packages.db")
TARGETS = ("/opt/datadog-agent/", f"{INSTALLER}/datadog-agent/")
# Stands in for adduser's deluser and delgroup. The package's postrm calls them under `set -e` and does not depend on
# adduser; where that, or the account, is not there, its purge would fail and never end.
ACCOUNT_TOOL = """#!/bin/sh
for name; do
    case $name in -*) ;; *) ! grep -q "^$name:" {database} || exec {tool} "$name" ;; esac
done
"""
# What of these is elsewhere, such as in a directory service, is not the package's.
ACCOUNTS = {"/etc/passwd": "userdel", "/etc/group": "groupdel"}
# An account's own PATH may lack what dpkg needs.
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"


class Package:
    """The Agent's package on this host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.path = f"{os.environ.get('PATH', '')}:{SYSTEM}".lstrip(":")
        self.actions: list[str] = []

    def run(self, *command: str) -> None:
        environment = {"DEBIAN_FRONTEND": "noninteractive", "PATH": self.path}
        status, out, err = self.module.run_command(list(command), environ_update=environment)
        if status != 0:
            said = "\n".join((err.strip() or out.strip()).splitlines()[-5:])
            self.module.fail_json(
                msg=f"{PACKAGE} is not as it should be, and '{' '.join(command)}' fails: {said}\n"
                "Put right on the host what this says, and run again."
            )

    def whole(self, version: str) -> None:
        """Finish what dpkg was stopped in, and install the package again if that is not enough."""
        if read_package(self.module, PACKAGE).whole and not was_interrupted():
            return
        self.actions.append(PACKAGE)
        if self.module.check_mode:
            return
        # Of another package it may fail: whether the Agent's is whole is asked after it.
        self.module.run_command(["dpkg", "--configure", "--pending"], environ_update={"PATH": self.path})
        if not read_package(self.module, PACKAGE).whole:
            self.run(*APT, "update")
            self.run(*APT, *KEEP, "install", "--reinstall", f"{PACKAGE}={version}" if version else PACKAGE)

    def absent(self, *, purge: bool, signing_keys: bool) -> None:
        """Remove the package, and with PURGE what it leaves behind."""
        found = read_package(self.module, PACKAGE)
        gone = (ABSENT,) if purge else (ABSENT, REMOVED)
        left = _left() if purge else []
        accounts = _accounts() if purge else []
        keys = purge and signing_keys and self.can_go(KEYS_PACKAGE)
        self.actions += [PACKAGE] * (found.status not in gone) + [KEYS_PACKAGE] * keys
        self.actions += left + [USER] * bool(accounts)
        if self.module.check_mode or not self.actions:
            return
        if found.damaged:
            # apt would want to install it again first.
            self.run("dpkg", "--remove", "--force-remove-reinstreq", PACKAGE)
        if read_package(self.module, PACKAGE).status not in gone:
            with _account_tools() as folder:
                self.run(*APT, "-o", f"DPkg::Path={folder}:{self.path}", "purge" if purge else "remove", PACKAGE)
        if keys:
            self.run("dpkg", "--purge", KEYS_PACKAGE)
        for path in left:
            self.remove(path)
        for database in accounts:
            if database in _accounts():
                self.run(ACCOUNTS[database], USER)
        # Neither dpkg nor the package's scripts do this, so that systemd would still know the units.
        self.module.run_command(["systemctl", "daemon-reload"])
        self.module.run_command(["systemctl", "reset-failed", "datadog-agent*.service"])

    def remove(self, path: str) -> None:
        """Remove a file or folder, which by now may be gone. What is above it is root's, and no link is followed."""
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            safe_files.remove_file(self.module, path)

    def can_go(self, package: str) -> bool:
        """Whether dpkg has this package and no other depends on it."""
        if read_package(self.module, package).status == ABSENT:
            return False
        purge = ["dpkg", "--no-act", "--purge", package]
        return self.module.run_command(purge, environ_update={"PATH": self.path})[0] == 0


def _left() -> list[str]:
    """The paths that a purge removes, as far as they are there."""
    paths = [path for path in FOLDERS if os.path.lexists(path)]
    units = [path for pattern in UNITS for path in glob.glob(pattern)]
    # /lib is a link to /usr/lib on most systems.
    paths += sorted({os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)) for path in units})
    paths += [path for path in LINKS if os.path.islink(path) and os.readlink(path).startswith(TARGETS)]
    if os.path.isdir(INSTALLER) and not os.path.islink(INSTALLER):
        others = [name for name in os.listdir(INSTALLER) if name not in OWN]
        agent = os.path.join(INSTALLER, "datadog-agent")
        paths += [INSTALLER] if not others else [agent] if os.path.lexists(agent) else []
    return paths


def _accounts() -> list[str]:
    """The files of users and of groups that have the Agent's."""
    found = []
    for database in ACCOUNTS:
        lines = safe_files.read_text(database).splitlines()
        found += [database for line in lines if line.startswith(f"{USER}:")]
    return found


@contextmanager
def _account_tools() -> Iterator[str]:
    # Beside dpkg's own folder, from which its scripts are executed: folders for temporary files may forbid that.
    with tempfile.TemporaryDirectory(prefix="kennel-", dir=os.path.dirname(ADMINDIR)) as folder:
        for name, (database, tool) in zip(("deluser", "delgroup"), ACCOUNTS.items(), strict=True):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="ascii") as stream:
                stream.write(ACCOUNT_TOOL.format(database=database, tool=tool))
            os.chmod(path, 0o755)
        yield folder


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["whole", "absent"], "default": "whole"},
            "version": {"default": ""},
            "purge": {"type": "bool", "default": False},
            "signing_keys": {"type": "bool", "default": True, "no_log": False},
        },
        supports_check_mode=True,
    )
    package = Package(module)
    with safe_files.refusals(module):
        if module.params["state"] == "whole":
            package.whole(module.params["version"])
        else:
            package.absent(purge=module.params["purge"], signing_keys=module.params["signing_keys"])
    module.exit_json(changed=bool(package.actions), actions=package.actions)


if __name__ == "__main__":
    main()
