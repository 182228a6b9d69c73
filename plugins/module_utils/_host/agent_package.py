# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Agent's package on a host: installs, repairs and removes it."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from . import safe_files
from .apt import apt_get, install, refresh_lists
from .apt_repository import Repository
from .changes import Changes
from .dpkg import (
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
from .dpkg import Package as DpkgPackage

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
    """The package on this host: compares it with the desired state and applies that."""

    def __init__(self, changes: Changes) -> None:
        self.module: AnsibleModule = changes.module
        self.actions = changes.actions

    def refuse_downgrade(self, installed: str, wanted: str) -> None:
        older = ["dpkg", "--compare-versions", wanted, "lt", installed]
        if installed and wanted and self.module.run_command(older)[0] == 0:
            self.module.fail_json(
                msg=f"Agent {installed} is installed, at least in part, "
                f"and is newer than datadog_agent_version {wanted}. "
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
            install(self.module, "--reinstall", *self.request(version))

    def request(self, version: str) -> list[str]:
        """Return the arguments that have apt-get install the version, by default the newest."""
        downgrade = ["--allow-downgrades"] if self.module.params["allow_downgrade"] else []
        return [*downgrade, f"{PACKAGE}={version}" if version else PACKAGE]

    def install(self, version: str, previous: str, source: str) -> None:
        """Install the version, by default the newest, from the repository of the sources file SOURCE."""
        there = f"{previous} -> " if previous else ""
        if self.module.check_mode:
            self.actions.append(f"{PACKAGE} {there}{version}" if version else PACKAGE)
            return
        wanted = self.request(version)
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
        planned = [PACKAGE] * (found.status not in gone) + [KEYS_PACKAGE] * keys + left + [USER] * bool(accounts)
        if self.module.check_mode or not planned:
            self.actions += planned
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
        if PACKAGE in planned:
            self.actions.append(PACKAGE)
        if keys:
            call(self.module, "dpkg", "--purge", KEYS_PACKAGE)
            self.actions.append(KEYS_PACKAGE)
        for path in left:
            self.remove(path)
            self.actions.append(path)
        for database in accounts:
            if database in _accounts():
                call(self.module, ACCOUNTS[database], USER)
        self.actions += [USER] * bool(accounts)
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
        status, _out, _err = self.module.run_command(purge, environ_update=environment())
        return not status


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


def apply(changes: Changes) -> dict[str, Any]:
    """Install or remove package and repository as the module's parameters say, or fail the module.

    Return `previous_version` and `version_changed`.
    """
    module = changes.module
    wanted, present = module.params["version"], module.params["state"] == "present"
    package, repository = Package(changes), Repository(changes)
    found = read_package(module, PACKAGE)
    installed = found.version if found.status == INSTALLED and not found.damaged else ""
    due = present and (not installed or bool(wanted and wanted != installed))
    if due and not module.params["allow_downgrade"]:
        package.refuse_downgrade("" if found.status in (ABSENT, REMOVED) else found.version, wanted)
    due_now = False
    try:
        with changes.refusals():
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
        changes.fail(
            f"{PACKAGE}: {error}\n"
            "Fix the cause on the host, or datadog_agent_version or datadog_agent_apt_url, and run again."
        )
    return {"previous_version": installed, "version_changed": due_now}
