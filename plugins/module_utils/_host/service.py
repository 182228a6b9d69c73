# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A systemd service and its configuration files."""

from __future__ import annotations

import os
import pwd
import stat
import time
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._secrets.yaml_files import render
from . import safe_files
from .changes import Changes
from .systemd_unit import Unit, enabled_units, read_unit

# The argument specification of a configuration file.
FILE = {
    "path": {"type": "path", "required": True},
    "state": {"choices": ["present", "absent"], "default": "present"},
    "content": {},
    "config": {"type": "dict"},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "owner": {"default": "root"},
    "group": {"default": "root"},
    "mode": {"default": "0640"},
    "live": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class Wanted:
    """The desired state of a service.

    :ivar name: name of the unit, without its suffix.
    :ivar enabled: whether it should run, now and after a reboot. None leaves that as it is: a running service is
        restarted if necessary, a stopped one is started if it is enabled.
    :ivar files: files to write or remove, as `FILE` describes them.
    :ivar watch: other paths that the service reads when it starts.
    :ivar companions: other units to disable with the service, by name or pattern with suffix.
    :ivar memberships: whether to restart the service if its user joined a group after it was started.
    :ivar defer: whether to leave starting and restarting to a later call.
    :ivar pending: whether something else has changed the configuration, which check mode cannot see on disk.
    """

    name: str
    enabled: bool | None
    files: list[dict[str, Any]] = field(default_factory=list)
    watch: list[str] = field(default_factory=list)
    companions: list[str] = field(default_factory=list)
    memberships: bool = False
    defer: bool = False
    pending: bool = False


def newest_change(paths: list[str], *, now: float) -> float:
    """Return the time of the last change below PATHS in seconds since the epoch; 0 if nothing exists.

    Ignores byte code that a service writes next to its code, and times in the future.
    """
    times = [0.0]
    left = list(paths)
    while left:
        path = left.pop()
        status = safe_files.status(path)
        if status is None:
            continue
        found = safe_files.list_folder(path) if stat.S_ISDIR(status.st_mode) else []
        left += [os.path.join(path, entry.name) for entry in found if entry.is_folder and entry.name != "__pycache__"]
        times += [entry.changed for entry in found if not entry.is_folder]
        if not any(entry.name == "__pycache__" for entry in found):
            times.append(status.st_mtime)
    return max(moment for moment in times if moment <= now)


def lacks_group(pid: int) -> bool:
    """Whether the process lacks a group of its user, because it was started before the user was added to it."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
            facts = dict(line.split(":", 1) for line in stream)
        user = pwd.getpwuid(int(facts["Uid"].split()[0]))
    except (OSError, KeyError):
        return False
    return not set(os.getgrouplist(user.pw_name, user.pw_gid)) <= {user.pw_gid, *map(int, facts["Groups"].split())}


class Service:
    """One systemd unit."""

    def __init__(self, module: AnsibleModule, name: str) -> None:
        self.module = module
        self.systemctl = module.get_bin_path("systemctl", required=True)
        self.unit = f"{name}.service"
        self.read()

    def read(self) -> None:
        self.state = read_unit(self.module, self.unit)

    def run(self, verb: str, *others: str) -> str:
        """Run systemctl. Return why it failed, or an empty text."""
        if self.module.check_mode:
            return ""
        if self.state.outdated:
            # Otherwise systemd would use the previous content of the unit file.
            self.module.run_command([self.systemctl, "daemon-reload"], check_rc=True)
            self.read()
        units = others or (self.unit,)
        status, out, err = self.module.run_command([self.systemctl, verb, *units])
        if status == 0:
            return ""
        return (
            f"'systemctl {verb} {' '.join(units)}' failed: {(err or out).strip().rstrip('.')}. "
            f"On the host, 'journalctl -u {self.unit} -n 50' shows why."
        )


def decide(service: Unit, *, enabled: bool | None, stale: bool) -> list[str]:
    """Return the systemctl verbs that bring the service to the desired state, in order."""
    if enabled is False:
        return [verb for verb, needed in (("stop", service.active), ("disable", service.enabled)) if needed]
    actions = ["enable"] if enabled and not service.enabled else []
    if service.active:
        return [*actions, "restart"] if stale else actions
    return [*actions, "start"] if enabled or service.enabled else actions


def restore(changes: Changes, files: list[dict[str, Any]], service: Service) -> str:
    """Restore changed files and start the service with them; return what happened."""
    paths = [file["path"] for file in files if file["path"] in changes.before]
    if not paths:
        return ""
    for path in paths:
        before = changes.before[path]
        if before is None:
            safe_files.remove_file(changes.module, path)
        else:
            attributes = {"owner": before.owner, "group": before.group, "mode": before.mode}
            safe_files.ensure_file(changes.module, path, before.text, **attributes)
    service.read()
    runs = not service.run("restart")
    return f" Restored {', '.join(paths)}. The service {'runs with that again' if runs else 'is not running'}."


def put(changes: Changes, file: dict[str, Any]) -> bool:
    """Write or remove a file; return whether this requires a restart of the service."""
    path, secrets = file["path"], file["secrets"]
    if file["state"] == "absent":
        return changes.remove(path, secrets) and not file["live"]
    try:
        text = render(file["config"], secrets) if file["content"] is None else file["content"]
    except (TypeError, ValueError) as error:
        changes.fail(f"{path} was not written: {error}. Correct its content.")
    attributes = {name: file[name] for name in ("owner", "group", "mode")}
    return changes.write(path, text, secrets=secrets, **attributes) and not file["live"]


def apply(changes: Changes, wanted: Wanted) -> dict[str, Any]:
    """Bring the service to the desired state, or fail the module. Return `active` and `since`."""
    module, service = changes.module, Service(changes.module, wanted.name)
    if wanted.enabled is False:
        # First, so that it does not keep running if anything else fails.
        _stop(changes, wanted, service)
    with changes.refusals():
        written = [put(changes, file) for file in wanted.files]
        watched = [*wanted.watch, *(file["path"] for file in wanted.files if not file["live"])]
        changed_at = newest_change(watched, now=time.time())
    if wanted.enabled is not False:
        # One of the files may be its unit.
        service.read()
        stale = service.state.active and (
            changed_at > service.state.since
            or any(written)
            or wanted.pending
            or (wanted.memberships and lacks_group(service.state.pid))
        )
        _run(changes, wanted, service, stale=stale)
    if changes.actions and not module.check_mode:
        service.read()
    return {"active": service.state.active, "since": service.state.since}


def _stop(changes: Changes, wanted: Wanted, service: Service) -> None:
    for verb in decide(service.state, enabled=False, stale=False):
        if problem := service.run(verb):
            changes.fail(problem)
        changes.actions.append(verb)
    companions = enabled_units(changes.module, wanted.companions)
    if companions:
        if problem := service.run("disable", *companions):
            changes.fail(problem)
        changes.actions.append(f"disable {' '.join(companions)}")


def _run(changes: Changes, wanted: Wanted, service: Service, *, stale: bool) -> None:
    if not service.state.installed and not changes.module.check_mode and wanted.enabled:
        changes.fail(f"The unit {service.unit} does not exist on this host. Install its package first.")
    verbs = decide(service.state, enabled=wanted.enabled, stale=stale)
    if wanted.defer and not service.state.installed:
        # The package, which check mode has not installed, enables the service itself.
        verbs = [verb for verb in verbs if verb != "enable"]
    for verb in verbs:
        starts = verb in ("start", "restart")
        if starts and wanted.defer:
            changes.actions.append(f"{verb} is due")
            continue
        if problem := service.run(verb):
            with changes.refusals():
                problem += restore(changes, wanted.files, service) if starts else ""
            changes.fail(problem)
        changes.actions.append(verb)
