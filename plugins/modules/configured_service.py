# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a service with the configuration that is on disk."""

from __future__ import annotations

DOCUMENTATION = r"""
module: configured_service
short_description: Run a systemd service with the configuration that is on disk
version_added: 0.1.0
description:
  - Enables and starts a service, and knows whether it was started before its configuration last changed.
  - Has systemd read the unit's file again before a start, if that changed.
  - Fails where a link stands for one of the files or folders, and another user than root can have made it.
  - So a run that was broken off between writing a file and restarting the service is put right by the next one.
  - Works in check mode on a host where the service is not installed yet.
author: Kennel contributors (@kennel)
options:
  name:
    description: The unit, without its suffix.
    type: str
    required: true
  enabled:
    description:
      - Whether the service is to run, now and after a reboot. If not, it is stopped and disabled, but never masked. A
        package that enables its service when it is upgraded fails if that is masked.
    type: bool
    default: true
  companions:
    description:
      - Further units, by name or pattern with suffix, that would start the service again at boot, since they are bound
        to it. They are disabled with it, and left alone where it is to run.
    type: list
    elements: str
    default: []
  watch:
    description:
      - Files that the service reads when it starts. Folders stand for all that lies in them.
    type: list
    elements: path
    default: []
  memberships:
    description:
      - Whether a service counts as stale, too, if its user has been put into a group since it was started.
    type: bool
    default: false
  restart:
    description:
      - V(when_stale) restarts a service that was started before a file in O(watch) changed, or see O(memberships).
      - V(never) leaves that to the caller and returns RV(restart_due).
    type: str
    choices: [when_stale, never]
    default: never
  pending:
    description:
      - Whether an earlier task has changed the configuration.
      - Check mode needs to be told, since there the change cannot be seen on disk.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Says what would change and changes nothing.
  diff_mode:
    support: none
    description: There is no text to compare.
"""

EXAMPLES = r"""
- name: Run the Agent
  kennel.fleet.configured_service:
    name: datadog-agent
    watch: [/etc/datadog-agent/datadog.yaml, /etc/datadog-agent/conf.d, /etc/datadog-agent/checks.d]
    restart: when_stale
"""

RETURN = r"""
restart_due:
  description: Whether the service runs with an older configuration than the one on disk.
  returned: always
  type: bool
active:
  description: Whether the service runs.
  returned: always
  type: bool
since:
  description: When the service was last started, in seconds of the epoch by the host's clock; V(0) if it does not run.
  returned: always
  type: float
actions:
  description: What was done, or in check mode would be done.
  returned: always
  type: list
  elements: str
  sample: [enable, start]
"""

import os
import pwd
import stat
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._host.systemd_unit import Unit, enabled_units, read_unit


def newest_change(paths: list[str], *, now: float) -> float:
    """When anything of this last changed, in seconds of the epoch; 0 if nothing exists.

    Byte code that a service leaves beside its code does not count, nor do times that lie in the future.
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
    """Whether the process lacks a group that its user has, having been started before the user was put into it."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
            facts = dict(line.split(":", 1) for line in stream)
        user = pwd.getpwuid(int(facts["Uid"].split()[0]))
    except (OSError, KeyError):
        return False
    return not set(os.getgrouplist(user.pw_name, user.pw_gid)) <= {user.pw_gid, *map(int, facts["Groups"].split())}


class Service:
    """One systemd unit."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.systemctl = module.get_bin_path("systemctl", required=True)
        self.unit = f"{module.params['name']}.service"
        self.read()

    def read(self) -> None:
        self.state = read_unit(self.module, self.unit)

    def run(self, verb: str, *others: str) -> None:
        if self.module.check_mode:
            return
        if self.state.outdated:
            # Otherwise systemd would start what the unit's file said before.
            self.module.run_command([self.systemctl, "daemon-reload"], check_rc=True)
            self.read()
        units = others or (self.unit,)
        status, out, err = self.module.run_command([self.systemctl, verb, *units])
        if status != 0:
            self.module.fail_json(
                msg=f"{', '.join(units)} could not {verb}: {(err or out).strip()}. "
                f"On the host, 'journalctl -u {self.unit} -n 50' says why."
            )


def decide(service: Unit, *, enabled: bool, restart: bool, stale: bool) -> list[str]:
    """The systemctl verbs that bring the service to what is wanted, in order."""
    if not enabled:
        return [verb for verb, needed in (("stop", service.active), ("disable", service.enabled)) if needed]
    actions = [] if service.enabled else ["enable"]
    if not service.active:
        return [*actions, "start"]
    return [*actions, "restart"] if restart and stale else actions


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"required": True},
            "enabled": {"type": "bool", "default": True},
            "companions": {"type": "list", "elements": "str", "default": []},
            "watch": {"type": "list", "elements": "path", "default": []},
            "memberships": {"type": "bool", "default": False},
            "restart": {"choices": ["when_stale", "never"], "default": "never"},
            "pending": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    enabled = module.params["enabled"]
    service = Service(module)
    if not service.state.installed and not module.check_mode and enabled:
        module.fail_json(msg=f"There is no unit {service.unit} on this host: install its package first.")
    with safe_files.refusals(module):
        changed_at = newest_change(module.params["watch"], now=time.time())
    stale = service.state.active and (
        changed_at > service.state.since
        or module.params["pending"]
        or (module.params["memberships"] and lacks_group(service.state.pid))
    )
    restart = module.params["restart"] == "when_stale"
    actions = decide(service.state, enabled=enabled, restart=restart, stale=stale)
    for verb in actions:
        service.run(verb)
    companions = [] if enabled else enabled_units(module, module.params["companions"])
    if companions:
        actions.append(f"disable {' '.join(companions)}")
        service.run("disable", *companions)
    if actions and not module.check_mode:
        service.read()
    module.exit_json(
        changed=bool(actions),
        actions=actions,
        restart_due=enabled and stale and not restart,
        active=service.state.active,
        since=service.state.since,
    )


if __name__ == "__main__":
    main()
