# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install the Agent package from its repository, or remove both."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_agent_package
short_description: Install the Datadog Agent from its apt repository, or remove both
version_added: 1.0.0
description:
  - Installs the package with C(apt-get) if the requested version is not installed. Refreshes the package lists of the
    Agent's repository only. Refreshes the others, too, if the host has none, or if the installation fails without them.
  - Updates the keyring first, since Datadog rotates its signing keys and a host with only the old key cannot refresh
    its package lists.
  - Adds missing keys to the keyring and never removes any. The package C(datadog-signing-keys) adds keys to the same
    keyring.
  - Downloads keys on the first run, if one of them is missing from the keyring, and if the package has to be installed
    or changed. Next to the repository entry, the module records a hash of each URL with the fingerprints of its keys.
  - Writes one entry for the repository and removes entries that other tools have left for it. Two entries with
    different keyrings make every apt command fail.
  - Completes a dpkg run that was interrupted, and reinstalls the package if dpkg has left it half installed.
author: Kennel contributors (@kennel)
options:
  state:
    description:
      - V(absent) removes the repository and the package. It also removes the keyring, and the copy in C(trusted.gpg.d)
        that C(datadog-signing-keys) may have made, unless another apt source uses the keyring or belongs to another
        Datadog product.
    type: str
    choices: [present, absent]
    default: present
  version:
    description:
      - Version of the package, as apt writes it. If empty, an installed version is kept, and a host without one gets
        the newest.
    type: str
    default: ""
  allow_downgrade:
    description: Whether to allow a downgrade. If not, the module fails before it changes anything.
    type: bool
    default: false
  purge:
    description:
      - With O(state=absent), whether to remove everything that the package and the Agent leave behind as well. This
        covers configuration, logs, the user C(dd-agent), systemd units, symbolic links, C(/opt/datadog-packages) unless
        it contains other Datadog packages, and the package C(datadog-signing-keys) unless another package depends on it
        or another apt source needs the keyring.
    type: bool
    default: false
  url:
    description: URL of the repository.
    type: str
    required: true
  suite:
    description: Suite of the repository.
    type: str
    default: stable
  component:
    description: Component of the repository, which is the major version of the Agent.
    type: str
    default: "7"
  key_urls:
    description:
      - URLs of the public keys that may sign the repository. Each URL may provide one or more keys, armored or binary.
      - If a URL cannot be read and the keyring contains keys already, the module keeps these and warns.
      - Required with O(state=present).
    type: list
    elements: str
  refresh_keys:
    description:
      - Whether to download all keys even if none is missing. Existing keys then receive newer signatures, which may
        extend their validity.
    type: bool
    default: false
  keyring:
    description: Path of the keyring, which is written in binary form.
    type: path
    default: /usr/share/keyrings/datadog-archive-keyring.gpg
  filename:
    description: Name of the file to write in O(sources).
    type: str
    default: datadog.list
  sources:
    description: Directory of apt sources.
    type: path
    default: /etc/apt/sources.list.d
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing it.
  diff_mode:
    support: full
    description: Shows the repository entries, and the fingerprints of the keys in the keyring.
"""

EXAMPLES = r"""
- name: Install the Agent
  kennel.fleet.datadog_agent_package:
    version: 1:7.80.0-1
    url: https://apt.datadoghq.com/
    key_urls:
      - https://keys.datadoghq.com/DATADOG_APT_KEY_CURRENT.public

- name: Remove every trace of the Agent from the host
  kennel.fleet.datadog_agent_package:
    state: absent
    purge: true
    url: https://apt.datadoghq.com/
"""

RETURN = r"""
previous_version:
  description: Version of the package that was installed before. Empty if there was none.
  returned: always
  type: str
  sample: 1:7.70.0-1
version_changed:
  description: Whether the module installed another version, or would install one in check mode.
  returned: always
  type: bool
files:
  description: Files of the repository that changed, or would change in check mode.
  returned: always
  type: list
  elements: str
