# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A systemd service and its configuration files."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import time
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._host.changes import Changes
from ansible_collections.kennel.fleet.plugins.module_utils._host.systemd_unit import Unit, enabled_units, read_unit
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import render

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
    :ivar files: files to write or remove, as `FILE` describes them.
    :ivar watch: other paths that the service reads when it starts.
    :ivar companions: other units to disable with the service, by name or pattern with suffix.
    :ivar user: the account that `groups` is about.
    :ivar groups: groups that the user is put into, in addition to those that it is in.
    :ivar memberships: whether to restart the service if its user joined a group after it was started.
    :ivar defer: whether to leave enabling, starting and restarting to a later call.
    :ivar pending: whether something else has changed the configuration, which check mode cannot see on disk.
    """

    name: str
    enabled: bool
    files: list[dict[str, Any]] = field(default_factory=list)
    watch: list[str] = field(default_factory=list)
    companions: list[str] = field(default_factory=list)
    user: str = ""
    groups: list[str] = field(default_factory=list)
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


def lacking(user: str, groups: list[str]) -> list[str]:
    """Return the groups that the user is not in, which include those that do not exist, as in check mode."""

    def is_in(name: str) -> bool:
        try:
            return grp.getgrnam(name).gr_gid in os.getgrouplist(user, pwd.getpwnam(user).pw_gid)
        except KeyError:
            return False

    return [name for name in groups if not is_in(name)]


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


def decide(service: Unit, *, enabled: bool, stale: bool) -> list[str]:
    """Return the systemctl verbs that bring the service to the desired state, in order."""
    if not enabled:
        return [verb for verb, needed in (("stop", service.active), ("disable", service.enabled)) if needed]
    actions = [] if service.enabled else ["enable"]
    if not service.active:
        return [*actions, "start"]
    return [*actions, "restart"] if stale else actions


def restore(changes: Changes, files: list[dict[str, Any]], service: Service) -> str:
    """Restore changed files and start the service with them; return what happened."""
    restored = [file for file in files if file["path"] in changes.before]
    if not restored:
        return ""
    for file in restored:
        before = changes.before[file["path"]]
        attributes = {name: file[name] for name in ("owner", "group", "mode")}
        if before is None:
            safe_files.remove_file(changes.module, file["path"])
        else:
            safe_files.ensure_file(changes.module, file["path"], before, **attributes)
    service.read()
    names = ", ".join(file["path"] for file in restored)
    runs = not service.run("restart")
    return f" Restored {names}. The service {'runs with that again' if runs else 'is not running'}."


def put(changes: Changes, file: dict[str, Any]) -> bool:
    """Write or remove a file; return whether this requires a restart of the service."""
    path, secrets = file["path"], file["secrets"]
    if file["state"] == "absent":
        return changes.remove(path, secrets) and not file["live"]
    try:
        text = render(file["config"], secrets) if file["content"] is None else file["content"]
    except (TypeError, ValueError) as error:
        changes.module.fail_json(msg=f"{path} was not written: {error}")
    attributes = {name: file[name] for name in ("owner", "group", "mode")}
    return changes.write(path, text, secrets=secrets, **attributes) and not file["live"]


def apply(changes: Changes, wanted: Wanted) -> dict[str, Any]:
    """Bring the service to the desired state, or fail the module. Return `actions`, `active` and `since`."""
    module = changes.module
    joins = lacking(wanted.user, wanted.groups)
    if joins and not module.check_mode:
        usermod = [module.get_bin_path("usermod", required=True), "--append", "--groups", ",".join(joins)]
        module.run_command([*usermod, wanted.user], check_rc=True)
    with safe_files.refusals(module):
        written = [put(changes, file) for file in wanted.files]
        watched = [*wanted.watch, *(file["path"] for file in wanted.files if not file["live"])]
        changed_at = newest_change(watched, now=time.time())
    # After writing, since one of the files may be its unit.
    service = Service(module, wanted.name)
    if not service.state.installed and not module.check_mode and wanted.enabled:
        module.fail_json(msg=f"The unit {service.unit} does not exist on this host. Install its package first.")
    stale = service.state.active and (
        changed_at > service.state.since
        or any(written)
        or bool(joins)
        or wanted.pending
        or (wanted.memberships and lacks_group(service.state.pid))
    )
    actions = decide(service.state, enabled=wanted.enabled, stale=stale)
    if not (wanted.enabled and wanted.defer):
        for verb in actions:
            if problem := service.run(verb):
                with safe_files.refusals(module):
                    problem += restore(changes, wanted.files, service) if verb in ("start", "restart") else ""
                module.fail_json(msg=problem)
    companions = [] if wanted.enabled else enabled_units(module, wanted.companions)
    if companions:
        actions.append(f"disable {' '.join(companions)}")
        if problem := service.run("disable", *companions):
            module.fail_json(msg=problem)
    if actions and not module.check_mode:
        service.read()
    changes.changed |= bool(actions or joins)
    return {
        "actions": [*(f"put {wanted.user} into {name}" for name in joins), *actions],
        "active": service.state.active,
        "since": service.state.since,
    }
