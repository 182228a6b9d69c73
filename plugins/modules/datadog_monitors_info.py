# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_monitors_info
short_description: List the monitors of a Datadog account and their states
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Returns all monitors of the account, or those that match the options, however many there are. Does not fail if there
    are none.
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_info
  - kennel.fleet.datadog_info.objects
options:
  name:
    description: Only return monitors whose names contain this text.
    type: str
  tags:
    description: Only return monitors whose queries are scoped by these tags.
    type: list
    elements: str
  monitor_tags:
    description: Only return monitors that have all of these tags.
    type: list
    elements: str
  ids:
    description: Only return the monitors with these IDs. The module ignores IDs that do not exist.
    type: list
    elements: int
  group_states:
    description: Also return the groups of each monitor that are in one of these states, as C(state).
    type: list
    elements: str
    choices: [all, alert, warn, no data]
    default: []
seealso:
  - module: kennel.fleet.datadog_monitors
"""

EXAMPLES = r"""
- name: List the monitors of the fleet lab with the state of each host
  kennel.fleet.datadog_monitors_info:
    fleet: lab
    group_states: [all]
    api_key: "{{ datadog_api_key }}"
    app_key: "{{ datadog_app_key }}"
  delegate_to: localhost
  run_once: true
  register: lab

- name: Show those that are alerting
  ansible.builtin.debug:
    msg: "{{ lab.monitors | selectattr('overall_state', 'eq', 'Alert') | map(attribute='name') }}"
"""

RETURN = r"""
monitors:
  description: Monitors as the API returns them.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: ID of the monitor.
      type: int
    name:
      description: Name of the monitor.
      type: str
    type:
      description: Type of the monitor.
      type: str
    query:
      description: Query of the monitor.
      type: str
    message:
      description: Notification message.
      type: str
    tags:
      description: Tags, including the mark of the fleet.
      type: list
    options:
      description: Options of the monitor.
      type: dict
    overall_state:
      description: State of the monitor, which is the worst state of all groups.
      type: str
    state:
      description: Groups by name. Only returned with O(group_states).
      type: dict
  sample:
    - id: 12345678
      name: my_metric is high
      type: metric alert
      query: avg(last_5m):avg:my_metric{*} by {host} > 800
      overall_state: OK
"""

from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import Client
from ansible_collections.kennel.fleet.plugins.module_utils._api.module import get_if_there, run_module
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import chosen, fleet_arguments, mark_in_tags


def read(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the module's result."""
    states = {"group_states": ",".join(params["group_states"])} if params["group_states"] else {}
    if params["ids"] is not None:
        found = [get_if_there(client, f"monitor/{number}", **states) for number in dict.fromkeys(params["ids"])]
        return {"monitors": [monitor for monitors in found for monitor in monitors]}
    mark = [f"kennel_fleet:{params['fleet']}"] if params["fleet"] else []
    asked = {
        "name": params["name"],
        "tags": ",".join(params["tags"] or ()),
        "monitor_tags": ",".join([*(params["monitor_tags"] or ()), *mark]),
    }
    monitors = client.pages("monitor", **{name: value for name, value in asked.items() if value}, **states)
    return {"monitors": [monitor for monitor in monitors if chosen(mark_in_tags(monitor.get("tags") or []), params)]}


def main() -> None:
    texts = {"type": "list", "elements": "str"}
    run_module(
        read,
        {
            "name": {"type": "str"},
            "tags": texts,
            "monitor_tags": texts,
            **fleet_arguments(),
            "ids": {"type": "list", "elements": "int"},
            "group_states": {**texts, "default": [], "choices": ["all", "alert", "warn", "no data"]},
        },
        mutually_exclusive=[("ids", other) for other in ("name", "tags", "monitor_tags", "fleet")],
        required_by={"key": ["fleet"]},
    )


if __name__ == "__main__":
    main()
