# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write a configuration file of the Agent that holds secrets."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_config
short_description: Write a YAML file that holds secrets
version_added: 0.1.0
description:
  - Renders a dictionary as YAML, with secrets put in their places, and writes it in one step.
  - The file is never readable by others on its way, and its secrets never show in output, logs or diffs.
  - No link is followed that another user than root can have made, and nothing but a plain file is replaced. What stands
    in the way is named, and left alone.
author: Kennel contributors (@kennel)
options:
  path:
    description: The file to write. Its folder must exist.
    type: path
    required: true
  config:
    description: What the file says, without its secrets.
    type: dict
    required: true
  secrets:
    description:
      - Secrets by their place in O(config), a dotted path in which numbers are list positions.
      - A value of the form V(ENC[handle]) is written as it is, for the Agent to resolve, and is shown in diffs.
    type: dict
    default: {}
  owner:
    description: The file's owner.
    type: str
    default: dd-agent
  group:
    description: The file's group.
    type: str
    default: dd-agent
  mode:
    description: The file's mode, an octal number in quotes.
    type: str
    default: "0640"
attributes:
  check_mode:
    support: full
    description: Says what would change and changes nothing.
  diff_mode:
    support: full
    description: Shows the difference with secrets hidden.
"""

EXAMPLES = r"""
- name: Configure the Agent
  kennel.fleet.datadog_config:
    path: /etc/datadog-agent/datadog.yaml
    config:
      site: datadoghq.com
      tags: ["env:prod"]
    secrets:
      api_key: "{{ datadog_api_key }}"
"""

RETURN = r"""
path:
  description: The file.
  returned: always
  type: str
  sample: /etc/datadog-agent/datadog.yaml
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._secrets import yaml_files as datadog_files
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.masking import masked_diff


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "config": {"type": "dict", "required": True},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "owner": {"default": "dd-agent"},
            "group": {"default": "dd-agent"},
            "mode": {"default": "0640"},
        },
        supports_check_mode=True,
    )
    path, secrets = module.params["path"], module.params["secrets"]
    try:
        text = datadog_files.render(module.params["config"], secrets)
    except (TypeError, ValueError) as error:
        module.fail_json(msg=f"{path} was not written: {error}")
    attributes = {name: module.params[name] for name in ("owner", "group", "mode")}
    with safe_files.refusals(module):
        diff = masked_diff(path, safe_files.read_text(path), text, secrets)
        changed = safe_files.ensure_file(module, path, text, **attributes)
    module.exit_json(changed=changed, path=path, diff=diff)


if __name__ == "__main__":
    main()
