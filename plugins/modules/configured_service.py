# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the configuration files of a service, and run the service with them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: configured_service
short_description: Configure and run a systemd service
version_added: 0.1.0
description:
  - Writes the files of a service, each atomically, then enables and starts the service. Restarts the service if it was
    started before its configuration last changed, so that a run also completes an earlier one that was interrupted
    between writing a file and restarting the service.
  - Never exposes a file to other users while writing it. Secrets do not appear in output, logs or diffs.
  - Reloads the systemd unit before a start if its file has changed.
  - If the service does not start with the changed files, restores the previous files and starts it with those.
  - Only follows links that nobody but root can have created, and only replaces regular files. Fails if anything else is
    in the way, names it, and leaves it alone.
  - Works in check mode even if the service is not installed yet.
author: Kennel contributors (@kennel)
options:
  name:
    description: Name of the unit, without its suffix.
    type: str
    required: true
  enabled:
    description:
      - Whether the service should run, now and after a reboot. If not, it is stopped and disabled, but never masked,
        since a package that enables its service during an upgrade fails if the service is masked.
    type: bool
    default: true
  companions:
    description:
      - Other units, by name or pattern with suffix, that are bound to the service and would start it again at boot.
        They are disabled together with the service, and left alone if the service should run.
    type: list
    elements: str
    default: []
  files:
    description: Files to write or remove before the service starts. Their directories must exist.
    type: list
    elements: dict
    default: []
    version_added: 1.0.0
    suboptions:
      path:
        description: Path of the file.
        type: path
        required: true
      state:
        description: Whether the file should exist.
        type: str
        choices: [present, absent]
        default: present
      content:
        description:
          - Content of the file. Either this or O(files[].config) is required with O(files[].state=present).
        type: str
      config:
        description: Content of the file as a dictionary, without its secrets. The module writes it as YAML.
        type: dict
      secrets:
        description:
          - Secrets by their path in O(files[].config), in dotted form, in which numbers are list positions.
          - A value of the form V(ENC[handle]) is written unchanged, for the Agent to resolve, and appears in diffs.
        type: dict
        default: {}
      owner:
        description: Owner of the file.
        type: str
        default: root
      group:
        description: Group of the file.
        type: str
        default: root
      mode:
        description: Mode of the file, as a quoted octal number.
        type: str
        default: "0640"
      live:
        description: Whether the service reads the file while it is running, so that a change needs no restart.
        type: bool
        default: false
  user:
    description: The account that O(groups) is about.
    type: str
    default: ""
    version_added: 1.0.0
  groups:
    description: Groups that O(user) is put into, in addition to those that it is in. The service is restarted for it.
    type: list
    elements: str
    default: []
    version_added: 1.0.0
  watch:
    description:
      - Files that the service reads when it starts, in addition to O(files). A directory includes everything in it.
    type: list
    elements: path
    default: []
  memberships:
    description:
      - Whether to also restart the service if its user was added to a group after it was started.
    type: bool
    default: false
  defer:
    description:
      - Whether to leave enabling, starting and restarting to a handler, which calls this module again without O(defer).
        The task reports a change if one of them is necessary. A service that should not run is stopped and disabled
        immediately.
    type: bool
    default: false
    version_added: 1.0.0
  pending:
    description:
      - Whether an earlier task has changed the configuration.
      - Check mode needs this information, since the change is not visible on disk.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing it.
  diff_mode:
    support: full
    description: Shows the differences in the files with secrets hidden.
"""

EXAMPLES = r"""
- name: Configure and run a service
  kennel.fleet.configured_service:
    name: shop
    files:
      - path: /etc/systemd/system/shop.service
        content: "{{ lookup('ansible.builtin.template', 'shop.service.j2') }}"
        mode: "0644"
      - path: /etc/shop.yaml
        config: {database: {host: db1.example.com, user: shop}}
        secrets: {database.password: "{{ vault_shop_database_password }}"}
        group: shop

- name: Restart the Agent if its files have changed since its start
  kennel.fleet.configured_service:
    name: datadog-agent
    watch: [/etc/datadog-agent/datadog.yaml, /etc/datadog-agent/conf.d, /etc/datadog-agent/checks.d]
"""

RETURN = r"""
active:
  description: Whether the service is running.
  returned: always
  type: bool
since:
  description:
    - Time of the last start of the service in seconds since the epoch, by the host's clock. V(0) if it is not running.
  returned: always
  type: float
actions:
  description: Actions taken on the service. In check mode or with O(defer), actions that are necessary.
  returned: always
  type: list
  elements: str
  sample: [enable, start]
files:
  description: Files that changed, or would change in check mode.
  returned: always
  type: list
  elements: str
  sample: [/etc/shop.yaml]
  version_added: 1.0.0
"""

import grp
import os
import pwd
import stat
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._host.changes import Changes
from ansible_collections.kennel.fleet.plugins.module_utils._host.systemd_unit import Unit, enabled_units, read_unit
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import render

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

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.systemctl = module.get_bin_path("systemctl", required=True)
        self.unit = f"{module.params['name']}.service"
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


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"required": True},
            "enabled": {"type": "bool", "default": True},
            "companions": {"type": "list", "elements": "str", "default": []},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": FILE,
                "mutually_exclusive": [("content", "config")],
                "required_if": [("state", "present", ("content", "config"), True)],
            },
            "user": {"default": ""},
            "groups": {"type": "list", "elements": "str", "default": []},
            "watch": {"type": "list", "elements": "path", "default": []},
            "memberships": {"type": "bool", "default": False},
            "defer": {"type": "bool", "default": False},
            "pending": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    enabled, files = module.params["enabled"], module.params["files"]
    changes = Changes(module)
    joins = lacking(module.params["user"], module.params["groups"])
    if joins and not module.check_mode:
        usermod = [module.get_bin_path("usermod", required=True), "--append", "--groups", ",".join(joins)]
        module.run_command([*usermod, module.params["user"]], check_rc=True)
    with safe_files.refusals(module):
        written = [put(changes, file) for file in files]
        watched = [*module.params["watch"], *(file["path"] for file in files if not file["live"])]
        changed_at = newest_change(watched, now=time.time())
    # After writing, since one of the files may be its unit.
    service = Service(module)
    if not service.state.installed and not module.check_mode and enabled:
        module.fail_json(msg=f"The unit {service.unit} does not exist on this host. Install its package first.")
    stale = service.state.active and (
        changed_at > service.state.since
        or any(written)
        or joins
        or module.params["pending"]
        or (module.params["memberships"] and lacks_group(service.state.pid))
    )
    actions = decide(service.state, enabled=enabled, stale=stale)
    if not (enabled and module.params["defer"]):
        for verb in actions:
            if problem := service.run(verb):
                with safe_files.refusals(module):
                    problem += restore(changes, files, service) if verb in ("start", "restart") else ""
                module.fail_json(msg=problem)
    companions = [] if enabled else enabled_units(module, module.params["companions"])
    if companions:
        actions.append(f"disable {' '.join(companions)}")
        if problem := service.run("disable", *companions):
            module.fail_json(msg=problem)
    if actions and not module.check_mode:
        service.read()
    changes.changed |= bool(actions or joins)
    module.exit_json(
        actions=[*(f"put {module.params['user']} into {name}" for name in joins), *actions],
        active=service.state.active,
        since=service.state.since,
        **changes.result,
    )


if __name__ == "__main__":
    main()
