# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_monitors
short_description: Keep the Datadog monitors of a fleet as they are written
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Compares a list of monitors with those of the account, and creates, changes or deletes what differs.
  - Everything is checked before anything is changed, queries by their grammar, and what is to be sent by Datadog
    itself, in check mode too. All problems are reported at once.
  - The type of a monitor cannot change. One whose type does is deleted and recreated, which is noted.
  - A composite monitor names the monitors that it consists of by their keys. It is created after them, deleted before
    them, and follows one that is recreated.
options:
  monitors:
    description:
      - Monitors, each as the body of Datadog's API with C(key) added.
        What only Datadog writes, such as C(id) and C(overall_state), may stand in it and is left out.
      - With O(adopt=true), an unmarked monitor of the same name is adopted.
      - C(key). Name that identifies the monitor in its fleet, in the form of O(fleet). Required.
      - C(state). V(present), the default, or V(absent), which deletes it. Then the other fields are not needed.
      - C(name). Name of the monitor.
      - C(type). Type of the monitor. V(metric alert) and V(query alert) are the same.
      - C(query). Query of the monitor. That of a V(composite) joins up to ten other monitors of the list by their keys,
        such as V(mysql && !my_metric), or by an id one that is not the fleet's. None of them may be composite itself.
      - C(message). Text of the notification, with its recipients. Without it, nobody is notified.
      - C(tags). Tags of the monitor. The mark is added to them.
      - C(priority). From 1, the highest, to 5. None by default.
      - C(options). Thresholds and other options. What is not among them is as Datadog has it by default.
        C(silenced) may stand among them and is left out. Mute with M(kennel.fleet.datadog_downtimes).
      - C(restricted_roles). Roles that may change it. Compared only where given.
      - C(assets). Runbooks and other links. Compared only where given.
      - C(draft_status). V(draft) for a monitor that notifies nobody, or V(published). Compared only where given.
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
    description: The fields of a monitor.
    link: https://docs.datadoghq.com/api/latest/monitors/#create-a-monitor
"""

EXAMPLES = r"""
- name: Watch the load of every host
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

- name: Watch for a load that nobody asked for
  kennel.fleet.datadog_monitors:
    fleet: shop
    monitors:
      - {key: load, name: Load, type: query alert, query: "avg(last_5m):avg:system.load.1{*} by {host} > 8"}
      - {key: hits, name: Hits, type: query alert, query: "sum(last_5m):sum:shop.hits{*} by {host}.as_count() > 900"}
      - {key: idle_load, name: Load without hits, type: composite, query: load && !hits, message: "@ops@example.com"}
  delegate_to: localhost

- name: Take over monitors that were made by hand, by their names
  kennel.fleet.datadog_monitors:
    fleet: shop
    monitors: "{{ shop_monitors }}"
    adopt: true
  delegate_to: localhost
"""

RETURN = r"""
monitors:
  description:
    - What became of each monitor of the list, in its order, followed by those that were deleted.
    - In check mode, what would become of it.
  returned: always
  type: list
  elements: dict
  contains:
    key:
      description: Key of the monitor.
      type: str
    id:
      description: Its id in Datadog. None for one that does not exist, or in check mode would be created.
      type: int
    name:
      description: Its name.
      type: str
    url:
      description: Address of its page. None for one that does not exist.
      type: str
    action:
      description: One of V(created), V(updated), V(adopted), V(unchanged) and V(deleted).
      type: str
    note:
      description: What else there is to say about it, if anything.
      type: str
  sample:
    - key: load
      id: 12345678
      name: Load on {{host.name}}
      url: https://app.datadoghq.com/monitors/12345678
      action: updated
diff:
  description: What differs, as YAML, one entry for each monitor that is not V(unchanged).
  returned: always
  type: list
  elements: dict
unlisted:
  description:
    - Objects of the fleet that are not in the list and stay, each with C(kind), C(key), C(id), C(title) and C(url).
      V(absent) as their C(state), or O(prune=true), deletes them.
  returned: always
  type: list
  elements: dict
problems:
  description: What is wrong with the input, each with its fix. Nothing was changed then.
  returned: when the input is refused
  type: list
  elements: str
"""

from ansible_collections.kennel.fleet.plugins.module_utils._objects.gateway import run_module


def main() -> None:
    run_module("monitor")


if __name__ == "__main__":
    main()
