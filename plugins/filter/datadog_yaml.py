# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_yaml
short_description: Format dashboards and monitors as readable YAML
version_added: 0.1.0
author: Kennel contributors (@kennel)
description: Keeps the order of fields, and writes multi-line text such as the message of a monitor as a block of lines.
options:
  _input:
    description: A list of items, or one.
    type: raw
    required: true
seealso:
  - plugin: kennel.fleet.dashboard_export
    plugin_type: filter
  - plugin: kennel.fleet.monitor_export
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write a monitor to a file
  ansible.builtin.copy:
    content: "{{ [{'key': 'load', 'message': 'High.\\nLook at it. @ops@example.com'}] | kennel.fleet.datadog_yaml }}"
    dest: monitors.yml
  # => - key: load
  #      message: |-
  #        High.
  #        Look at it. @ops@example.com
"""

RETURN = r"""
_value:
  description: YAML text. An empty list is written as V([]).
  type: str
"""

import json
from collections.abc import Callable
from typing import Any


def datadog_yaml(value: Any) -> str:
    """Return the value as YAML."""
    from ansible_collections.kennel.fleet.plugins.module_utils._objects.diff import yaml_text

    # Convert Ansible's own types of text and lists to plain ones, which are all that YAML supports.
    return yaml_text(json.loads(json.dumps(value))) or "[]\n"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_yaml": datadog_yaml}
