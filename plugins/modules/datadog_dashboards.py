# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_dashboards
short_description: Manage the Datadog dashboards of a fleet
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Compares a list of dashboards with those in the account, and creates, updates or deletes those that differ.
  - Validates everything before it changes anything, and reports all problems at once. Fields, types, enumerations and
    layout of widgets are validated against the models of Datadog's own client.
  - Also has Datadog validate the widgets of dashboards that it would create or update, in check mode too. If this API
    endpoint is not available to the account, only the other rules apply.
  - Sends widgets, fields and data sources that it does not know unchanged, with a warning.
options:
  dashboards:
    description:
      - Dashboards, each in the format of the Datadog API with a C(key) in addition. Read-only fields, such as C(id) and
        C(author_handle), are accepted and ignored.
      - With O(adopt=true), the module takes over an unmarked dashboard that has the same title.
      - C(key). Name that identifies the dashboard in its fleet, with the same syntax as O(fleet). Required.
      - C(state). V(present), the default, or V(absent), which deletes the dashboard. V(absent) needs no other fields.
      - C(title). Title of the dashboard.
      - C(description). Description of the dashboard. The module appends the mark as a separate paragraph.
      - C(layout_type). V(ordered) for a grid that flows, V(free) for widgets at fixed positions.
      - C(reflow_type). V(auto) or V(fixed), for ordered dashboards.
      - C(widgets). Widgets, each with a C(definition).
      - C(template_variables). Variables that filter the dashboard. Each has a C(name).
      - C(template_variable_presets). Saved values of the template variables.
      - C(notify_list). Handles of the people who are notified of changes.
      - C(tags). Team tags, C(team:NAME).
      - C(tabs). Tabs. They refer to widgets by position, V(@1) being the first.
      - C(default_timeframe). Time frame that is shown by default.
      - C(is_read_only). Whether only the author and administrators may edit the dashboard. Compared only if set.
      - C(restricted_roles). Roles that may edit the dashboard. Compared only if set.
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
    description: Fields of a dashboard.
    link: https://docs.datadoghq.com/api/latest/dashboards/#create-a-new-dashboard
"""

EXAMPLES = r"""
- name: Create a timeboard
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

- name: Delete all dashboards of the fleet, and nothing else
  kennel.fleet.datadog_dashboards:
    fleet: shop
    dashboards: []
    prune: true
  delegate_to: localhost
"""

RETURN = r"""
dashboards:
  description:
    - Result for each dashboard, in the order of the list, followed by the deleted ones.
    - In check mode, what would happen to each.
  returned: always
  type: list
  elements: dict
  contains:
    key:
      description: Key of the dashboard.
      type: str
    id:
      description: ID in Datadog. None if the dashboard does not exist, or would be created in check mode.
      type: str
    title:
      description: Title of the dashboard.
      type: str
    url:
      description: URL of the dashboard. None if it does not exist.
      type: str
    action:
      description: One of V(created), V(updated), V(adopted), V(unchanged) and V(deleted).
      type: str
    note:
      description: Additional information, if there is any.
      type: str
  sample:
    - key: overview
      id: abc-def-ghi
      title: The shop
      url: https://app.datadoghq.com/dashboard/abc-def-ghi/the-shop
      action: created
diff:
  description: Differences as YAML, one entry for each dashboard that is not V(unchanged).
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
    main_of_kind("dashboard")


if __name__ == "__main__":
    main()
