# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install checks of the Agent: their configuration and, for custom checks, their code."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_checks
short_description: Install and configure checks of the Datadog Agent
version_added: 1.0.0
description:
  - Writes the configuration of each check to C(conf.d/NAME.d/conf.yaml) and the code of a custom check to
    C(checks.d/NAME.py), with the owner and modes that the Agent package uses.
  - Loads new code first, with the Agent's own Python and as the Agent's user. If the code of one check does not load,
    or its name is already used by an integration or a Python module, the module changes nothing.
  - Removes configuration in the older location, C(conf.d/NAME.yaml), which the Agent would load as well.
  - Does not restart the Agent, which reads these files when it starts.
author: Kennel contributors (@kennel)
options:
  checks:
    description: Checks to install or remove.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the check.
        type: str
        required: true
      state:
        description: Whether the check should exist.
        type: str
        choices: [present, absent]
        default: present
      init_config:
        description: Settings that all instances share.
        type: dict
        default: {}
      instances:
        description: Instances of the check. If not set, the check has one instance without settings.
        type: list
        elements: dict
      sections:
        description:
          - Other sections of C(conf.yaml), such as C(logs). They can also replace O(checks[].init_config) and
            O(checks[].instances).
        type: dict
        default: {}
      secrets:
        description: Secrets by their path in the configuration, in dotted form such as V(instances.0.password).
        type: dict
        default: {}
      source:
        description: File that its code comes from, for error messages.
        type: str
      metrics:
        description: Metrics that the check must report. Used by O(prove).
        type: list
        elements: str
  code:
    description: Python code of custom checks by check name. A check without code is one that comes with the Agent.
    type: dict
    default: {}
  disable_others:
    description:
      - Whether to disable all other checks. The module renames each file from which the Agent would run another check,
        such as C(conf.d/NAME.d/conf.yaml) or C(conf.d/NAME.yaml), to a name that ends in C(.disabled), which the Agent
        ignores. Rename it back to enable the check again.
      - If a file with the new name exists, a number is added, as in C(conf.yaml.2.disabled), so no file is lost.
      - Files of the Agent package, such as C(conf.yaml.default) and C(auto_conf.yaml), are left alone.
    type: bool
    default: false
  tracked:
    description: Names of other checks that O(disable_others) leaves alone.
    type: list
    elements: str
    default: []
  prove:
    description:
      - Whether to run each check that has O(checks[].metrics) once if nothing changed. RV(proven) then tells whether
        all of them reported their metrics. After a change, restart the Agent and use
        M(kennel.fleet.datadog_checks_info) instead.
    type: bool
    default: false
  root:
    description: Configuration directory of the Agent.
    type: path
    default: /etc/datadog-agent
  python:
    description: Python interpreter of the Agent. The module finds the Agent's other files relative to it.
    type: path
    default: /opt/datadog-agent/embedded/bin/python3
  user:
    description: User and group of the Agent.
    type: str
    default: dd-agent
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing it.
  diff_mode:
    support: full
    description: Shows the differences with secrets hidden, and names the files that are disabled.
"""

EXAMPLES = r"""
- name: Install a custom check and configure an integration
  kennel.fleet.datadog_checks:
    checks:
      - name: queue_length
        instances:
          - min_collection_interval: 30
      - name: redisdb
        instances:
          - host: 127.0.0.1
            port: 6379
        secrets:
          instances.0.password: "{{ redis_password }}"
    code:
      queue_length: "{{ lookup('ansible.builtin.file', 'queue_length.py', rstrip=False) }}"
"""

RETURN = r"""
files:
  description: Files that changed, or would change in check mode. Disabled files are listed by their former names.
  returned: always
  type: list
  elements: str
  sample: [/etc/datadog-agent/conf.d/redisdb.d/conf.yaml]
actions:
  description: V(restart is due) if something changed, or would change in check mode, and the Agent is running.
  returned: always
  type: list
  elements: str
  sample: [restart is due]
proven:
  description: With O(prove), whether nothing changed and all checks have just reported their metrics.
  returned: always
  type: bool
