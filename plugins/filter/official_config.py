# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: official_config
short_description: Convert the Agent settings of the official Datadog role
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Splits the dictionary C(datadog_config) of the official role into the variables of the role C(datadog_agent).
options:
  _input:
    description: Settings of C(datadog.yaml), including secrets.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the converted settings
  ansible.builtin.debug:
    msg: "{{ {'tags': ['env:prod'], 'log_level': 'warn', 'proxy': {'https': 'http://me:geheim@proxy'}}
             | kennel.fleet.official_config }}"
  # => {'tags': ['env:prod'], 'config': {'log_level': 'warn', 'proxy': {}},
  #     'secrets': {'proxy.https': 'http://me:geheim@proxy'}}
"""

RETURN = r"""
_value:
  description:
    - Settings by the names of the role's variables without their prefix. The result always contains C(config), with all
      settings that have no separate variable, and C(secrets), by their path in C(config).
    - Tags in a string, separated by commas or spaces, become a list.
  type: dict
"""

import re
from collections.abc import Callable
from typing import Any


def official_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings by the matching variable of the role datadog_agent, without its prefix."""
    from ansible_collections.kennel.fleet.plugins.module_utils._inputs.datadog_agent import OWN_VARIABLE
    from ansible_collections.kennel.fleet.plugins.module_utils._plain import copied
    from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import split_secrets

    left, found = copied(config), {}
    for place, name in OWN_VARIABLE.items():
        *parents, last = place.split(".")
        node = left
        for parent in parents:
            node = node.get(parent)
            if not isinstance(node, dict):
                break
        else:
            value = node.pop(last, None)
            if value is not None:
                found[name] = value
    if isinstance(found.get("tags"), str):
        found["tags"] = re.findall(r"[^,\s]+", found["tags"])
    kept, secrets = split_secrets(left)
    return {**found, "config": kept, "secrets": secrets}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"official_config": official_config}
