# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_objects_problems
short_description: List what is wrong with the inputs of the role datadog_objects
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Checks settings, dashboards, monitors and downtimes, every query in them included, so that nothing is changed with
    bad inputs.
options:
  _input:
    description:
      - Dictionary with the keys V(fleet), V(notify), V(timezone), V(service), V(operation), V(error_share), V(tags),
        V(warning), V(alert), V(no_data_minutes), V(folder) and V(sources), which has for V(dashboards), V(monitors) and
        V(downtimes) each a dictionary of the variable's name to its items.
    type: dict
    required: true
seealso:
  - plugin: kennel.fleet.datadog_query_problems
    plugin_type: filter
"""

EXAMPLES = r"""
- name: List the problems
  ansible.builtin.debug:
    msg: >-
      {{ {'fleet': 'web', 'notify': '@ops@example.com', 'timezone': 'UTC', 'service': 'shop',
          'operation': 'flask.request', 'error_share': 0.05, 'tags': ['kennel_fleet:web'], 'warning': 5, 'alert': 8,
          'no_data_minutes': 10, 'folder': '',
          'sources': {'dashboards': {}, 'monitors': {}, 'downtimes': {'mine': [{'key': 'night', 'monitor_key': 'x'}]}}}
         | kennel.fleet.datadog_objects_problems }}
"""

RETURN = r"""
_value:
  description: Problems, each naming its variable and the mend. Empty when the inputs are fine.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._inputs.objects import objects_problems


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_objects_problems": objects_problems}
