# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_monitors
short_description: Manage the Datadog monitors of a fleet
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Compares a list of monitors with those in the account, and creates, updates or deletes those that differ.
  - Validates everything before it changes anything, and reports all problems at once. It parses queries itself, and has
    Datadog validate the monitors that it would create or update, in check mode too.
  - The type of a monitor cannot be changed in place. The module deletes and recreates the monitor, and adds a note.
  - A composite monitor refers to other monitors by their keys. The module creates it after them and deletes it before
    them, and updates it if one of them is recreated.
options:
  monitors:
    description:
      - Monitors, each in the format of the Datadog API with a C(key) in addition. Read-only fields, such as C(id) and
        C(overall_state), are accepted and ignored.
      - With O(adopt=true), the module takes over an unmarked monitor that has the same name.
      - C(key). Name that identifies the monitor in its fleet, with the same syntax as O(fleet). Required.
      - C(state). V(present), the default, or V(absent), which deletes the monitor. V(absent) needs no other fields.
      - C(name). Name of the monitor.
      - C(type). Type of the monitor. V(metric alert) and V(query alert) are the same.
      - C(query). Query of the monitor. The query of a V(composite) monitor combines up to ten other monitors of the
        list by their keys, such as V(mysql && !my_metric), or by ID if a monitor does not belong to the fleet. None of
        them may be a composite monitor.
      - C(message). Notification message with its recipients. Without a message, nobody is notified.
      - C(tags). Tags of the monitor. The module adds the mark.
      - C(priority). Priority from 1, the highest, to 5. None by default.
      - C(options). Thresholds and other options. Options that are not set have Datadog's defaults. C(silenced) is
        accepted and ignored. To mute monitors, use M(kennel.fleet.datadog_downtimes).
      - C(restricted_roles). Roles that may edit the monitor. Compared only if set.
      - C(assets). Runbooks and other links. Compared only if set.
      - C(draft_status). V(draft), which notifies nobody, or V(published). Compared only if set.
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_objects
seealso:
  - module: kennel.fleet.datadog_monitors_info
  - plugin: kennel.fleet.monitor_export
    plugin_type: filter
  - plugin: kennel.fleet.monitor_query
    plugin_type: filter
  - name: Monitors
    description: Fields of a monitor.
    link: https://docs.datadoghq.com/api/latest/monitors/#create-a-monitor
"""

EXAMPLES = r"""
- name: Monitor the load of every host
  kennel.fleet.datadog_monitors:
    fleet: shop
    monitors:
      - key: load
        name: Load on {{ '{{host.name}}' }}
        type: query alert
        query: avg(last_5m):avg:system.load.1{*} by {host} > 8
        message: The load is {{ '{{value}}' }}. @ops@example.com
        tags: [team:shop]
        priority: 2
        options:
          thresholds: {critical: 8, warning: 4}
          notify_no_data: true
          no_data_timeframe: 10
  delegate_to: localhost

- name: Alert on a high load without many requests
  kennel.fleet.datadog_monitors:
    fleet: shop
    monitors:
      - {key: load, name: Load, type: query alert, query: "avg(last_5m):avg:system.load.1{*} by {host} > 8"}
      - {key: hits, name: Hits, type: query alert, query: "sum(last_5m):sum:shop.hits{*} by {host}.as_count() > 900"}
      - {key: idle_load, name: Load without hits, type: composite, query: load && !hits, message: "@ops@example.com"}
  delegate_to: localhost

- name: Take over monitors that were created by hand, by their names
  kennel.fleet.datadog_monitors:
    fleet: shop
    monitors: "{{ shop_monitors }}"
    adopt: true
  delegate_to: localhost
"""

RETURN = r"""
monitors:
  description:
    - Result for each monitor, in the order of the list, followed by the deleted ones.
    - In check mode, what would happen to each.
  returned: always
  type: list
  elements: dict
  contains:
    key:
      description: Key of the monitor.
      type: str
    id:
      description: ID in Datadog. None if the monitor does not exist, or would be created in check mode.
      type: int
    name:
      description: Name of the monitor.
      type: str
    url:
      description: URL of the monitor. None if it does not exist.
      type: str
    action:
      description: One of V(created), V(updated), V(adopted), V(unchanged) and V(deleted).
      type: str
    note:
      description: Additional information, if there is any.
      type: str
  sample:
    - key: load
      id: 12345678
      name: Load on {{host.name}}
      url: https://app.datadoghq.com/monitors/12345678
      action: updated
diff:
  description: Differences as YAML, one entry for each monitor that is not V(unchanged).
  returned: always
  type: list
  elements: dict
unlisted:
  description:
    - Objects of the fleet that are no longer in the list but still exist, each with C(kind), C(key), C(id), C(title)
      and C(url). To delete them, set their C(state) to V(absent), or set O(prune=true).
  returned: always
  type: list
  elements: dict
problems:
  description: Problems with the input, each with its fix. The module changed nothing.
  returned: if the input is invalid
  type: list
  elements: str
"""

from ansible_collections.kennel.fleet.plugins.module_utils._objects.gateway import main_of_kind


def main() -> None:
    main_of_kind("monitor")


if __name__ == "__main__":
    main()
