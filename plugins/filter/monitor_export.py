# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: monitor_export
short_description: Write a Datadog monitor as one would have written it
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Turns a monitor as Datadog's API returns it into an item of M(kennel.fleet.datadog_monitors),
    which takes it back without a change.
  - What the server added is dropped, with ids, defaults, nulls and the mark of a fleet.
  - Its C(key) is that of its mark, or else made of its name. In a list, keys that are the same are numbered.
  - A composite monitor names others of the list by their keys where they are of its fleet, and all others by their ids.
positional: _input
options:
  _input:
    description: A monitor, or a list of them.
    type: raw
    required: true
  only:
    description:
      - What of a list, in which one that the module would refuse is an error otherwise.
      - V(taken) leaves those out, V(refused) returns a text about each of those.
    type: str
    choices: [taken, refused]
seealso:
  - module: kennel.fleet.datadog_monitors
  - module: kennel.fleet.datadog_monitors_info
"""

EXAMPLES = r"""
- name: Show what to write for a monitor that exists
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
    """Return the monitor, or each of a list, as an item; raise AnsibleFilterError for what is none."""
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
