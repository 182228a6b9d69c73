# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_objects
short_description: Manage the dashboards, monitors and downtimes of a Datadog fleet
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Does the work of M(kennel.fleet.datadog_dashboards), M(kennel.fleet.datadog_monitors) and
    M(kennel.fleet.datadog_downtimes) in one call, in this order, and summarizes the results.
  - Validates the fields of all lists before it changes anything, and reports all problems at once.
options:
  dashboards:
    description: Dashboards, as for M(kennel.fleet.datadog_dashboards). If not set, dashboards are left alone.
    type: list
    elements: dict
  monitors:
    description: Monitors, as for M(kennel.fleet.datadog_monitors). If not set, monitors are left alone.
    type: list
    elements: dict
  downtimes:
    description: Downtimes, as for M(kennel.fleet.datadog_downtimes). If not set, downtimes are left alone.
    type: list
    elements: dict
  reports:
    description:
      - Directory for the report C(objects.json), which contains RV(summary). The module creates it if necessary.
      - The report is also written in check mode, and does not count as a change.
    type: path
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_objects
seealso:
  - module: kennel.fleet.datadog_dashboards
  - module: kennel.fleet.datadog_monitors
  - module: kennel.fleet.datadog_downtimes
"""

EXAMPLES = r"""
- name: Create a monitor and its downtime
  kennel.fleet.datadog_objects:
    fleet: shop
    monitors:
      - key: load
        name: Load
        type: query alert
        query: avg(last_5m):avg:system.load.1{*} by {host} > 8
        message: The load is high. @ops@example.com
    downtimes:
      - key: weekends
        monitor_key: load
        scope: "*"
        schedule: {days: [sat, sun], all_day: true, timezone: Europe/Paris}
    reports: /var/tmp/reports
  delegate_to: localhost
"""

RETURN = r"""
summary:
  description: Results for all objects. In check mode, what would happen to them.
  returned: always
  type: dict
  contains:
    fleet:
      description: Name of the fleet.
      type: str
    check:
      description: Whether the module ran in check mode.
      type: bool
    differs:
      description: Whether any object is not C(unchanged).
      type: bool
    counts:
      description: Number of objects that are C(created), C(changed), C(deleted) and C(unchanged).
      type: dict
    objects:
      description:
        - Lists of objects by kind, and then by C(created), C(changed), C(deleted) and C(unchanged). Each object has
          C(key), C(id), C(title) and C(url), and C(note) if there is one.
        - An object that was created by hand and taken over is C(changed), with C(adopted) set to V(true).
      type: dict
reports:
  description: Paths of the reports.
  returned: with O(reports)
  type: list
  elements: str
urls:
  description: URLs of the dashboards.
  returned: always
  type: list
  elements: str
  sample: [https://app.datadoghq.com/dashboard/abc-def-ghi/the-shop]
diff:
  description: Differences as YAML, one entry for each object that is not C(unchanged).
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

from ansible_collections.kennel.fleet.plugins.module_utils._objects.gateway import main_of_fleet


def main() -> None:
    main_of_fleet()


if __name__ == "__main__":
    main()
