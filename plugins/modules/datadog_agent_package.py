# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install the Agent's package from its repository, or remove both."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_agent_package
short_description: Install the Datadog Agent's package from its repository, or remove both
version_added: 0.1.0
description:
  - Installs the package with C(apt-get). Refreshes only the lists of the Agent's repository, and those of the others
    where the installation fails with that. Does not call C(apt-get) where the wanted version is installed.
  - Puts the keyring right before anything else, since Datadog's signing keys rotate and a host that has only the old
    key cannot refresh its package lists.
  - Adds the keys that the keyring lacks, and removes none. The package C(datadog-signing-keys) adds keys to it, too.
  - Fetches the keys of an address at first, where one of them is missing, and where the package has to be installed or
    changed. What an address gave is noted beside the entry, by a hash of the address and the keys' fingerprints.
  - Writes one entry for the repository and takes out the entries that other tools have left for it. Two entries with
    different keyrings would make every call to apt fail.
  - Finishes what dpkg was stopped in, which apt takes for finished, and installs the package again if dpkg has left it
    in between.
author: Kennel contributors (@kennel)
options:
  state:
    description:
      - With V(absent), the repository and the package are removed. The keyring goes as well, and with it the copy in
        C(trusted.gpg.d) that C(datadog-signing-keys) may have made, unless another list names the keyring or is for one
        of Datadog's other products.
    type: str
    choices: [present, absent]
    default: present
  version:
    description: The version that is wanted, as apt writes it. Empty for any, or the newest where there is none.
    type: str
    default: ""
  allow_downgrade:
    description: Whether a newer version may be replaced. If not, the module fails before it changes anything.
    type: bool
    default: false
  purge:
    description:
      - With O(state=absent), whether all that the package and the Agent leave behind is removed, too. These are
        configuration, logs, the user C(dd-agent), units, links, C(/opt/datadog-packages) unless other packages of
        Datadog's are in it, and the package C(datadog-signing-keys) unless another one depends on it or another list
        needs the keyring.
    type: bool
    default: false
  url:
    description: The repository.
    type: str
    required: true
  suite:
    description: The suite.
    type: str
    default: stable
  component:
    description: The component, which is the Agent's major version.
    type: str
    default: "7"
  key_urls:
    description:
      - Where the public keys are that may sign the repository, armored or binary, one or several at an address.
      - If one cannot be had and the keyring holds others, those are kept and a warning is given.
      - Required with O(state=present).
    type: list
    elements: str
  refresh_keys:
    description:
      - Whether all keys are fetched, though none is missing. A key that is there gets the newer signatures of the one
        that is fetched, which may prolong it.
    type: bool
    default: false
  keyring:
    description: The keyring to write, in binary form.
    type: path
    default: /usr/share/keyrings/datadog-archive-keyring.gpg
  filename:
    description: The file in the sources folder to write.
    type: str
    default: datadog.list
  sources:
    description: The apt sources folder.
    type: path
    default: /etc/apt/sources.list.d
attributes:
  check_mode:
    support: full
    description: Says what would change and changes nothing.
  diff_mode:
    support: full
    description: Shows the entries, and the fingerprints of the keys in the keyring.
"""

EXAMPLES = r"""
- name: Install the Agent
  kennel.fleet.datadog_agent_package:
    version: 1:7.80.0-1
    url: https://apt.datadoghq.com/
    key_urls:
      - https://keys.datadoghq.com/DATADOG_APT_KEY_CURRENT.public

- name: Leave nothing of the Agent on the host
  kennel.fleet.datadog_agent_package:
    state: absent
    purge: true
    url: https://apt.datadoghq.com/
"""

RETURN = r"""
previous_version:
  description: The version that was installed before, or nothing.
  returned: always
  type: str
  sample: 1:7.70.0-1
version_changed:
  description: Whether another version was installed than before, or in check mode would be.
  returned: always
  type: bool
files:
  description: The files of the repository that changed, or in check mode would change.
  returned: always
  type: list
  elements: str
actions:
  description:
    - What was installed, repaired or removed, or in check mode would be, as packages, paths and accounts. An installed
      package has its versions.
  returned: always
  type: list
  elements: str
  sample: ["datadog-agent 1:7.70.0-1 -> 1:7.80.0-1"]
