# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_dashboards
short_description: Keep the Datadog dashboards of a fleet as they are written
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Compares a list of dashboards with those of the account, and creates, changes or deletes what differs.
  - Everything is checked before anything is changed, and all problems are reported at once. Widgets are checked by the
    models of Datadog's own client for fields, types, enumerations and layout.
  - Datadog is asked, too, whether it takes the widgets of what is to be created or changed, in check mode as well.
    Where an account does not have this call, the other rules stand alone.
  - A widget, field or data source that is not known here is sent as it is written, with a warning.
options:
  dashboards:
    description:
      - Dashboards, each as the body of Datadog's API with C(key) added.
        What only Datadog writes, such as C(id) and C(author_handle), may stand in it and is left out.
      - With O(adopt=true), an unmarked dashboard of the same title is adopted.
      - C(key). Name that identifies the dashboard in its fleet, in the form of O(fleet). Required.
      - C(state). V(present), the default, or V(absent), which deletes it. Then the other fields are not needed.
      - C(title). Title of the dashboard.
      - C(description). Text about the dashboard. The mark is added to it as a paragraph of its own.
      - C(layout_type). V(ordered) for a grid that flows, V(free) for widgets at fixed places.
      - C(reflow_type). V(auto) or V(fixed), for ordered dashboards.
      - C(widgets). Widgets, each with a C(definition).
      - C(template_variables). Variables by which people filter the dashboard. Each has a C(name).
      - C(template_variable_presets). Saved values of these.
      - C(notify_list). Handles of the people who are notified of changes.
      - C(tags). Tags of teams, C(team:NAME).
      - C(tabs). Tabs, with widgets named by their place, V(@1) for the first.
      - C(default_timeframe). Time span that is shown first.
      - C(is_read_only). Whether only its author and administrators may change it. Compared only where given.
      - C(restricted_roles). Roles that may change it. Compared only where given.
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_objects
seealso:
  - module: kennel.fleet.datadog_dashboards_info
  - plugin: kennel.fleet.dashboard_export
    plugin_type: filter
  - name: Dashboards
    description: The fields of a dashboard.
    link: https://docs.datadoghq.com/api/latest/dashboards/#create-a-new-dashboard
"""

EXAMPLES = r"""
- name: Keep a timeboard
  kennel.fleet.datadog_dashboards:
    fleet: shop
    dashboards:
      - key: overview
        title: The shop
        layout_type: ordered
        template_variables:
          - {name: host, prefix: host, defaults: ["*"]}
        widgets:
          - definition:
              type: timeseries
              title: Load
              requests:
                - response_format: timeseries
                  display_type: line
                  formulas: [{formula: load}]
                  queries: [{name: load, data_source: metrics, query: "avg:system.load.1{$host} by {host}"}]
  delegate_to: localhost

- name: Delete every dashboard of the fleet, and nothing else
  kennel.fleet.datadog_dashboards:
    fleet: shop
    dashboards: []
    prune: true
  delegate_to: localhost
"""

RETURN = r"""
dashboards:
  description:
    - What became of each dashboard of the list, in its order, followed by those that were deleted.
    - In check mode, what would become of it.
  returned: always
  type: list
  elements: dict
  contains:
    key:
      description: Key of the dashboard.
      type: str
    id:
      description: Its id in Datadog. None for one that does not exist, or in check mode would be created.
      type: str
    title:
      description: Its title.
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
    - key: overview
      id: abc-def-ghi
      title: The shop
      url: https://app.datadoghq.com/dashboard/abc-def-ghi/the-shop
      action: created
diff:
  description: What differs, as YAML, one entry for each dashboard that is not V(unchanged).
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
    run_module("dashboard")


if __name__ == "__main__":
    main()
