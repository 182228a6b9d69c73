# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install a check of the Agent: its code, if it is a custom one, and its configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_check
short_description: Install a check of the Datadog Agent
version_added: 0.1.0
description:
  - Puts a check's configuration into C(conf.d/NAME.d/conf.yaml) and, for a custom check, its code into
    C(checks.d/NAME.py), with the owner and modes that the Agent's package uses.
  - New code is first loaded as the Agent loads it, with the Agent's own Python and as the Agent's user. Code that does
    not load changes nothing, nor does code whose name belongs to an integration or to a module of Python.
  - Removes the older form of the configuration, C(conf.d/NAME.yaml), which the Agent would load as well.
  - The Agent reads all this when it starts. Restarting it is left to the caller.
author: Kennel contributors (@kennel)
options:
  name:
    description: The check's name.
    type: str
    required: true
  state:
    description: Whether the check is to be there.
    type: str
    choices: [present, absent]
    default: present
  code:
    description: The Python code of a custom check. Leave out for a check that comes with the Agent.
    type: str
  config:
    description: The configuration, with C(init_config) and C(instances), without its secrets.
    type: dict
    default: {}
  secrets:
    description: Secrets by their place in O(config), a dotted path such as V(instances.0.password).
    type: dict
    default: {}
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
    description: Shows the difference with secrets hidden.
"""

EXAMPLES = r"""
- name: Install a custom check
  kennel.fleet.datadog_check:
    name: queue_length
    code: "{{ lookup('ansible.builtin.file', 'queue_length.py', rstrip=False) }}"
    config:
      init_config: {}
      instances:
        - min_collection_interval: 30

- name: Configure an integration of the Agent
  kennel.fleet.datadog_check:
    name: redisdb
    config:
      init_config: {}
      instances:
        - host: 127.0.0.1
          port: 6379
    secrets:
      instances.0.password: "{{ redis_password }}"
"""

RETURN = r"""
files:
  description: The files that changed, or in check mode would change.
  returned: always
  type: list
  elements: str
  sample: [/etc/datadog-agent/conf.d/redisdb.d/conf.yaml]
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._host.check_loading import try_loading
from ansible_collections.kennel.fleet.plugins.module_utils._secrets import masking
from ansible_collections.kennel.fleet.plugins.module_utils._secrets import yaml_files as datadog_files


class Check:
    """One check on this host, compared and brought to what is wanted."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.changed = False
        self.changed_files: list[str] = []
        self.diffs: list[dict[str, str]] = []
        root, name = self.params["root"], self.params["name"]
        self.code_path = os.path.join(root, "checks.d", f"{name}.py")
        self.folder = os.path.join(root, "conf.d", f"{name}.d")
        self.config_path = os.path.join(self.folder, "conf.yaml")
        self.legacy_path = os.path.join(root, "conf.d", f"{name}.yaml")

    def present(self) -> None:
        secrets = self.params["secrets"]
        try:
            config = datadog_files.render(self.params["config"], secrets)
        except (TypeError, ValueError) as error:
            self.module.fail_json(msg=f"check {self.params['name']} was not installed: {error}")
        code = self.params["code"]
        # Whatever stands in the way of a file is refused before anything is changed.
        before = {path: safe_files.read_text(path) for path in (self.code_path, self.config_path)}
        if code is not None and before[self.code_path] != code:
            self.load(code)
        for folder in (os.path.dirname(self.code_path), os.path.dirname(self.folder), self.folder):
            self.changed |= safe_files.ensure_folder(self.module, folder, **self.ownership("0755"))
        if code is not None:
            self.write(self.code_path, code)
        self.write(self.config_path, config)
        self.remove(self.legacy_path)

    def absent(self) -> None:
        self.remove(self.code_path)
        self.remove(self.legacy_path)
        self.remove(self.config_path)
        safe_files.remove_empty_folder(self.module, self.folder)

    def load(self, code: str) -> None:
        """Refuse code that the Agent could not load. On a host without an Agent only check mode gets past this."""
        python, user, name = self.params["python"], self.params["user"], self.params["name"]
        if not os.path.exists(python):
            if self.module.check_mode:
                return
            self.module.fail_json(msg=f"{python} does not exist: install the Agent before its checks")
        problem, warning = try_loading(
            self.module, name=name, code=code, root=self.params["root"], python=python, user=user
        )
        if problem:
            self.module.fail_json(
                msg=f"The code of check {name} does not load in the Agent, and nothing was changed: {problem}."
                " Fix its source and run again."
            )
        if warning:
            self.module.warn(f"check {name}: {warning}")

    def ownership(self, mode: str) -> dict[str, str]:
        return {"owner": self.params["user"], "group": self.params["user"], "mode": mode}

    def write(self, path: str, text: str) -> None:
        diff = masking.masked_diff(path, safe_files.read_text(path), text, self.params["secrets"])
        if safe_files.ensure_file(self.module, path, text, **self.ownership("0640")):
            self.changed_files.append(path)
            self.diffs.append(diff)

    def remove(self, path: str) -> None:
        said = safe_files.remove_file(self.module, path)
        if said is not None:
            self.changed_files.append(path)
            self.diffs.append(masking.masked_diff(path, said, "", self.params["secrets"]))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"required": True},
            "state": {"choices": ["present", "absent"], "default": "present"},
            "code": {},
            "config": {"type": "dict", "default": {}},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "root": {"type": "path", "default": "/etc/datadog-agent"},
            "python": {"type": "path", "default": "/opt/datadog-agent/embedded/bin/python3"},
            "user": {"default": "dd-agent"},
        },
        supports_check_mode=True,
    )
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", module.params["name"]):
        module.fail_json(msg=f"{module.params['name']!r} cannot be a check's name: use letters, digits and underscores")
    check = Check(module)
    with safe_files.refusals(module):
        getattr(check, module.params["state"])()
    module.exit_json(changed=check.changed or bool(check.changed_files), files=check.changed_files, diff=check.diffs)


if __name__ == "__main__":
    main()