"""

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._host.apt import apt_get, install, refresh_lists
from ansible_collections.kennel.fleet.plugins.module_utils._host.apt_repository import Repository
from ansible_collections.kennel.fleet.plugins.module_utils._host.dpkg import (
    ABSENT,
    ADMINDIR,
    INSTALLED,
    REMOVED,
    CommandError,
    call,
    environment,
    finish,
    read_package,
    was_interrupted,
)
from ansible_collections.kennel.fleet.plugins.module_utils._host.dpkg import Package as DpkgPackage

PACKAGE = "datadog-agent"
KEYS_PACKAGE = "datadog-signing-keys"
USER = "dd-agent"
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


class Package:
    """The Agent's package on this host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.actions: list[str] = []

    def refuse_downgrade(self, installed: str, wanted: str) -> None:
        older = ["dpkg", "--compare-versions", wanted, "lt", installed]
        if installed and wanted and self.module.run_command(older)[0] == 0:
            self.module.fail_json(
                msg=f"The Agent {installed} is installed, which is newer than datadog_agent_version {wanted}. "
                "Set datadog_agent_allow_downgrade to true to go back."
            )

    def is_finished(self) -> bool:
        """Whether dpkg has finished all that it has begun, and with this package."""
        return not was_interrupted() and read_package(self.module, PACKAGE).whole

    def whole(self, version: str) -> None:
        """Finish what dpkg was stopped in, and install the package again if that is not enough."""
        if self.is_finished():
            return
        if self.module.check_mode:
            self.actions.append(PACKAGE)
            return
        # Of another package it may fail: whether the Agent's is whole is asked after it.
        unfinished, _problem = finish(self.module, self.is_finished)
        self.actions += [PACKAGE] * unfinished
        if not read_package(self.module, PACKAGE).whole:
            refresh_lists(self.module)
            install(self.module, "--reinstall", f"{PACKAGE}={version}" if version else PACKAGE)

    def install(self, version: str, previous: str, source: str) -> None:
        """Install the version, or the newest where none is given, from the repository of the sources file SOURCE."""
        there = f"{previous} -> " if previous else ""
        if self.module.check_mode:
            self.actions.append(f"{PACKAGE} {there}{version}" if version else PACKAGE)
            return
        wanted = ["--allow-downgrades"] if self.module.params["allow_downgrade"] else []
        wanted.append(f"{PACKAGE}={version}" if version else PACKAGE)
        refresh_lists(self.module, source)
        try:
            install(self.module, *wanted)
        except CommandError:
            # What it depends on may be in lists of other repositories that are old or not there.
            refresh_lists(self.module)
            install(self.module, *wanted)
        self.actions.append(f"{PACKAGE} {there}{read_package(self.module, PACKAGE).version}")

    def lacks(self, version: str, before: DpkgPackage) -> bool:
        """Whether the version is still to be installed, or in check mode would be. BEFORE is as `whole` found it."""
        if not self.module.check_mode:
            found = read_package(self.module, PACKAGE)
            return found.status != INSTALLED or found.damaged or bool(version and version != found.version)
        # What was unpacked keeps its version, and what was half installed gets the one that is wanted.
        return before.whole or (before.unpacked and version not in ("", before.version))

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
        if was_interrupted():
            # Of another package it may fail: whether this one goes is seen below.
            finish(self.module, lambda: not was_interrupted())
        if found.damaged:
            # apt would want to install it again first.
            call(self.module, "dpkg", "--remove", "--force-remove-reinstreq", PACKAGE)
        if read_package(self.module, PACKAGE).status not in gone:
            with _account_tools() as folder:
                path = f"DPkg::Path={folder}:{environment()['PATH']}"
                apt_get(self.module, "-o", path, "purge" if purge else "remove", PACKAGE)
        if keys:
            call(self.module, "dpkg", "--purge", KEYS_PACKAGE)
        for path in left:
            self.remove(path)
        for database in accounts:
            if database in _accounts():
                call(self.module, ACCOUNTS[database], USER)
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
        return self.module.run_command(purge, environ_update=environment())[0] == 0


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
            "state": {"choices": ["present", "absent"], "default": "present"},
            "version": {"default": ""},
            "allow_downgrade": {"type": "bool", "default": False},
            "purge": {"type": "bool", "default": False},
            "url": {"required": True},
            "suite": {"default": "stable"},
            "component": {"default": "7"},
            "key_urls": {"type": "list", "elements": "str", "no_log": False},
            "refresh_keys": {"type": "bool", "default": False},
            "keyring": {"type": "path", "default": "/usr/share/keyrings/datadog-archive-keyring.gpg", "no_log": False},
            "filename": {"default": "datadog.list"},
            "sources": {"type": "path", "default": "/etc/apt/sources.list.d"},
        },
        required_if=[("state", "present", ["key_urls"])],
        supports_check_mode=True,
    )
    wanted, present = module.params["version"], module.params["state"] == "present"
    package, repository = Package(module), Repository(module)
    found = read_package(module, PACKAGE)
    installed = found.version if found.status == INSTALLED and not found.damaged else ""
    due = present and (not installed or bool(wanted and wanted != installed))
    if due and not module.params["allow_downgrade"]:
        package.refuse_downgrade(installed, wanted)
    due_now = False
    try:
        with safe_files.refusals(module):
            if present:
                repository.present(due=due)
                package.whole(wanted)
                # By now, what was half installed may be the wanted version.
                due_now = due and package.lacks(wanted, found)
            else:
                repository.absent()
                package.absent(purge=module.params["purge"], signing_keys=not repository.shared)
        if due_now:
            package.install(wanted, installed, repository.path)
    except CommandError as error:
        module.fail_json(msg=f"{PACKAGE}: {error}\nFix on the host what this says, and run again.")
    repository.changes.changed |= bool(package.actions)
    module.exit_json(
        previous_version=installed, version_changed=due_now, actions=package.actions, **repository.changes.result
    )


if __name__ == "__main__":
    main()
