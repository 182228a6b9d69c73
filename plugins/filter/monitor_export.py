# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: monitor_export
short_description: Convert a Datadog monitor to an item of datadog_monitors
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Converts a monitor from the format of the Datadog API to an item of M(kennel.fleet.datadog_monitors). Applying the
    item to the same monitor changes nothing.
  - Removes everything that the server added, such as IDs, defaults and nulls, and the mark of a fleet.
  - Takes C(key) from the mark, or else derives it from the name. In a list, duplicate keys are numbered.
  - A composite monitor refers to other monitors of the list by key if they belong to its fleet, and to all others by
    ID.
positional: _input
options:
  _input:
    description: A monitor, or a list of them.
    type: raw
    required: true
  only:
    description:
      - What to return of a list with monitors that the module would refuse. If not set, they cause an error.
      - V(taken) leaves them out. V(refused) returns only a message about each of them.
    type: str
    choices: [taken, refused]
seealso:
  - module: kennel.fleet.datadog_monitors
  - module: kennel.fleet.datadog_monitors_info
"""

EXAMPLES = r"""
- name: Show an existing monitor as an item
  ansible.builtin.debug:
    msg: "{{ found | kennel.fleet.monitor_export }}"
  vars:
    found: >-
      {{ {'id': 7, 'name': 'Load', 'type': 'query alert', 'query': 'avg(last_5m):avg:system.load.1{*} > 8',
          'message': '', 'tags': [], 'overall_state': 'OK', 'options': {'thresholds': {'critical': 8.0}}} }}
  # => {'key': 'load', 'name': 'Load', 'type': 'query alert', 'query': 'avg(last_5m):avg:system.load.1{*} > 8',
  #     'options': {'thresholds': {'critical': 8.0}}}
"""

RETURN = r"""
_value:
  description: An item, or a list of them.
  type: raw
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def monitor_export(found: Any, only: str | None = None) -> Any:
    """Return the monitor, or each of a list, as an item; raise AnsibleFilterError for anything else."""
    from ansible_collections.kennel.fleet.plugins.module_utils._objects.export import export
    from ansible_collections.kennel.fleet.plugins.module_utils._objects.monitors import Monitors

    try:
        return export(Monitors(), found, only)
    except ValueError as error:
        raise AnsibleFilterError(f"monitor_export: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"monitor_export": monitor_export}
