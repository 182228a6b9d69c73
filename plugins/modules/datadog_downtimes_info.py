# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_downtimes_info
short_description: List the downtimes of a Datadog account
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Returns all downtimes that Datadog still lists, or those that match the options, however many there are. Does not
    fail if there are none.
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_info
  - kennel.fleet.datadog_info.objects
options:
  active:
    description: Only return downtimes that are active now.
    type: bool
    default: false
seealso:
  - module: kennel.fleet.datadog_downtimes
"""

EXAMPLES = r"""
- name: List active downtimes
  kennel.fleet.datadog_downtimes_info:
    active: true
    api_key: "{{ datadog_api_key }}"
    app_key: "{{ datadog_app_key }}"
  delegate_to: localhost
  run_once: true
  register: silenced

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.scope }} until {{ item.schedule.current_downtime.end | default('further notice', true) }}"
  loop: "{{ silenced.downtimes | selectattr('schedule.current_downtime', 'defined') }}"
"""

RETURN = r"""
downtimes:
  description: Downtimes, each with its ID and its attributes as version 2 of the API returns them.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: ID of the downtime.
      type: str
    scope:
      description: Scope of the downtime.
      type: str
    monitor_identifier:
      description: Monitor that the downtime mutes, as C(monitor_id), or tags of monitors, as C(monitor_tags).
      type: dict
    schedule:
      description: Schedule of the downtime.
      type: dict
    message:
      description: Message, including the mark of the fleet.
      type: str
    status:
      description: V(active), V(scheduled), V(ended) or V(canceled).
      type: str
  sample:
    - id: 00000000-0000-1234-0000-000000000000
      scope: env:lab
      status: active
"""

from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import Client
from ansible_collections.kennel.fleet.plugins.module_utils._api.module import run_module
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import chosen, fleet_arguments, mark_in_text


def read(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the module's result."""
    found = client.pages("downtime", **({"current_only": "true"} if params["active"] else {}))
    downtimes = [{"id": item["id"], **item["attributes"]} for item in found]
    return {"downtimes": [item for item in downtimes if chosen(mark_in_text(item.get("message")), params)]}


def main() -> None:
    run_module(
        read,
        {"active": {"type": "bool", "default": False}, **fleet_arguments()},
        required_by={"key": ["fleet"]},
    )


if __name__ == "__main__":
    main()