"""

import os
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._host.changes import Changes
from ansible_collections.kennel.fleet.plugins.module_utils._host.check_loading import try_loading
from ansible_collections.kennel.fleet.plugins.module_utils._host.check_runs import CheckRuns, problem
from ansible_collections.kennel.fleet.plugins.module_utils._host.systemd_unit import read_unit
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import render

CHECK = {
    "name": {"required": True},
    "state": {"choices": ["present", "absent"], "default": "present"},
    "init_config": {"type": "dict", "default": {}},
    "instances": {"type": "list", "elements": "dict"},
    "sections": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "source": {},
    "metrics": {"type": "list", "elements": "str"},
}
KINDS = (".yaml", ".yml")
# Files next to a check's configuration: the package's own, and the metrics of a Java check.
KEPT = ("auto_conf", "metrics")


class Check:
    """One check on this host: compares it with the desired state and applies that."""

    def __init__(self, module: AnsibleModule, check: dict[str, Any]) -> None:
        self.module = module
        self.name, self.secrets = check["name"], check["secrets"]
        self.present = check["state"] == "present"
        self.check = check
        # The code of all checks: one may import another.
        self.codes = module.params["code"]
        self.code = self.codes.get(self.name)
        root = module.params["root"]
        self.code_path = os.path.join(root, "checks.d", f"{self.name}.py")
        self.folder = os.path.join(root, "conf.d", f"{self.name}.d")
        self.config_path = os.path.join(self.folder, "conf.yaml")
        self.legacy_path = os.path.join(root, "conf.d", f"{self.name}.yaml")

    def problem(self) -> str:
        """Return what prevents the installation of the check, or an empty text. Changes nothing."""
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.name):
            return f"{self.name!r} is not a valid name for a check. Use letters, digits and underscores."
        if not self.present:
            return ""
        instances = self.check["instances"]
        config = {
            "init_config": self.check["init_config"],
            "instances": [{}] if instances is None else instances,
            **self.check["sections"],
        }
        try:
            self.config = render(config, self.secrets)
        except (TypeError, ValueError) as error:
            return f"The check {self.name} was not installed: {error}. Correct its configuration or secrets."
        # This also refuses anything that is in the place of a file.
        before = {path: safe_files.read_text(path) for path in (self.code_path, self.config_path)}
        return self.load() if self.code is not None and before[self.code_path] != self.code else ""

    def load(self) -> str:
        """Refuse code that the Agent could not load. Without an Agent on the host, only check mode passes."""
        python = self.module.params["python"]
        if not os.path.exists(python):
            return "" if self.module.check_mode else f"{python} does not exist. Install the Agent before its checks."
        arguments = {name: self.module.params[name] for name in ("root", "python", "user")}
        problem, warning = try_loading(self.module, name=self.name, codes=self.codes, **arguments)
        if problem:
            source = self.check["source"] or "its source"
            return (
                f"The code of the check {self.name} does not load in the Agent, and nothing was changed: "
                f"{problem.rstrip('.')}. Fix {source} and run again."
            )
        if warning:
            self.module.warn(f"The check {self.name}: {warning}")
        return ""

    def apply(self, changes: Changes) -> None:
        """Apply the desired state. `problem` has been called before."""
        if not self.present:
            for path in (self.code_path, self.legacy_path, self.config_path):
                changes.remove(path, self.secrets)
            safe_files.remove_empty_folder(self.module, self.folder)
            return
        user = self.module.params["user"]
        own = {"owner": user, "group": user}
        for folder in (os.path.dirname(self.code_path), os.path.dirname(self.folder), self.folder):
            changes.folder(folder, **own)
        if self.code is not None:
            changes.write(self.code_path, self.code, mode="0640", secrets=self.secrets, **own)
        changes.write(self.config_path, self.config, mode="0640", secrets=self.secrets, **own)
        changes.remove(self.legacy_path, self.secrets)


def configurations(root: str) -> dict[str, str]:
    """Return the name of the check that each configuration file belongs to, by path.

    Finds them as the Agent does (7.84, comp/core/autodiscovery/providers/config_reader.go): it does not follow a link
    to a folder, but reads a file through a link.
    """
    folder = os.path.join(root, "conf.d")
    found = {}
    for entry in safe_files.list_folder(folder):
        path = os.path.join(folder, entry.name)
        name, kind = os.path.splitext(entry.name)
        if entry.is_folder and kind == ".d":
            for inner in safe_files.list_folder(path):
                stem, inner_kind = os.path.splitext(inner.name)
                if not inner.is_folder and inner_kind in KINDS and stem not in KEPT:
                    found[os.path.join(path, inner.name)] = name
        elif not entry.is_folder and kind in KINDS:
            found[path] = name
    return found


def disable(changes: Changes, root: str, tracked: set[str]) -> None:
    """Disable the configurations of all checks that are not TRACKED."""
    for path in sorted(path for path, name in configurations(root).items() if name not in tracked):
        new = safe_files.set_aside(changes.module, path, disabled_name)
        if new is not None:
            changes.changed = True
            changes.files.append(path)
            changes.diffs.append({"before": f"{path}\n", "after": f"{new}\n"})


def disabled_name(name: str, number: int) -> str:
    """A name that the Agent ignores."""
    return f"{name}.disabled" if number == 1 else f"{name}.{number}.disabled"


def prove(module: AnsibleModule) -> bool:
    """Whether every check reports its metrics. Does not wait for an Agent that never ran: nothing starts it here."""
    runs = CheckRuns(module, wait=0, timeout=60)
    checks = [
        check for check in module.params["checks"] if check["state"] == "present" and check["metrics"] is not None
    ]
    return not any(
        problem(check["name"], check["metrics"], runs.run(check["name"], check["metrics"])) for check in checks
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "checks": {"type": "list", "elements": "dict", "required": True, "options": CHECK},
            "code": {"type": "dict", "default": {}},
            "disable_others": {"type": "bool", "default": False},
            "tracked": {"type": "list", "elements": "str", "default": []},
            "prove": {"type": "bool", "default": False},
            "root": {"type": "path", "default": "/etc/datadog-agent"},
            "python": {"type": "path", "default": "/opt/datadog-agent/embedded/bin/python3"},
            "user": {"default": "dd-agent"},
        },
        supports_check_mode=True,
    )
    changes = Changes(module)
    checks = [Check(module, check) for check in module.params["checks"]]
    with changes.refusals():
        problems = [problem for problem in (check.problem() for check in checks) if problem]
        if problems:
            module.fail_json(msg="\n".join(problems))
        for check in checks:
            check.apply(changes)
        if module.params["disable_others"]:
            disable(changes, module.params["root"], {*module.params["tracked"], *(check.name for check in checks)})
    proven = module.params["prove"] and not changes.changed and not module.check_mode and prove(module)
    if changes.changed and read_unit(module, "datadog-agent.service").active:
        changes.actions.append("restart is due")
    module.exit_json(proven=proven, actions=changes.actions, **changes.result)


if __name__ == "__main__":
    main()
