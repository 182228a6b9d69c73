# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install checks of the Agent: their code, if they are custom ones, and their configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_checks
short_description: Install checks of the Datadog Agent
version_added: 1.0.0
description:
  - Puts the configuration of each check into C(conf.d/NAME.d/conf.yaml) and, for a custom check, its code into
    C(checks.d/NAME.py), with the owner and modes that the Agent's package uses.
  - New code is first loaded as the Agent loads it, with the Agent's own Python and as the Agent's user. Where the code
    of one check does not load, nothing is changed. The same holds for code whose name belongs to an integration or to a
    module of Python.
  - Removes the older form of the configuration, C(conf.d/NAME.yaml), which the Agent would load as well.
  - The Agent reads all this when it starts. Restarting it is left to the caller.
author: Kennel contributors (@kennel)
options:
  checks:
    description: The checks.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The check's name.
        type: str
        required: true
      state:
        description: Whether the check is to be there.
        type: str
        choices: [present, absent]
        default: present
      init_config:
        description: Settings that its instances share.
        type: dict
        default: {}
      instances:
        description: Its instances. Not set, it has one without settings.
        type: list
        elements: dict
      sections:
        description: What else its C(conf.yaml) says, such as C(logs). It may also replace the two above.
        type: dict
        default: {}
      secrets:
        description: Secrets by their place, a dotted path such as V(instances.0.password).
        type: dict
        default: {}
      source:
        description: The file that its code comes from, named in messages.
        type: str
      metrics:
        description: Metrics that it must give, for O(prove).
        type: list
        elements: str
  code:
    description: The Python code of custom checks, by the check's name. A check without code comes with the Agent.
    type: dict
    default: {}
  disable_others:
    description:
      - Whether to set aside every file from which the Agent would run another check, such as C(conf.d/NAME.d/conf.yaml)
        or C(conf.d/NAME.yaml). Its name then ends in C(.disabled), which the Agent passes over. Renaming it back
        enables the check again.
      - Where that name is taken by another file, the new one gets a number, as in C(conf.yaml.2.disabled). Neither is
        lost.
      - What the Agent's package brings, such as C(conf.yaml.default) and C(auto_conf.yaml), is left alone.
    type: bool
    default: false
  tracked:
    description: Names of other checks that O(disable_others) leaves alone.
    type: list
    elements: str
    default: []
  prove:
    description:
      - Whether to run each check with O(checks[].metrics) once, if nothing changed, and say in RV(proven) whether all
        gave them. After a change the Agent has to be restarted first, and M(kennel.fleet.datadog_checks_info) runs them
        then.
    type: bool
    default: false
  root:
    description: The Agent's configuration folder.
    type: path
    default: /etc/datadog-agent
  python:
    description: The Agent's own Python. What the Agent has beside it is found from there.
    type: path
    default: /opt/datadog-agent/embedded/bin/python3
  user:
    description: The Agent's user and group.
    type: str
    default: dd-agent
attributes:
  check_mode:
    support: full
    description: Says what would change and changes nothing.
  diff_mode:
    support: full
    description: Shows the difference with secrets hidden, and names the files that are set aside.
"""

EXAMPLES = r"""
- name: Install a custom check, and configure an integration of the Agent
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
  description: The files that changed, or in check mode would change. Those that are set aside have their former names.
  returned: always
  type: list
  elements: str
  sample: [/etc/datadog-agent/conf.d/redisdb.d/conf.yaml]
proven:
  description: With O(prove), whether nothing changed and all checks gave their metrics just now.
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
# Beside a check's configuration: the package's own, and metrics of a check in Java.
KEPT = ("auto_conf", "metrics")


class Check:
    """One check on this host, compared and brought to what is wanted."""

    def __init__(self, module: AnsibleModule, check: dict[str, Any]) -> None:
        self.module = module
        self.name, self.secrets = check["name"], check["secrets"]
        self.present = check["state"] == "present"
        self.check = check
        # Every code that is new: what it imports may be another one.
        self.codes = module.params["code"]
        self.code = self.codes.get(self.name)
        root = module.params["root"]
        self.code_path = os.path.join(root, "checks.d", f"{self.name}.py")
        self.folder = os.path.join(root, "conf.d", f"{self.name}.d")
        self.config_path = os.path.join(self.folder, "conf.yaml")
        self.legacy_path = os.path.join(root, "conf.d", f"{self.name}.yaml")

    def problem(self) -> str:
        """What keeps the check from being installed, empty if nothing. Changes nothing."""
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.name):
            return f"{self.name!r} cannot be a check's name: use letters, digits and underscores."
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
            return f"The check {self.name} was not installed: {error}."
        # Whatever stands in the way of a file is refused here, too.
        before = {path: safe_files.read_text(path) for path in (self.code_path, self.config_path)}
        return self.load() if self.code is not None and before[self.code_path] != self.code else ""

    def load(self) -> str:
        """Refuse code that the Agent could not load. On a host without an Agent only check mode gets past this."""
        python = self.module.params["python"]
        if not os.path.exists(python):
            return "" if self.module.check_mode else f"{python} does not exist: install the Agent before its checks."
        arguments = {name: self.module.params[name] for name in ("root", "python", "user")}
        problem, warning = try_loading(self.module, name=self.name, codes=self.codes, **arguments)
        if problem:
            source = self.check["source"] or "its source"
            return (
                f"The code of the check {self.name} does not load in the Agent, and nothing was changed: {problem}. "
                f"Fix {source} and run again."
            )
        if warning:
            self.module.warn(f"The check {self.name}: {warning}")
        return ""

    def apply(self, changes: Changes) -> None:
        """Bring the check to what is wanted. `problem` has been asked before."""
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
    """The check that each configuration file is for, by the file's path.

    As the Agent finds them (7.84, comp/core/autodiscovery/providers/config_reader.go): it does not look into a link to
    a folder, and reads a file through a link.
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
    """Set the configurations of all checks aside that are not TRACKED."""
    for path in sorted(path for path, name in configurations(root).items() if name not in tracked):
        new = safe_files.set_aside(changes.module, path, disabled_name)
        if new is not None:
            changes.changed = True
            changes.files.append(path)
            changes.diffs.append({"before": f"{path}\n", "after": f"{new}\n"})


def disabled_name(name: str, number: int) -> str:
    """A name that the Agent passes over."""
    return f"{name}.disabled" if number == 1 else f"{name}.{number}.disabled"


def prove(module: AnsibleModule) -> bool:
    """Whether every check gives its metrics now. An Agent that never ran is not waited for: nothing starts it here."""
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
    with safe_files.refusals(module):
        problems = [problem for problem in (check.problem() for check in checks) if problem]
        if problems:
            module.fail_json(msg="\n".join(problems))
        for check in checks:
            check.apply(changes)
        if module.params["disable_others"]:
            disable(changes, module.params["root"], {*module.params["tracked"], *(check.name for check in checks)})
    proven = module.params["prove"] and not changes.changed and not module.check_mode and prove(module)
    module.exit_json(proven=proven, **changes.result)


if __name__ == "__main__":
    main()