actions:
  description: >-
    Packages, paths and accounts that were installed, repaired or removed, or would be in check mode. Packages that were
    installed have their versions.
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
# What stays if the package's own scripts could not do their work, and what they always leave (datadog-agent 7.84,
# datadog_agent_linux.go and package-scripts/agent-deb): a script wrote the units, so dpkg does not know them.
FOLDERS = ("/etc/datadog-agent", "/opt/datadog-agent", "/var/log/datadog")
UNITS = (
    "/etc/systemd/system/datadog-agent*.service",
    "/etc/systemd/system/*.wants/datadog-agent*.service",
    "/usr/lib/systemd/system/datadog-agent*.service",
    "/lib/systemd/system/datadog-agent*.service",
)
LINKS = ("/usr/bin/datadog-agent", "/usr/bin/datadog-installer")
# Where the installer keeps the packages of the Agent and of other products.
INSTALLER = "/opt/datadog-packages"
OWN = ("datadog-agent", "run", "tmp", "packages.db")
TARGETS = ("/opt/datadog-agent/", f"{INSTALLER}/datadog-agent/")
# Replaces adduser's deluser and delgroup. The package's postrm calls them under `set -e` without depending on adduser;
# where adduser or the account is missing, the purge would fail every time.
ACCOUNT_TOOL = """#!/bin/sh
for name; do
    case $name in -*) ;; *) ! grep -q "^$name:" {database} || exec {tool} "$name" ;; esac
done
"""
# Accounts that are stored elsewhere, such as in a directory service, do not belong to the package.
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
                msg=f"Agent {installed} is installed, which is newer than datadog_agent_version {wanted}. "
                "Set datadog_agent_allow_downgrade to true to downgrade."
            )

    def is_finished(self) -> bool:
        """Whether dpkg has completed everything that it began, this package included."""
        return not was_interrupted() and read_package(self.module, PACKAGE).whole

    def whole(self, version: str) -> None:
        """Complete an interrupted dpkg run, and reinstall the package if that is not enough."""
        if self.is_finished():
            return
        if self.module.check_mode:
            self.actions.append(PACKAGE)
            return
        # Another package may make this fail. What counts is whether the Agent's is complete afterwards.
        unfinished, _problem = finish(self.module, self.is_finished)
        self.actions += [PACKAGE] * unfinished
        if not read_package(self.module, PACKAGE).whole:
            refresh_lists(self.module)
            install(self.module, "--reinstall", f"{PACKAGE}={version}" if version else PACKAGE)

    def install(self, version: str, previous: str, source: str) -> None:
        """Install the version, by default the newest, from the repository of the sources file SOURCE."""
        there = f"{previous} -> " if previous else ""
        if self.module.check_mode:
            self.actions.append(f"{PACKAGE} {there}{version}" if version else PACKAGE)
            return
        wanted = ["--allow-downgrades"] if self.module.params["allow_downgrade"] else []
        wanted.append(f"{PACKAGE}={version}" if version else PACKAGE)
        refresh_lists(self.module, source)
        try:
            install(self.module, *wanted)
        except CommandError as error:
            # Dependencies may be in other repositories, whose lists are old or missing.
            try:
                refresh_lists(self.module)
                install(self.module, *wanted)
            except CommandError as again:
                raise CommandError(f"{error}\nWith the lists of all repositories, {again}") from again
        self.actions.append(f"{PACKAGE} {there}{read_package(self.module, PACKAGE).version}")

    def lacks(self, version: str, before: DpkgPackage) -> bool:
        """Whether the version has to be installed, or would have to be in check mode. BEFORE is what `whole` found."""
        if not self.module.check_mode:
            found = read_package(self.module, PACKAGE)
            return found.status != INSTALLED or found.damaged or bool(version and version != found.version)
        # An unpacked package keeps its version; a half installed one gets the requested version.
        return before.whole or (before.unpacked and version not in ("", before.version))

    def absent(self, *, purge: bool, signing_keys: bool) -> None:
        """Remove the package, and with PURGE everything that it leaves behind."""
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
            # Another package may make this fail. Whether this one can be removed shows below.
            finish(self.module, lambda: not was_interrupted())
        if found.damaged:
            # apt would insist on reinstalling it first.
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
        # Neither dpkg nor the package's scripts do this, so systemd would still know the units.
        self.module.run_command(["systemctl", "daemon-reload"])
        self.module.run_command(["systemctl", "reset-failed", "datadog-agent*.service"])

    def remove(self, path: str) -> None:
        """Remove a file or folder if it still exists. Root owns the folders above it, and no link is followed."""
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
    """The existing paths that a purge removes."""
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
    """The account files, of users and of groups, that contain the Agent's account."""
    found = []
    for database in ACCOUNTS:
        lines = safe_files.read_text(database).splitlines()
        found += [database for line in lines if line.startswith(f"{USER}:")]
    return found


@contextmanager
def _account_tools() -> Iterator[str]:
    # Next to dpkg's own folder, from which it executes scripts: temporary folders may forbid execution.
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
                # A half installed package may have the requested version by now.
                due_now = due and package.lacks(wanted, found)
            else:
                repository.absent()
                package.absent(purge=module.params["purge"], signing_keys=not repository.shared)
        if due_now:
            package.install(wanted, installed, repository.path)
    except CommandError as error:
        module.fail_json(
            msg=f"{PACKAGE}: {error}\n"
            "Fix the cause on the host, or datadog_agent_version or datadog_agent_apt_url, and run again."
        )
    repository.changes.changed |= bool(package.actions)
    module.exit_json(
        previous_version=installed, version_changed=due_now, actions=package.actions, **repository.changes.result
    )


if __name__ == "__main__":
    main()
